package load

import (
	"math"
	"math/rand/v2"
	"sort"
	"time"
)

// maxBehind is how far a run may fall behind its schedule before it gives
// requests up. Without a bound a machine waking from sleep would send hours of
// traffic at once.
const maxBehind = 10 * time.Second

// schedule is when requests are due. It counts from the start of a run and does
// not depend on the requests before, so that delays do not add up.
//
//	rate  ┌────┐             due(n) is where the area under the
//	     ╱│    │╲            rate reaches n
//	    ╱ │    │ ╲
//	  0 ──┴────┴──▶ time
type schedule struct {
	stages []Stage
	begins []time.Duration // of each stage
	counts []float64       // requests due before each stage
}

func newSchedule(stages []Stage) schedule {
	s := schedule{stages: stages, begins: make([]time.Duration, len(stages)), counts: make([]float64, len(stages))}
	for i := range len(stages) - 1 {
		s.begins[i+1] = s.begins[i] + stages[i].Duration
		s.counts[i+1] = s.counts[i] + area(stages[i])
	}
	return s
}

// area is the number of requests of a stage; without end it is infinite.
func area(g Stage) float64 {
	if g.Duration == 0 {
		if g.To > 0 {
			return math.Inf(1)
		}
		return 0
	}
	return (g.From + g.To) / 2 * g.Duration.Seconds()
}

// length is the planned time; 0 is without end.
func (s schedule) length() time.Duration {
	last := len(s.stages) - 1
	if s.stages[last].Duration == 0 {
		return 0
	}
	return s.begins[last] + s.stages[last].Duration
}

// rounding is what sums of rates may be off without a request more or less.
const rounding = 1e-6

// due is when the number of requests due reaches n, from 0; false: never.
func (s schedule) due(n float64) (time.Duration, bool) {
	n = max(n, 0)
	// The last stage that begins with no more than n due: stages without
	// requests, which begin and end with the same count, are passed over.
	i := sort.Search(len(s.counts), func(i int) bool { return s.counts[i] > n+rounding }) - 1
	g := s.stages[i]
	c := max(n-s.counts[i], 0)
	if !(c+rounding < area(g)) {
		return 0, false
	}
	from, slope := g.From, 0.0
	if g.Duration > 0 {
		slope = (g.To - g.From) / g.Duration.Seconds()
	} else {
		from = g.To
	}
	// c = from t + slope t²/2, solved for t in the form that is exact for a
	// slope of 0 and needs no subtraction of near equals.
	t := 2 * c / (from + math.Sqrt(max(from*from+2*slope*c, 0))) * float64(time.Second)
	if c == 0 {
		t = 0
	}
	if !(t < float64(math.MaxInt64-s.begins[i])) {
		return 0, false
	}
	return s.begins[i] + time.Duration(t), true
}

// at is the stage at a time after the start, and how far in it that is. After
// the end it is the end.
func (s schedule) at(elapsed time.Duration) (i int, in time.Duration) {
	i = max(sort.Search(len(s.begins), func(i int) bool { return s.begins[i] > elapsed })-1, 0)
	in = max(elapsed-s.begins[i], 0)
	if d := s.stages[i].Duration; d > 0 {
		in = min(in, d)
	}
	return i, in
}

// rate is the rate at a time after the start.
func (s schedule) rate(elapsed time.Duration) float64 {
	i, in := s.at(elapsed)
	g := s.stages[i]
	if g.Duration == 0 {
		return g.To
	}
	return g.From + (g.To-g.From)*float64(in)/float64(g.Duration)
}

// count is how many requests are due before a time after the start.
func (s schedule) count(elapsed time.Duration) float64 {
	i, in := s.at(elapsed)
	return s.counts[i] + (s.stageRate(i)+s.rate(elapsed))/2*in.Seconds()
}

// stageRate is the rate at the start of stage i.
func (s schedule) stageRate(i int) float64 {
	if s.stages[i].Duration == 0 {
		return s.stages[i].To
	}
	return s.stages[i].From
}

// changed is the same schedule up to a time, and a steady rate from there to its
// end. After its end it is the same.
func (s schedule) changed(elapsed time.Duration, rps float64) schedule {
	i, in := s.at(elapsed)
	left := time.Duration(0)
	if n := s.length(); n > 0 {
		if left = n - elapsed; left <= 0 {
			return s
		}
	}
	stages := append([]Stage(nil), s.stages[:i]...)
	if in > 0 {
		stages = append(stages, Stage{Duration: in, From: s.stageRate(i), To: s.rate(elapsed)})
	}
	return newSchedule(append(stages, Stage{Duration: left, From: rps, To: rps}))
}

// arrivals are the numbers of requests due at which one is to be sent.
type arrivals struct {
	kind Arrivals
	rng  *rand.Rand
	n    float64
}

// next is the number for the next request. Independent callers come with
// exponential gaps, of one request in the mean.
func (a *arrivals) next() float64 {
	n := a.n
	if a.kind == Poisson {
		a.n += a.rng.ExpFloat64()
		return a.n
	}
	a.n++
	return n
}
