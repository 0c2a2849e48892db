package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"

	"apitop/demoapi/serve"
	"apitop/demoapi/stack"
)

// serve runs the API until ctx ends.
func (c config) serve(ctx context.Context, stdout, stderr io.Writer) (err error) {
	// First of all: a taken address is the most likely mistake.
	ln, err := serve.Listen(ctx, c.listen)
	if err != nil {
		return err
	}
	// Before the servers: the wait for them has failed dials to tell of.
	log := slog.NewJSONHandler(stderr, nil)
	serve.LogRedis(log)
	s, err := stack.Start(ctx, c.stack())
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	defer func() { err = errors.Join(err, s.Close()) }()

	cfg := serve.Config{RedisURL: s.RedisURL(), PostgresDSN: s.PostgresDSN(), Limiter: c.limiter, Pprof: c.pprof}
	cfg.RunsOn(s)
	if cfg.RedisURL == "" {
		cfg.RedisURL = c.redis
	}
	if cfg.PostgresDSN == "" && c.postgres != memoryPostgres {
		cfg.PostgresDSN = c.postgres
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	err = serve.API(ctx, ln, cfg, serve.Hooks{
		Log:     log,
		Servers: serve.SwitcherOf(s),
		Ready: func() {
			t := target(ln.Addr(), cfg)
			if s.MonitorDSN() != "" {
				t.PostgresDSN = s.MonitorDSN() // who watches needs no more than that
			}
			if err := c.greet(ctx, s, t, stdout); err != nil {
				fail(err)
			}
		},
	})
	if cause := context.Cause(ctx); err == nil && cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// stack says which servers to start.
func (c config) stack() stack.Options {
	o := stack.Options{}
	switch c.redis {
	case "":
	case embeddedRedis:
		o.Redis = stack.Fallback
	default:
		o.Redis = stack.Elsewhere
	}
	switch c.postgres {
	case "":
	case memoryPostgres:
		o.Postgres = stack.Fallback
	default:
		o.Postgres = stack.Elsewhere
	}
	return o
}

func target(addr net.Addr, cfg serve.Config) serve.Target {
	return serve.Target{
		MetricsURL: serve.BaseURL(addr) + "/metrics", RedisURL: cfg.RedisURL, PostgresDSN: cfg.PostgresDSN, PID: os.Getpid(),
	}
}

// greet starts the traffic and says what runs and how to watch it.
func (c config) greet(ctx context.Context, s *stack.Stack, t serve.Target, stdout io.Writer) error {
	traffic := "none (--traffic 50 sends 50 requests a second)"
	if c.traffic > 0 {
		if _, err := serve.StartTraffic(ctx, s.Guard(), serve.TrafficConfig{URL: t.URL(), RPS: c.traffic}); err != nil {
			return fmt.Errorf("start the traffic: %w", err)
		}
		traffic = fmt.Sprintf("%g requests a second", c.traffic)
	}
	wrong := "none (--fault NAME switches one on)"
	for _, name := range c.faults {
		if err := serve.SwitchFault(ctx, t.URL(), name, true); err != nil {
			return fmt.Errorf("switch a fault on: %w", err)
		}
		wrong = strings.Join(c.faults, ", ")
	}
	n := s.Notes()
	_, err := fmt.Fprintf(stdout, "demoapi serves %s\n  redis     %s\n  postgres  %s\n  traffic   %s\n  faults    %s\nwatch it with\n  %s\n",
		t.URL(), n.Redis, n.Postgres, traffic, wrong, t.WatchLine())
	return err
}
