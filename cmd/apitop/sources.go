package main

import (
	"errors"
	"fmt"
	"time"

	"apitop/collectors"
	"apitop/collectors/host"
	"apitop/collectors/pgstat"
	"apitop/collectors/ratelimit"
	"apitop/collectors/redisconn"
	"apitop/collectors/rediskeys"
	"apitop/collectors/scrape"
	"apitop/collectors/targets"
)

// watched is what a Config comes to: collectors, and connections to close.
type watched struct {
	jobs    []collectors.Job
	pages   *pageSet             // metrics pages that come and go; nil: there are none
	redis   *redisconn.Server    // nil: there is none
	layouts []ratelimit.Layout   // of its limiters
	keys    *rediskeys.Collector // its explorer
	closers []func() error
}

// stream polls jobs, and the pages that come and go beside them.
func (w *watched) stream(interval time.Duration, jobs []collectors.Job) *collectors.Live {
	live := collectors.New(interval, jobs...)
	if w.pages != nil {
		live.Watch(w.pages.jobs)
	}
	return live
}

// Close ends all connections.
func (w *watched) Close() error {
	var errs []error
	for _, end := range w.closers {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}

// open makes the collectors that c asks for. It connects to nothing yet: a
// source that is down is shown as down. An error is a usageError.
func (c *Config) open() (*watched, error) {
	w := &watched{}
	for _, add := range []func(*watched) error{c.addMetrics, c.addPages, c.addFleet, c.addRedis, c.addPostgres, c.addAbsent, c.addHost} {
		if err := add(w); err != nil {
			return nil, errors.Join(usageError{err}, w.Close())
		}
	}
	return w, nil
}

func (c *Config) addMetrics(w *watched) error {
	for _, url := range c.Metrics {
		if targets.IsDNS(url) {
			continue // for addPages
		}
		page, where := c.page(url)
		s, err := scrape.New(page)
		if err != nil {
			return fmt.Errorf("%s: %w", where(err), err)
		}
		w.closers = append(w.closers, func() error { s.Close(); return nil })
		w.jobs = append(w.jobs, collectors.Job{Collector: s, Timeout: c.timeout()})
	}
	return nil
}

// timeout is how long a source may take: a slow one is better read late than
// never.
func (c *Config) timeout() time.Duration { return max(2*c.Interval, 2*time.Second) }

// statementRounds is how often statements are read: a reading costs the server
// more than any other.
const statementRounds = 2

func (c *Config) addPostgres(w *watched) error {
	if c.Postgres == "" {
		return nil
	}
	target, err := pgstat.Parse(c.Postgres)
	if err != nil {
		return fmt.Errorf("%s: %w", c.origin("postgres"), err)
	}
	conn := pgstat.Open(target)
	w.closers = append(w.closers, func() error { conn.Close(); return nil })
	w.jobs = append(w.jobs,
		collectors.Job{Collector: pgstat.NewActivity(conn), Timeout: c.timeout()},
		collectors.Job{Collector: pgstat.NewStatements(conn), Every: statementRounds, Timeout: c.timeout()},
	)
	return nil
}

func (c *Config) addAbsent(w *watched) error {
	for _, a := range c.Absent {
		w.jobs = append(w.jobs, collectors.Job{Collector: a})
	}
	return nil
}

func (c *Config) addHost(w *watched) error {
	if !c.NoHost {
		w.jobs = append(w.jobs, collectors.Job{Collector: host.New(host.Config{PID: c.PID})})
	}
	return nil
}
