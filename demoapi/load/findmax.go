package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// FindMax looks for the highest rate at which a target keeps its objectives: it
// doubles the rate until one breaks, then halves the gap until it is small. An
// objective must break twice at the same rate, as one bad moment is no limit.
type FindMax struct {
	Spec  Spec  // what is asked; its stages are replaced
	SLOs  []SLO // at least one; those on rps are replaced by: 99 % of the rate is really sent and answered
	Start float64
	Limit float64       // highest rate to try; 0: 100,000
	Step  time.Duration // length of a step; 0: 10 s. Longer where the objectives need more samples
	Pause time.Duration // between two steps, for the target to recover; 0: 1 s

	Run func(context.Context, Spec) (*Report, error) // measures one step
	On  func(Step)                                   // told of every step once it is over; may be nil
}

// Step is one step of a search.
type Step struct {
	RPS     float64     `json:"rps"`      // that was asked for
	SentRPS float64     `json:"sent_rps"` // that was sent
	Gate    Gate        `json:"-"`
	Pass    *bool       `json:"pass"`             // null: could not be judged
	Broken  string      `json:"broken,omitempty"` // the first objective that broke or could not be judged, in words
	SLO     []SLOResult `json:"slo"`
	P95     *float64    `json:"p95_seconds"` // response
}

// Found is the result of a search.
type Found struct {
	RPS     *float64 `json:"rps"`      // the highest rate that kept all objectives; null: none did
	BrokeAt *float64 `json:"broke_at"` // the lowest rate that broke one; null: none did
	Why     string   `json:"why"`      // why the search ended, in words
	Steps   []Step   `json:"steps"`    // in their order
	Best    *Report  `json:"-"`        // of the step at RPS; nil without
}

const (
	searchPrecision = 0.05 // of the rate
	lowestRate      = 1    // requests a second
	maxSteps        = 40
	longestStep     = time.Minute
)

// Search runs the steps. When ctx ends, the result so far comes with its error.
func (f FindMax) Search(ctx context.Context) (*Found, error) {
	if f.Run == nil {
		return nil, errors.New("load: a search needs a way to measure")
	}
	if err := f.Check(); err != nil {
		return nil, err
	}
	f = f.withDefaults()
	s := newSearch(f.Start, f.Limit)
	found := &Found{}
	for len(found.Steps) < maxSteps && s.why == "" {
		step, r, err := f.step(ctx, s.next)
		if err != nil {
			return found, err
		}
		found.Steps = append(found.Steps, step)
		if f.On != nil {
			f.On(step)
		}
		if step.Gate == Kept {
			found.RPS, found.Best = new(step.RPS), r
		}
		s.tell(step)
		if s.why == "" && !pause(ctx, f.Pause) {
			return found, context.Cause(ctx)
		}
	}
	found.Why = s.why
	if found.Why == "" {
		found.Why = fmt.Sprintf("gave up after %d steps", maxSteps)
	}
	if s.bad > 0 {
		found.BrokeAt = &s.bad
	}
	return found, nil
}

// Check says what is wrong with the search, before it begins.
func (f FindMax) Check() error {
	judged := 0
	for _, s := range f.SLOs {
		if s.Figure != FigureRPS {
			judged++
		}
	}
	switch {
	case judged == 0:
		return errors.New("load: a search needs an objective on something else than rps")
	case !(f.Start >= lowestRate && f.Start <= maxRPS):
		return fmt.Errorf("load: a search starts at %d to %.0f requests a second, not at %v", lowestRate, maxRPS, f.Start)
	case f.Limit < 0 || f.Limit > maxRPS || f.Limit > 0 && f.Limit < f.Start:
		return fmt.Errorf("load: the highest rate of a search is between its start and %.0f requests a second, not %v", maxRPS, f.Limit)
	case f.Step < 0 || f.Pause < 0:
		return errors.New("load: a step and the pause after it must not be negative")
	}
	return nil
}

func (f FindMax) withDefaults() FindMax {
	if f.Limit == 0 {
		f.Limit = maxRPS
	}
	if f.Step == 0 {
		f.Step = 10 * time.Second
	}
	if f.Pause == 0 {
		f.Pause = time.Second
	}
	return f
}

