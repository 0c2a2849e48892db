// Package load sends requests and measures how they are answered: the traffic of
// the demo, and the tests of any API.
//
// The load is open unless asked otherwise: each request has its time on an
// absolute schedule, whether the ones before were answered or not. So a slow
// server does not slow the load, and the waiting that it causes is in the
// figures: the response time counts from the time at which a request was due.
package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Runner does one run. Progress and SetRate may be called at any time, by
// anybody.
type Runner struct {
	spec     Spec
	scenario *Scenario
	target   *url.URL
	length   time.Duration // planned; 0: without end, or unknown
	planner  *planner
	tally    *tally
	dial     func(context.Context) (net.Conn, error)
	dialed   atomic.Uint64 // connections opened
	inFlight atomic.Int64
	started  atomic.Bool

	changes chan float64          // rates from SetRate; the latest wins
	ringer  atomic.Pointer[alarm] // wakes the pacer; nil: it is not there
	jobs    chan job              // to an idle worker
	workers sync.WaitGroup
	places  atomic.Int64  // taken by workers of an open loop
	left    chan struct{} // a worker left

	mu       sync.Mutex // guards all below
	phase    Phase
	start    time.Time
	plan     schedule // zero in a closed loop
	end      time.Duration
	logins   Logins
	measured reading // at the start of the measured time
	finished reading // at its end
	course   []CourseResult
}

// reading is what a process has used at a time.
type reading struct {
	at     time.Duration
	set    bool
	cpu    time.Duration
	cpuOK  bool
	dialed uint64
}

// New prepares a run. An error says what is wrong with the spec; it never has
// the target, which may hold a password.
func New(spec Spec) (*Runner, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	spec = spec.withDefaults()
	target, err := parseTarget(spec.Target)
	if err != nil {
		return nil, err
	}
	scenario := spec.Scenario
	base := *target
	if scenario == nil {
		scenario = single(target)
		base.Path, base.RawPath, base.RawQuery = "", "", ""
	}
	if err := scenario.check(); err != nil {
		return nil, fmt.Errorf("load: scenario %q: %w", scenario.Name, err)
	}
	p := newPlanner(scenario, spec, &base)
	r := &Runner{
		spec: spec, scenario: scenario, target: target, planner: p,
		tally: newTally(len(p.rows), p.crowd), dial: newDial(target, spec.Timeout),
		changes: make(chan float64, 1), jobs: make(chan job), left: make(chan struct{}, 1), phase: Ready,
	}
	if len(spec.Stages) > 0 {
		r.plan = newSchedule(spec.Stages)
		r.length = r.plan.length()
	}
	return r, nil
}

// single is the scenario of one URL.
func single(target *url.URL) *Scenario {
	path := target.EscapedPath()
	if path == "" {
		path = "/"
	}
	r := Request{Name: path, Path: path, Weight: 1}
	if target.RawQuery != "" {
		r.Path += "?" + target.RawQuery
	}
	return &Scenario{Name: "url", Requests: []Request{r}}
}

// errUsed says that Run was called before.
var errUsed = errors.New("load: a runner runs once")

// Run sends the load and reports on it. When ctx ends before the schedule does,
// requests under way are abandoned, and the report is of the time so far, with
// Interrupted set. The only error is a second call.
func (r *Runner) Run(ctx context.Context) (*Report, error) {
	if !r.started.CompareAndSwap(false, true) {
		return nil, errUsed
	}
	r.setPhase(LogIn)
	r.begin(time.Now())
	if r.planner.login != nil && !r.spec.LoginInLoad {
		r.logIn(ctx)
	}
	r.begin(time.Now())
	run := r.runOpen
	if r.closed() {
		run = r.runClosed
	}
	end, interrupted := run(ctx)
	r.finish(end)
	r.setPhase(Done)
	return r.report(interrupted), nil
}

func (r *Runner) closed() bool { return r.spec.Closed != Closed{} }

// clock is the time since the start.
func (r *Runner) clock() time.Duration { return time.Since(r.start) }

// begin sets the start, before anybody reads the clock.
func (r *Runner) begin(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.start = now
}

func (r *Runner) setPhase(p Phase) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.phase = p
}

// SetRate changes the rate of an open loop: from now on, and to the end of the
// schedule, it is rps, 0 to 100,000; 0 is a pause. It says whether it could.
func (r *Runner) SetRate(rps float64) bool {
	if !(rps >= 0 && rps <= maxRPS) || r.closed() {
		return false
	}
	for {
		select {
		case r.changes <- rps:
			if a := r.ringer.Load(); a != nil {
				(*a).ring()
			}
			return true
		default:
		}
		select {
		case <-r.changes: // an older one that was not yet taken
		default:
		}
	}
}

// measure takes the reading at the start of the measured time, once.
func (r *Runner) measure(at time.Duration) {
	if r.measured.set {
		return
	}
	now := r.read(at)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.measured = now
	r.phase = Measure
}

// finish takes the reading at the end.
func (r *Runner) finish(end time.Duration) {
	now := r.read(end)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finished, r.end = now, end
}

func (r *Runner) read(at time.Duration) reading {
	cpu, ok := cpuTime()
	return reading{at: at, set: true, cpu: cpu, cpuOK: ok, dialed: r.dialed.Load()}
}
