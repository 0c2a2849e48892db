// Package stack starts the private servers of a demo, Redis and Postgres, in a
// folder of their own, on sockets only its owner may use, and removes every
// trace of them again. Where no server is installed it falls back: to a
// simulated Redis within this process, and to no Postgres.
//
// A server that was not started here is never touched.
package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"apitop/demoapi/proc"
)

// Source says where a server of the stack comes from.
type Source int

const (
	// Auto starts an installed server, and falls back when there is none.
	Auto Source = iota
	// Fallback takes what needs nothing installed: a simulated Redis, no Postgres.
	Fallback
	// Elsewhere starts nothing: the caller has a server of its own.
	Elsewhere
)

// Options of a stack. The zero value starts whatever is installed.
type Options struct {
	Redis, Postgres Source
	// Getenv looks up PATH, PGBIN and APITOP_NO_SYSTEM_POSTGRES (any value: only
	// PATH and PGBIN are searched, not the usual folders). Nil means os.Getenv.
	Getenv func(name string) string
	// Base is the folder to make the private folder in; empty means
	// [proc.TempBase]. A long path leaves no room for a Postgres socket.
	Base string
}

// Notes say in words what runs, and why not what does not.
type Notes struct {
	Redis    string // "redis 7.0.15 (private)", "embedded (simulated) Redis: ..."
	Postgres string // "postgres 15.18 (private)", "none: ..."
}

// Stack is a set of running servers. Its methods may be called concurrently.
type Stack struct {
	guard      *proc.Guard
	redisURL   string
	dsn        string
	monitorDSN string
	notes      Notes
	simulated  bool
	servers    map[Server]*member // those that run here; set while starting
	once       sync.Once
	err        error // of Close
}

// Start starts the servers side by side and returns when they answer. A server
// that cannot be started is no error: the fallback takes its place and the notes
// say why. An error means that nothing was started, as when ctx ends.
func Start(ctx context.Context, o Options) (*Stack, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	guard, err := proc.Open(o.Base)
	if err != nil {
		return nil, fmt.Errorf("start the stack: %w", err)
	}
	s := &Stack{guard: guard, servers: map[Server]*member{Redis: {name: Redis}, Postgres: {name: Postgres}}}
	var wg sync.WaitGroup
	var redisErr error
	wg.Go(func() { redisErr = s.startRedis(ctx, o) })
	wg.Go(func() { s.startPostgres(ctx, o) })
	wg.Wait()
	if err := errors.Join(ctx.Err(), redisErr); err != nil {
		return nil, errors.Join(fmt.Errorf("start the stack: %w", err), s.Close())
	}
	return s, nil
}

func (s *Stack) startRedis(ctx context.Context, o Options) error {
	var why string
	switch o.Redis {
	case Elsewhere:
		s.notes.Redis = "not started: one was given"
		return nil
	case Fallback:
	default:
		r, err := startRedis(ctx, s.guard, o.Getenv("PATH"))
		if err == nil {
			s.redisURL, s.notes.Redis = r.url(), r.called+" (private)"
			s.servers[Redis].run(r.start, r.stop)
			return nil
		}
		why = ": " + err.Error()
	}
	sim := &simulation{}
	if err := sim.start(ctx); err != nil {
		return err
	}
	s.redisURL, s.notes.Redis, s.simulated = sim.e.url(), "embedded (simulated) Redis"+why, true
	s.servers[Redis].run(sim.start, sim.stop)
	return nil
}

func (s *Stack) startPostgres(ctx context.Context, o Options) {
	switch o.Postgres {
	case Elsewhere:
		s.notes.Postgres = "not started: one was given"
	case Fallback:
		s.notes.Postgres = "none: everything is kept in memory"
	default:
		pg, version, err := startPostgres(ctx, s.guard, o.Getenv)
		if err != nil {
			s.notes.Postgres = "none: " + err.Error()
			return
		}
		s.dsn, s.monitorDSN, s.notes.Postgres = pg.dsn(pgUser), pg.dsn(pgMonitor), version
		s.servers[Postgres].run(pg.restart, pg.stop)
	}
}

// RedisURL is the address of the stack's Redis as go-redis takes it; empty when
// Options asked for [Elsewhere].
func (s *Stack) RedisURL() string { return s.redisURL }

// PostgresDSN is the address of the stack's Postgres, without a password; empty
// when there is none.
func (s *Stack) PostgresDSN() string { return s.dsn }

// MonitorDSN is the same for a monitor: a role that may read statistics only.
func (s *Stack) MonitorDSN() string { return s.monitorDSN }

// Simulated tells that the stack's Redis is a simulation within this process.
func (s *Stack) Simulated() bool { return s.simulated }

// Notes tell what runs.
func (s *Stack) Notes() Notes { return s.notes }

// Guard supervises further processes of the demo: they end with the stack.
func (s *Stack) Guard() *proc.Guard { return s.guard }

// Close stops every process of the stack and removes its folder. It may be
// called more than once.
func (s *Stack) Close() error {
	s.once.Do(func() {
		s.err = s.guard.Close() // also breaks off a start that is under way
		for _, m := range s.servers {
			s.err = errors.Join(s.err, m.end())
		}
	})
	return s.err
}
