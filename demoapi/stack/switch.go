package stack

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Server names a server of a stack.
type Server string

// The servers of a stack.
const (
	Redis    Server = "redis"
	Postgres Server = "postgres"
)

// ErrNotOurs is returned for a server that the stack did not start.
var ErrNotOurs = errors.New("not a server of this stack")

// Switch stops a server of the stack or starts it again, under the same address:
// Redis is killed and comes back empty, Postgres is stopped in order and comes
// back with its data. What is so already is left alone. It returns when the
// server is gone, or answers. [Stack.Close] breaks it off.
func (s *Stack) Switch(ctx context.Context, name Server, up bool) error {
	m, ok := s.servers[name]
	if !ok {
		return fmt.Errorf("switch %q: %w", name, ErrNotOurs)
	}
	return m.turn(ctx, up)
}

// Owns tells whether the stack has that server and may so switch it.
func (s *Stack) Owns(name Server) bool {
	m, ok := s.servers[name]
	return ok && m.start != nil
}

// member is a server that can be stopped and started again.
type member struct {
	name  Server
	start func(context.Context) error // nil: never started here
	stop  func() error

	mu     sync.Mutex // held while switching; guards the rest
	up     bool
	closed bool
}

// run notes how to switch a server that runs now; called once, while starting.
func (m *member) run(start func(context.Context) error, stop func() error) {
	m.start, m.stop, m.up = start, stop, true
}

func (m *member) turn(ctx context.Context, up bool) error {
	if m.start == nil {
		return fmt.Errorf("switch %s: %w", m.name, ErrNotOurs)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return fmt.Errorf("switch %s: the stack is closed", m.name)
	case m.up == up:
		return nil
	case up:
		if err := m.start(ctx); err != nil {
			return fmt.Errorf("start %s again: %w", m.name, err)
		}
	default:
		if err := m.stop(); err != nil {
			return fmt.Errorf("stop %s: %w", m.name, err)
		}
	}
	m.up = up
	return nil
}

// end stops the server for good; processes are gone by then.
func (m *member) end() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || !m.up {
		m.closed = true
		return nil
	}
	m.closed, m.up = true, false
	return m.stop()
}

// simulation is a simulated Redis that can be started again.
type simulation struct {
	e    *embedded
	addr string // empty until the first start
}

// start starts it empty, on its old address if it had one.
func (s *simulation) start(context.Context) error {
	addr := s.addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	e, err := startEmbedded(addr)
	if err != nil {
		return err
	}
	s.e, s.addr = e, e.addr
	return nil
}

func (s *simulation) stop() error {
	s.e.close()
	return nil
}
