package main

import (
	"context"
	"time"

	"apitop/collectors"
	"apitop/collectors/analysis"
	"apitop/collectors/snapshot"
)

// follow steps the engine over the stream and hands each report to emit until
// the stream or ctx ends, or emit says stop.
func follow(ctx context.Context, s snapshot.Stream, e *analysis.Engine, emit func(*analysis.Report) (more bool)) error {
	for {
		snap, err := s.Next(ctx)
		if err != nil {
			return err
		}
		if !emit(e.Step(snap)) {
			return nil
		}
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

// measure runs the jobs for the length of the window and gives the last report.
func measure(ctx context.Context, w *watched, window, interval time.Duration) (*analysis.Report, error) {
	interval = min(interval, window)
	engine := analysis.New(analysis.Options{Window: window, Interval: interval})
	live := collectors.New(interval, w.jobs...)
	rounds := int(window/interval) + 1
	var last *analysis.Report
	err := follow(ctx, live, engine, func(r *analysis.Report) bool {
		last = r
		rounds--
		return rounds > 0
	})
	return last, err
}
