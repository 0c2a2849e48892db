package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"apitop/demoapi/proc"
	"apitop/demoapi/stack"
)

// DefaultListen is where demoapi listens unless it is told otherwise.
const DefaultListen = "127.0.0.1:8000"

// DefaultRPS is the traffic of a demo, in requests a second.
const DefaultRPS = 50

// DemoOptions of a whole demo; the zero value is usable.
type DemoOptions struct {
	RPS    float64       // requests a second; 0: DefaultRPS; below 0: no traffic
	Listen string        // of the API; empty: a free port of 127.0.0.1
	Stack  stack.Options // where Redis and Postgres come from; [stack.Elsewhere] is not for a demo
}

// Demo is a running demo: the servers, the API and the traffic on it, each in a
// process of its own. Its methods may be called concurrently.
type Demo struct {
	Target             // how to watch it; Target.PID is the API's
	Notes  stack.Notes // what runs

	stack   *stack.Stack
	api     *proc.Process
	traffic *Generator // nil: none
}

// StartDemo starts everything and returns when the API serves and the first
// requests are on their way. The process that calls it has to call [Child] at
// the beginning of its main. When ctx ends while starting, nothing is left.
func StartDemo(ctx context.Context, o DemoOptions) (*Demo, error) {
	if o.RPS == 0 {
		o.RPS = DefaultRPS
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	s, err := stack.Start(ctx, o.Stack)
	if err != nil {
		return nil, err
	}
	d := &Demo{stack: s, Notes: s.Notes()}
	if err := d.start(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("start the demo: %w", err), s.Close())
	}
	return d, nil
}

func (d *Demo) start(ctx context.Context, o DemoOptions) error {
	cfg := Config{Listen: o.Listen, RedisURL: d.stack.RedisURL(), PostgresDSN: d.stack.PostgresDSN()}
	cfg.RunsOn(d.stack)
	api, h, err := startChild(ctx, d.stack.Guard(), apiMode, cfg, serveRequests(d.stack))
	if err != nil {
		return err
	}
	d.api = api
	base := "http://" + h.Addr
	d.Target = Target{MetricsURL: base + "/metrics", RedisURL: cfg.RedisURL, PostgresDSN: d.stack.MonitorDSN(), PID: api.PID()}
	if o.RPS > 0 {
		d.traffic, err = StartTraffic(ctx, d.stack.Guard(), TrafficConfig{URL: base, RPS: o.RPS})
	}
	return err
}

// APIPID is the process id of the API.
func (d *Demo) APIPID() int { return d.api.PID() }

// Done is closed when the API has ended, which it should not before [Demo.Close].
func (d *Demo) Done() <-chan struct{} { return d.api.Done() }

// TrafficCount is what the generator itself says it has sent, and for how long;
// it is up to a second old. Zeros: no traffic, or nothing said yet.
func (d *Demo) TrafficCount() (sent uint64, elapsed time.Duration) {
	t := d.Traffic()
	return t.Sent, time.Duration(t.ElapsedSeconds * float64(time.Second))
}

// Traffic is the generator's last count.
func (d *Demo) Traffic() Count {
	if d.traffic == nil {
		return Count{}
	}
	return d.traffic.Count()
}

// Close stops every process of the demo and removes all its files. It may be
// called more than once.
func (d *Demo) Close() error { return d.stack.Close() }

// Generator is a traffic process.
type Generator struct {
	process *proc.Process
	mu      sync.Mutex // guards last
	last    Count
}

// StartTraffic starts a process under g that sends traffic to an API.
func StartTraffic(ctx context.Context, g *proc.Guard, cfg TrafficConfig) (*Generator, error) {
	t := &Generator{}
	p, _, err := startChild(ctx, g, trafficMode, cfg, t.take)
	t.process = p
	return t, err
}

// take notes a line of the traffic process.
func (t *Generator) take(line []byte, _ io.Writer) {
	var c Count
	if json.Unmarshal(line, &c) != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = c
}

// Count is what the process last said it has done.
func (t *Generator) Count() Count {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

// Done is closed when the process has ended.
func (t *Generator) Done() <-chan struct{} { return t.process.Done() }
