package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Postgres keeps everything in the schema apitop_demo of a Postgres database,
// version 12 or newer. It is safe for concurrent use.
//
// Every call is bounded in time, and a breaker stands in front of all of them:
// while the database is known to be down they fail at once with
// [ErrUnavailable].
type Postgres struct {
	pool     *pgxpool.Pool
	timeout  time.Duration
	poolWait time.Duration
	breaker  *breaker
	faults   atomic.Pointer[Faults] // nil: none
	held     held

	longestHold time.Duration // of a fault's lock
}

// PostgresOptions are the limits of a [Postgres]; the zero value is usable.
type PostgresOptions struct {
	MaxConns int           // size of the pool; 0: 10
	Timeout  time.Duration // of one call, waiting for a connection included; 0: 2 s
	PoolWait time.Duration // for a connection of the pool; 0: half of Timeout
	Failures int           // in a row, after which calls stop, five timeouts as one; 0: 5
	Pause    time.Duration // until one call is tried again; 0: 1 s

	// OnState is told each change of the breaker: 0 closed (calls run), 1 half
	// open (one call is tried), 2 open (calls fail at once). It must return
	// quickly and not call the store. nil: nobody is told.
	OnState func(to int)
}

func (o PostgresOptions) withDefaults() PostgresOptions {
	if o.MaxConns <= 0 {
		o.MaxConns = 10
	}
	if o.Timeout <= 0 {
		o.Timeout = 2 * time.Second
	}
	if o.PoolWait <= 0 {
		o.PoolWait = o.Timeout / 2
	}
	if o.Failures <= 0 {
		o.Failures = 5
	}
	if o.Pause <= 0 {
		o.Pause = time.Second
	}
	return o
}

// OpenPostgres prepares a store on the database of dsn, a URL or a list of
// key=value. It does not connect yet, so a server that is down is no error
// here. The error never holds any part of dsn.
func OpenPostgres(ctx context.Context, dsn string, o PostgresOptions) (*Postgres, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		// The library's error repeats the address, which may hold a password.
		return nil, errors.New("store: cannot read the Postgres address: want postgres://user@host:5432/database or key=value pairs")
	}
	o = o.withDefaults()
	cfg.MaxConns = int32(min(o.MaxConns, 1000))
	cfg.MaxConnLifetime = 30 * time.Minute
	cfg.MaxConnLifetimeJitter = 5 * time.Minute
	cfg.ConnConfig.ConnectTimeout = o.Timeout
	cfg.ConnConfig.Tracer = counting{}
	if cfg.ConnConfig.RuntimeParams["application_name"] == "" {
		cfg.ConnConfig.RuntimeParams["application_name"] = "demoapi"
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("store: make the Postgres pool: %w", err)
	}
	return &Postgres{
		pool: pool, timeout: o.Timeout, poolWait: o.PoolWait, breaker: newBreaker(o), longestHold: longestHold,
	}, nil
}

// Close ends what faults hold, waits for running calls and closes all
// connections.
func (s *Postgres) Close() {
	s.held.close()
	s.pool.Close()
}

// Stat returns the pool's figures.
func (s *Postgres) Stat() *pgxpool.Stat { return s.pool.Stat() }

// Ping reports whether the database answers. It goes through the breaker as
// every call does: while that is open Ping fails at once, and when the pause is
// over it may be the call that is tried, so that a health check sees both what
// callers meet and, without any other traffic, the recovery.
func (s *Postgres) Ping(ctx context.Context) error {
	return failed("ping", s.run(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		return c.Ping(ctx)
	}))
}

// run gives call a connection of the pool, within the store's bounds and as far
// as the breaker lets it.
func (s *Postgres) run(ctx context.Context, call func(context.Context, *pgxpool.Conn) error) error {
	return s.breaker.do(func() error {
		limited, cancel := context.WithTimeout(ctx, s.timeout)
		defer cancel()
		conn, err := s.acquire(limited)
		if err == nil {
			defer conn.Release()
			err = call(limited, conn)
		}
		if err != nil && ctx.Err() != nil {
			return callerGone{ctx.Err()}
		}
		return err
	})
}

// acquire takes a connection of the pool and says so when all were in use: that
// is nothing the database could help.
func (s *Postgres) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.poolWait)
	defer cancel()
	conn, err := s.pool.Acquire(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		if stat := s.pool.Stat(); stat.AcquiredConns() >= stat.MaxConns() {
			err = fmt.Errorf("%w: %w", errPoolBusy, err)
		}
	}
	return conn, err
}