// step measures one rate.
func (f FindMax) step(ctx context.Context, rps float64) (Step, *Report, error) {
	spec := f.Spec
	spec.Closed = Closed{}
	spec.Stages = []Stage{{Duration: f.stepLength(rps) + spec.Warmup, From: rps, To: rps}}
	r, err := f.Run(ctx, spec)
	if err != nil {
		return Step{}, nil, fmt.Errorf("load: at %.4g requests a second: %w", rps, err)
	}
	if err := context.Cause(ctx); err != nil || r.Interrupted {
		return Step{}, nil, errors.Join(err, context.Canceled)
	}
	st := Step{RPS: rps, SentRPS: r.SentRPS, SLO: f.judge(rps, r), P95: r.Response.P95}
	st.Gate = GateOf(st.SLO)
	switch st.Gate {
	case Kept:
		st.Pass = new(true)
	case Broken:
		st.Pass = new(false)
	}
	st.Broken = firstProblem(st.SLO)
	return st, r, nil
}

// judge holds a step to the objectives, and to the rate itself: a target that
// answers in time but too few has not kept up.
func (f FindMax) judge(rps float64, r *Report) []SLOResult {
	var out []SLOResult
	for _, s := range f.SLOs {
		if s.Figure != FigureRPS {
			out = append(out, s.Judge(r))
		}
	}
	kept := 0.99
	if f.Spec.Arrivals == Poisson {
		kept -= 3 / math.Sqrt(max(rps*r.Seconds, 9)) // they come in numbers that vary
	}
	sent := SLO{Expr: fmt.Sprintf("rps>=%.4g", kept*rps), Figure: FigureRPS, Above: true, OrEqual: true, Bound: kept * rps}
	answered := float64(r.Requests) / max(r.Seconds, 1e-9)
	return append(out, sent.judge(measured{value: min(answered, r.SentRPS), ok: r.Seconds > 0, reason: "no time was measured"}))
}

// firstProblem says in words what did not hold; "" when all did.
func firstProblem(results []SLOResult) string {
	for _, want := range []bool{false, true} { // what broke, then what could not be judged
		for _, r := range results {
			if r.Pass != nil && !*r.Pass && !want {
				return r.Expr
			}
			if r.Pass == nil && want {
				return r.Expr + ": " + r.Reason
			}
		}
	}
	return ""
}

// stepLength is long enough for the percentiles of the objectives, as far as
// that is bearable; one that needs more stays unjudged and ends the search.
func (f FindMax) stepLength(rps float64) time.Duration {
	need := 0.0
	for _, s := range f.SLOs {
		if s.Figure == FigureQuantile && s.Subject == "" {
			need = max(need, float64(samplesFor(s.Q)))
		}
	}
	const spare = 1.2 // not all are answered well
	seconds := math.Min(need*spare/rps, longestStep.Seconds())
	return max(f.Step, time.Duration(seconds*float64(time.Second)))
}

// search decides on the next rate by what came of the ones before. It is
// deterministic and measures nothing itself.
type search struct {
	next, limit float64
	good, bad   float64 // the highest rate that kept the objectives, the lowest that did not; 0: none
	again       bool    // next broke an objective once
	why         string  // not "": it is over
}

func newSearch(start, limit float64) *search { return &search{next: start, limit: limit} }

// tell takes the outcome of a step at next.
func (s *search) tell(step Step) {
	switch {
	case step.Gate == Unmeasured:
		s.why = "could not judge " + step.Broken
		return
	case step.Gate == Kept:
		s.good, s.again = s.next, false
	case !s.again:
		s.again = true // the same once more
		return
	default:
		s.bad, s.again = s.next, false
	}
	s.choose()
}

// choose sets the next rate, or ends the search.
func (s *search) choose() {
	switch {
	case s.bad == 0 && s.good >= s.limit:
		s.why = "the highest rate allowed was kept"
	case s.bad == 0:
		s.next = min(2*s.good, s.limit)
	case s.good == 0 && s.bad/2 < lowestRate:
		s.why = fmt.Sprintf("not even %.3g/s kept the objectives", s.bad)
	case s.good == 0:
		s.next = neat(s.bad / 2)
	case s.bad-s.good <= searchPrecision*s.good:
		s.why = fmt.Sprintf("within %.0f %%", searchPrecision*100)
	default:
		s.next = s.between()
	}
	if s.why == "" && (s.next == s.good || s.next == s.bad) {
		s.why = "no rate lies between"
	}
}

// between is the middle of the gap, neat if that does not leave it.
func (s *search) between() float64 {
	mid := (s.good + s.bad) / 2
	if n := neat(mid); n > s.good && n < s.bad {
		return n
	}
	return mid
}

// neat rounds a rate to three digits.
func neat(rps float64) float64 {
	if rps <= 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(rps))-2)
	return math.Round(rps/unit) * unit
}
