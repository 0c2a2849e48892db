package main

import (
	"context"
	"slices"

	"apitop/collectors"
	"apitop/collectors/analysis"
	"apitop/collectors/snapshot"
)

// follow steps the engine over the stream and hands each report to emit until
// the stream or ctx ends, or emit says stop.
func follow(ctx context.Context, s snapshot.Stream, e *analysis.Engine, emit func(*analysis.Report) (more bool)) error {
	pace := newThrift()
	defer pace.stop()
	for {
		snap, err := s.Next(ctx)
		if err != nil {
			return err
		}
		if !emit(e.Step(snap)) {
			return nil
		}
		pace.adjust()
	}
}

// latest is a channel of reports that holds the newest one only.
type latest chan *analysis.Report

func newLatest() latest { return make(latest, 1) }

// put replaces a report that nobody has taken. It is for one producer.
func (l latest) put(r *analysis.Report) {
	select {
	case <-l:
	default:
	}
	l <- r
}

// patience is how many rounds more a measurement waits for a source that has not
// answered yet when its time is over.
const patience = 2

// measure runs the jobs for the length of the window, which opt must hold, and
// gives the last report.
func measure(ctx context.Context, w *watched, opt analysis.Options) (*analysis.Report, error) {
	opt.Interval = min(opt.Interval, opt.Window)
	window, interval := opt.Window, opt.Interval
	engine := analysis.New(opt)
	live := w.stream(interval, eachTwice(w.jobs, int(window/interval)+1))
	var first, last *analysis.Report
	err := follow(ctx, live, engine, func(r *analysis.Report) bool {
		if first == nil {
			first = r
		}
		last = r
		over := r.At.Sub(first.At) - window + interval/2 // rounds are never quite on time
		return over < 0 || (over < patience*interval && owing(r))
	})
	return last, err
}

// eachTwice makes jobs run often enough in so many rounds that there is a
// difference to report.
func eachTwice(jobs []collectors.Job, rounds int) []collectors.Job {
	jobs = slices.Clone(jobs)
	for i := range jobs {
		if jobs[i].Every >= rounds {
			jobs[i].Every = 1
		}
	}
	return jobs
}

// owing tells whether a source has never answered yet.
func owing(r *analysis.Report) bool {
	return slices.ContainsFunc(r.Sources, func(s analysis.Source) bool { return s.State == analysis.StateWaiting })
}
