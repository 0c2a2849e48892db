package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"apitop/collectors/analysis"
	"apitop/demoapi/load"
	"apitop/tui/loadview"
	"apitop/tui/painter"
	"apitop/tui/theme"
)

// lookEvery is how often a test under way is looked at.
const lookEvery = 250 * time.Millisecond

// loadWatch looks at a test while it runs: for the live view, for a line a
// second, and for objectives that break.
type loadWatch struct {
	flags *loadFlags
	slos  []load.SLO
	views chan loadview.View // holds the newest; nil: nobody looks
	lines *csv.Writer        // nil: none
	spawn func(func())       // starts a goroutine; on a terminal its panics must restore that
	title string             // what is tested
	label string             // of the step of a search; "" otherwise

	planned int // requests of a closed loop; 0: not known

	runner  atomic.Pointer[load.Runner] // the one under way, for SetRate
	lag     analysis.Value              // p95 of the last second
	history []loadview.Second           // of the last minutes
	seconds int                         // that were seen of this run
	results []load.SLOResult            // how the objectives stand
	before  load.Totals                 // at the last line
	broken  string                      // the objective that ended the test
}

// mostSeconds bounds the history of the live view.
const mostSeconds = 600

// setRate changes the rate of the run under way.
func (w *loadWatch) setRate(rps float64) {
	if r := w.runner.Load(); r != nil {
		r.SetRate(rps)
	}
}

// run does one run and watches it. A broken objective ends it early, if that was
// asked for.
func (w *loadWatch) run(ctx context.Context, spec load.Spec) (*load.Report, error) {
	runner, err := load.New(spec)
	if err != nil {
		return nil, err
	}
	w.runner.Store(runner)
	w.seconds, w.before = 0, load.Totals{}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var watching sync.WaitGroup
	over := make(chan struct{})
	watching.Add(1)
	w.spawn(func() {
		defer watching.Done()
		w.follow(over, runner, cancel)
	})
	r, err := runner.Run(ctx)
	close(over)
	watching.Wait()
	return r, err
}

// follow looks at a run until it is over.
func (w *loadWatch) follow(over <-chan struct{}, runner *load.Runner, abort func()) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		w.look(runner, abort)
		select {
		case <-ticker.C:
		case <-over:
			w.look(runner, func() {})
			return
		}
	}
}

// look takes in how the run stands now.
func (w *loadWatch) look(runner *load.Runner, abort func()) {
	p := runner.Progress()
	if second := int(p.Elapsed / time.Second); second > w.seconds {
		w.seconds = second
		w.second(runner, &p)
		w.results = runner.Judge(w.slos)
		if w.broke(&p) {
			abort()
		}
	}
	if w.views != nil {
		w.show(w.view(&p))
	}
}

// broke tells whether an objective broke that ends the test.
func (w *loadWatch) broke(p *load.Progress) bool {
	if !w.flags.abort || p.Phase != load.Measure || p.Elapsed-w.flags.warmup < w.flags.abortDelay || load.GateOf(w.results) != load.Broken {
		return false
	}
	w.broken = unkept(w.results, false)
	return true
}

// show hands a view over; one that nobody took yet is replaced.
func (w *loadWatch) show(v loadview.View) {
	select {
	case <-w.views:
	default:
	}
	w.views <- v
}

// second takes in a second that is over.
func (w *loadWatch) second(runner *load.Runner, p *load.Progress) {
	response, service, lag := runner.LastSecond()
	w.lag = recentQuantile(&lag, 0.95)
	now := time.Now()
	w.history = append(w.history, loadview.Second{
		At: now, P50: recentQuantile(&response, 0.5), P95: recentQuantile(&response, 0.95), P99: recentQuantile(&response, 0.99),
		ServiceP95: recentQuantile(&service, 0.95),
	})
	if over := len(w.history) - mostSeconds; over > 0 {
		w.history = append([]loadview.Second{}, w.history[over:]...)
	}
	if w.lines != nil {
		w.line(now, p, &response, &service)
	}
}

// csvHead is the first line of the file of seconds.
func csvHead() []string {
	return []string{
		"at", "elapsed_seconds", "phase", "intended_rps", "sent_rps", "in_flight", "ok", "client_errors", "errors", "throttled", "late", "dropped",
		"response_p50_seconds", "response_p95_seconds", "response_p99_seconds", "service_p50_seconds", "service_p95_seconds", "service_p99_seconds",
	}
}

// line writes one second. Its counts are of the time since the line before; a
// percentile of too few answers is empty.
func (w *loadWatch) line(now time.Time, p *load.Progress, response, service *load.Latency) {
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	count := func(now, before uint64) string { return strconv.FormatUint(now-before, 10) }
	t, b := &p.Totals, &w.before
	row := []string{
		now.UTC().Format(time.RFC3339Nano), strconv.Itoa(w.seconds), string(p.Phase), number(p.IntendedRPS), number(p.SentRPS), strconv.Itoa(p.InFlight),
		count(t.OK, b.OK), count(t.ClientErrors, b.ClientErrors), count(t.Errors, b.Errors), count(t.Throttled, b.Throttled),
		count(t.Late, b.Late), count(t.Dropped, b.Dropped),
	}
	for _, l := range []*load.Latency{response, service} {
		for _, q := range []float64{0.5, 0.95, 0.99} {
			text := ""
			if v := recentQuantile(l, q); v.OK {
				text = number(v.V)
			}
			row = append(row, text)
		}
	}
	_ = w.lines.Write(row) // the writer keeps its error
	w.lines.Flush()
	w.before = *t
}

// onScreen does work and shows it on the terminal, if there is one. The work is
// told to end when the user ends the view, and is waited for.
func (l *loadRun) onScreen(ctx context.Context, p process, work func(context.Context, *loadWatch)) (err error) {
	w := &loadWatch{flags: l.flags, slos: l.plan.slos, title: l.title(), planned: l.plan.requests(), spawn: func(f func()) { go f() }}
	if l.flags.csvFile != "" {
		file, err := os.Create(l.flags.csvFile)
		if err != nil {
			return fmt.Errorf("write the seconds: %w", err)
		}
		w.lines = csv.NewWriter(file)
		_ = w.lines.Write(csvHead()) // the writer keeps its error
		defer func() { err = errors.Join(err, w.lines.Error(), file.Close()) }()
	}
	if l.flags.noLive || !p.onTerminal() {
		work(ctx, w)
		return nil
	}
	return l.onTerminal(ctx, p, w, work)
}

// onTerminal is onScreen where there is a terminal.
func (l *loadRun) onTerminal(ctx context.Context, p process, w *loadWatch, work func(context.Context, *loadWatch)) error {
	look, err := theme.ForTerminal(l.theme, p.getenv)
	if err != nil {
		return usageError{err}
	}
	w.views = make(chan loadview.View, 1)
	o := loadview.Options{Views: w.views, SetRate: w.setRate}
	if l.plan.spec.Closed != (load.Closed{}) || l.flags.findMax {
		o.SetRate = nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	program := painter.New(loadview.New(o), painter.Options{In: p.stdin, Out: p.terminal, Theme: look})
	w.spawn = program.Go
	program.Go(func() {
		defer close(done)
		defer close(w.views)
		work(ctx, w)
	})
	err = program.Run(context.WithoutCancel(ctx)) // it has its own way with signals
	cancel()
	<-done
	var crash *painter.PanicError
	if errors.As(err, &crash) || errors.Is(err, painter.ErrHangup) {
		return err
	}
	return nil // quit and interrupted: the report says so
}
