package load

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

const sec = time.Second

// stages of several shapes, shared by tests of the schedule.
func shapes() map[string][]Stage {
	return map[string][]Stage{
		"steady":      {{10 * sec, 50, 50}},
		"ramp up":     {{10 * sec, 0, 100}},
		"ramp down":   {{10 * sec, 100, 0}},
		"typical":     {{30 * sec, 0, 200}, {2 * time.Minute, 200, 200}, {30 * sec, 200, 500}},
		"pause":       {{2 * sec, 10, 10}, {5 * sec, 0, 0}, {2 * sec, 10, 10}},
		"pause first": {{5 * sec, 0, 0}, {2 * sec, 10, 10}},
		"odd":         {{7 * sec, 3.3, 3.3}, {time.Second / 3, 1000, 1}},
		"without end": {{3 * sec, 1, 7}, {0, 7, 7}},
	}
}

func TestDue(t *testing.T) {
	tests := map[string]struct {
		stages []Stage
		n      float64
		want   time.Duration // -1: never
	}{
		"first":              {[]Stage{{0, 50, 50}}, 0, 0},
		"second":             {[]Stage{{0, 50, 50}}, 1, 20 * time.Millisecond},
		"a minute later":     {[]Stage{{0, 50, 50}}, 3000, time.Minute},
		"no whole interval":  {[]Stage{{0, 3, 3}}, 3, time.Second},
		"less than one":      {[]Stage{{0, 0.1, 0.1}}, 1, 10 * time.Second},
		"a day later":        {[]Stage{{0, 1000, 1000}}, 86_400_000, 24 * time.Hour},
		"beyond all time":    {[]Stage{{0, 1e-3, 1e-3}}, 1e18, -1},
		"last of steady":     {[]Stage{{10 * sec, 50, 50}}, 499, 9980 * time.Millisecond},
		"end of steady":      {[]Stage{{10 * sec, 50, 50}}, 500, -1},
		"half of a ramp":     {[]Stage{{10 * sec, 0, 100}}, 125, 5 * sec},
		"ramp down":          {[]Stage{{10 * sec, 100, 0}}, 375, 5 * sec},
		"next stage":         {[]Stage{{10 * sec, 0, 100}, {10 * sec, 100, 100}}, 500, 10 * sec},
		"in the next stage":  {[]Stage{{10 * sec, 0, 100}, {10 * sec, 100, 100}}, 600, 11 * sec},
		"after a pause":      {[]Stage{{2 * sec, 10, 10}, {5 * sec, 0, 0}, {2 * sec, 10, 10}}, 20, 7 * sec},
		"before a pause":     {[]Stage{{2 * sec, 10, 10}, {5 * sec, 0, 0}, {2 * sec, 10, 10}}, 19, 1900 * time.Millisecond},
		"pause at the start": {[]Stage{{5 * sec, 0, 0}, {2 * sec, 10, 10}}, 0, 5 * sec},
		"only a pause":       {[]Stage{{5 * sec, 0, 0}}, 0, -1},
		"endless pause":      {[]Stage{{5 * sec, 10, 10}, {0, 0, 0}}, 50, -1},
		"negative":           {[]Stage{{5 * sec, 10, 10}}, -3, 0},
	}
	for name, tt := range tests {
		got, ok := newSchedule(tt.stages).due(tt.n)
		if !ok {
			got = -1
		}
		if d := got - tt.want; d < -time.Microsecond || d > time.Microsecond {
			t.Errorf("%s: due(%v) = %v, want %v", name, tt.n, got, tt.want)
		}
	}
}

// TestScheduleAgrees: due, count, rate and total say the same of any shape.
func TestScheduleAgrees(t *testing.T) {
	for name, stages := range shapes() {
		s := newSchedule(stages)
		before, sent := time.Duration(-1), 0
		for n := 0.0; n < min(s.total(), 5000); n++ {
			at, ok := s.due(n)
			if !ok {
				break
			}
			if sent++; at < before {
				t.Errorf("%s: request %v is due at %v, before the one before it at %v", name, n, at, before)
			}
			if c := s.count(at); math.Abs(c-n) > 1e-3 {
				t.Errorf("%s: %v are due before %v, the time of request %v", name, c, at, n)
			}
			if s.length() > 0 && at >= s.length() {
				t.Errorf("%s: request %v is due at %v, after the end", name, n, at)
			}
			before = at
		}
		if want := math.Ceil(min(s.total(), 5000) - rounding); float64(sent) != want {
			t.Errorf("%s: %d requests, want %v", name, sent, want)
		}
	}
}

func TestRate(t *testing.T) {
	s := newSchedule([]Stage{{10 * sec, 0, 100}, {5 * sec, 40, 40}})
	for at, want := range map[time.Duration]float64{-sec: 0, 0: 0, 5 * sec: 50, 10 * sec: 40, 12 * sec: 40, time.Hour: 40} {
		if got := s.rate(at); got != want {
			t.Errorf("at %v: %v a second, want %v", at, got, want)
		}
	}
}

// TestChanged: what was due before the change stays, the rest is steady, and the
// end is the same.
func TestChanged(t *testing.T) {
	for name, stages := range shapes() {
		s := newSchedule(stages)
		for _, at := range []time.Duration{0, sec, 2 * sec, 6 * sec, 9 * sec} {
			c := s.changed(at, 20)
			if s.length() > 0 && at >= s.length() {
				if c.length() != s.length() {
					t.Errorf("%s at %v: after its end it lasts %v", name, at, c.length())
				}
				continue
			}
			if c.length() != s.length() || math.Abs(c.count(at)-s.count(at)) > 1e-6 || c.rate(at+time.Millisecond) != 20 {
				t.Errorf("%s at %v: length %v, %v before, then %v a second; want %v, %v, 20", name, at, c.length(), c.count(at), c.rate(at+1), s.length(), s.count(at))
			}
			if got := c.count(at+sec/2) - c.count(at); math.Abs(got-10) > 1e-6 && (s.length() == 0 || at+sec/2 <= s.length()) {
				t.Errorf("%s at %v: %v requests in half a second, want 10", name, at, got)
			}
		}
	}
}

// TestPoisson: the gaps are exponential, so their mean and deviation are one.
func TestPoisson(t *testing.T) {
	a := arrivals{kind: Poisson, rng: rand.New(rand.NewPCG(1, arrivalStream))}
	const draws = 100_000
	before, sum, squares, long := 0.0, 0.0, 0.0, 0
	for range draws {
		n := a.next()
		gap := n - before
		before, sum, squares = n, sum+gap, squares+gap*gap
		if gap > 1 {
			long++
		}
	}
	mean := sum / draws
	if deviation := math.Sqrt(squares/draws - mean*mean); math.Abs(mean-1) > 0.02 || math.Abs(deviation-1) > 0.03 {
		t.Errorf("gaps have the mean %v and deviation %v, want 1 and 1", mean, deviation)
	}
	if share := float64(long) / draws; math.Abs(share-1/math.E) > 0.01 {
		t.Errorf("%v of the gaps are above the mean, want 1/e", share)
	}
}

// total is the number of requests in the whole time.
func (s schedule) total() float64 {
	last := len(s.stages) - 1
	return s.counts[last] + area(s.stages[last])
}
