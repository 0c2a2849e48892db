package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/scrape"
	"apitop/collectors/snapshot"
)

// saved is a stream of metrics pages in files, all of one target, oldest first.
type saved struct {
	target safe.Text
	reader *scrape.Reader // one for all, so that all are read by the same families
	names  []string
	fresh  bool // begin with a process that has just started: all totals are zero
}

// newSaved makes the stream of the named files, which are read as how says. A
// single one is compared with the start of its process.
func newSaved(names []string, how scrape.Config) *saved {
	target := names[len(names)-1]
	s := &saved{
		target: safe.New(target),
		reader: scrape.NewReader(target, how.Limits),
		names:  names,
		fresh:  len(names) == 1,
	}
	if how.Pin != nil {
		s.reader.Pin(*how.Pin)
	}
	return s
}

// savedPage is what a file named with --config says of how to read saved pages:
// its only page's mapping and limits. The usual file is not asked, as it is about
// services that run.
func (c *Config) savedPage() (how scrape.Config, err error) {
	if c.ConfigPath == "" {
		return how, nil
	}
	file, err := c.readFile()
	switch {
	case err != nil:
		return how, usageError{err}
	case len(file.Metrics) > 1:
		return how, usageError{fmt.Errorf("%s: saved pages are read like its only page, and it lists %d", file.Where("metrics"), len(file.Metrics))}
	case len(file.Metrics) == 0:
		return how, nil
	}
	return scraped(&file.Metrics[0].Scrape), nil
}

// Next implements [snapshot.Stream].
func (s *saved) Next(context.Context) (snapshot.Snapshot, error) {
	now := time.Now()
	snap := snapshot.Snapshot{At: now}
	if s.fresh {
		s.fresh = false
		snap.AddTo(&snapshot.HTTP{Target: s.target})
		return snap, nil
	}
	if len(s.names) == 0 {
		return snap, io.EOF
	}
	h, err := s.reader.ReadFile(s.names[0])
	s.names = s.names[1:]
	poll := snapshot.Poll{
		Source:  snapshot.Source{Name: safe.New("file " + s.target.Raw()), Kind: snapshot.KindMetrics},
		Started: now,
		Took:    time.Since(now),
		Failure: snapshot.FailureOf(err),
		Notes:   s.reader.Notes(),
	}
	if h != nil {
		poll.Facts = h.Facts()
		snap.AddTo(h)
	}
	if err != nil {
		s.names = nil // what follows would be compared with the wrong page
	}
	snap.Polls = []snapshot.Poll{poll}
	return snap, nil
}

// savedPages parts the arguments into files that exist and the rest.
func savedPages(args []string) (files, rest []string) {
	for _, a := range args {
		if info, err := os.Stat(a); err == nil && !info.IsDir() {
			files = append(files, a)
		} else {
			rest = append(rest, a)
		}
	}
	return files, rest
}
