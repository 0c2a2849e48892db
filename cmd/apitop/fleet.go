package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"apitop/collectors"
	"apitop/collectors/promql"
	"apitop/collectors/web"
)

// fleetTimeout is how long one reading of a server may take: a query over many
// instances does, and a reading that comes late is better than none.
const fleetTimeout = 30 * time.Second

// fleetPast is how far back the charts of a dashboard go at once.
const fleetPast = time.Hour

// errTwoSources: a server scrapes the same pages, so that one request would be
// counted twice.
var errTwoSources = errors.New("give metrics pages or a Prometheus server, not both: they count the same requests")

// checkFleet refuses what cannot be watched together.
func (c *Config) checkFleet() error {
	switch {
	case c.Prometheus != "" && c.hasMetrics():
		return fmt.Errorf("%s: %w", c.origin("prometheus"), errTwoSources)
	case c.Prometheus == "" && c.Match != "":
		return errors.New("--match: it says which service of a Prometheus server is watched, and needs --prometheus URL")
	}
	return nil
}

// addFleet adds the service that a Prometheus server watches.
func (c *Config) addFleet(w *watched) error {
	if c.Prometheus == "" {
		return nil
	}
	cfg := promql.Config{URL: c.Prometheus, Match: c.Match, Window: c.window, Past: c.past}
	if p := c.File.Prometheus; p != nil && p.URL.Reveal() == c.Prometheus {
		cfg.Web, cfg.Pin = p.Settings, pinned(p.Mapping)
		if cfg.Match == "" {
			cfg.Match = p.Match
		}
	}
	s, err := promql.New(cfg)
	if _, ok := errors.AsType[*web.FieldError](err); ok {
		return fmt.Errorf("%s: %w", c.File.FieldWhere("prometheus", err), err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.origin("prometheus"), err)
	}
	w.closers = append(w.closers, func() error { s.Close(); return nil })
	w.jobs = append(w.jobs, collectors.Job{Collector: s, Timeout: max(c.timeout(), fleetTimeout)})
	return nil
}

// fleetName names what a server is asked for, without secrets.
func (c *Config) fleetName() string {
	if c.Match != "" {
		return strings.Trim(c.Match, "{} ")
	}
	if p := c.File.Prometheus; p != nil && p.URL.Reveal() == c.Prometheus && p.Match != "" {
		return strings.Trim(p.Match, "{} ")
	}
	return "prometheus"
}
