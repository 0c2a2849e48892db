package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"apitop/collectors/analysis"
	"apitop/collectors/safe"
	"apitop/tui"
	"apitop/tui/painter"
	"apitop/tui/theme"
)

// dashboard watches what c names until the user quits; o is what it has beside.
func dashboard(ctx context.Context, p process, c Config, o tui.Options) error {
	look, err := theme.ForTerminal(c.Theme, p.getenv)
	if err != nil {
		return usageError{err}
	}
	if !c.hasSource() {
		discover(ctx, &c)
	}
	c.past = fleetPast
	w, err := c.open()
	if err != nil {
		return err
	}
	o.Redis = c.redisActions(p, w)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reports := newLatest()
	stopped := make(chan struct{})
	program := painter.New(tui.New(title(&c), (<-chan *analysis.Report)(reports), o), painter.Options{In: p.stdin, Out: p.terminal, Theme: look})
	program.Go(func() {
		defer close(stopped)
		produce(ctx, w, &c, reports)
	})
	err = program.Run(ctx)
	cancel()
	<-stopped
	return errors.Join(err, w.Close())
}

// produce polls until ctx ends, and closes out then.
func produce(ctx context.Context, w *watched, c *Config, out latest) {
	defer close(out)
	engine := analysis.New(analysis.Options{Interval: c.Interval})
	_ = follow(ctx, w.stream(c.Interval, w.jobs), engine, func(r *analysis.Report) bool {
		out.put(r)
		return true
	}) // a live stream ends with its context only
}

// title names what is watched, without secrets.
func title(c *Config) string {
	var names []string
	if c.Prometheus != "" {
		names = append(names, safe.Clean(c.fleetName(), 60))
	}
	for _, m := range c.Metrics {
		_, rest, _ := strings.Cut(m, "://")
		if i := strings.LastIndexByte(rest, '@'); i >= 0 {
			rest = rest[i+1:]
		}
		host, _, _ := strings.Cut(rest, "/")
		names = append(names, safe.Clean(host, 60))
	}
	for _, path := range slices.Concat(c.TargetFiles, []string{c.PromConfig}) {
		if path != "" {
			names = append(names, safe.Clean(filepath.Base(path), 60))
		}
	}
	if len(names) > 2 {
		return fmt.Sprintf("%s and %d more", names[0], len(names)-1)
	}
	return strings.Join(names, " ")
}
