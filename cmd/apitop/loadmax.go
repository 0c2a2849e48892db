package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"apitop/collectors/safe"
	"apitop/demoapi/load"
	"apitop/tui/format"
)

// findMax looks for the highest rate that keeps the objectives. Each step is
// printed when it is over, where no live view is in the way.
func (l *loadRun) findMax(ctx context.Context, p process) error {
	f := l.flags.search(l.plan)
	live := !l.flags.noLive && p.onTerminal()
	fmt.Fprintf(p.stderr, "apitop: looking for the highest rate within %s …\n", exprs(l.plan.slos))
	var found *load.Found
	var last *load.Report
	var failed error
	err := l.onScreen(ctx, p, func(ctx context.Context, w *loadWatch) {
		step := 0
		f.Run = func(ctx context.Context, spec load.Spec) (*load.Report, error) {
			step++
			w.label = fmt.Sprintf("step %d: %s", step, perSecond(spec.Stages[0].To))
			r, err := w.run(ctx, spec)
			if err == nil {
				last = r
			}
			return r, err
		}
		f.On = func(s load.Step) {
			if !live {
				fmt.Fprintln(p.stderr, stepLine(s))
			}
		}
		found, failed = f.Search(ctx)
	})
	if err != nil {
		return err
	}
	interrupted := errors.Is(failed, context.Canceled)
	if found == nil || failed != nil && !interrupted {
		return failed
	}
	if found.Best == nil {
		found.Best = last // better than nothing
	}
	if found.Best == nil {
		return codedError{errors.New("interrupted: no step was measured"), exitInterrupted}
	}
	return l.reportMax(p, found, interrupted)
}

// search is what --find-max asks for.
func (f *loadFlags) search(p *loadPlan) load.FindMax {
	m := load.FindMax{Spec: p.spec, SLOs: p.slos, Start: p.spec.Stages[0].To}
	if f.given("for") {
		m.Step = f.window
		m.Pause = min(max(m.Step/10, 100*time.Millisecond), time.Second)
	}
	return m
}

// exprs lists objectives.
func exprs(slos []load.SLO) string {
	var out []string
	for _, s := range slos {
		out = append(out, s.Expr)
	}
	return strings.Join(out, ", ")
}

// stepLine is one step of a search.
func stepLine(s load.Step) string {
	mark, why := "✓", ""
	switch s.Gate {
	case load.Broken:
		mark, why = "✗", "  "+safe.Clean(s.Broken, 120)
	case load.Unmeasured:
		mark, why = "?", "  "+safe.Clean(s.Broken, 120)
	}
	return fmt.Sprintf("%s %9s  sent %9s  p95 %s%s", mark, perSecond(s.RPS), perSecond(s.SentRPS), format.Seconds(pointed(s.P95)), why)
}

// reportMax prints what was found, with the report of the best step; without
// such a step, of the last one.
func (l *loadRun) reportMax(p process, found *load.Found, interrupted bool) error {
	doc := &loadDocument{Report: found.Best, FindMax: found}
	doc.SLO = []load.SLOResult{}
	for _, s := range found.Steps {
		if found.RPS != nil && s.RPS == *found.RPS && s.Gate == load.Kept {
			doc.SLO = s.SLO
		}
	}
	if err := l.write(p, doc); err != nil {
		return err
	}
	switch {
	case interrupted:
		return codedError{errors.New("interrupted: the search was not over"), exitInterrupted}
	case found.RPS == nil && found.BrokeAt == nil:
		return codedError{errors.New(found.Why), exitUnmeasured}
	case found.RPS == nil:
		return codedError{errors.New(found.Why), exitBroken}
	}
	return nil
}
