package faults

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// switchPatience bounds the start or the end of one fault; starting a
	// database again is the longest of it.
	switchPatience = 25 * time.Second
	// closePatience bounds the end of all of them.
	closePatience = 5 * time.Second
)

// ErrClosed is returned by [Set.Switch] after [Set.Close].
var ErrClosed = errors.New("faults: closed")

// UnknownError is returned for a name that is no fault's.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string {
	return fmt.Sprintf("there is no fault %q; the faults are %s", e.Name, strings.Join(Names(), ", "))
}

// UnavailableError is returned for a fault that cannot be switched on here.
type UnavailableError struct {
	Name   string
	Reason string // why not, and what to do
}

func (e *UnavailableError) Error() string { return e.Name + ": " + e.Reason }

// State is what is known about one fault.
type State struct {
	Name  string    `json:"name"`  // "n-plus-one"
	Rule  string    `json:"rule"`  // of the diagnosis that is to find it: "R3"
	What  string    `json:"what"`  // it does
	Shows string    `json:"shows"` // where to look
	On    bool      `json:"on"`
	Since time.Time `json:"since,omitzero"` // when it was switched on; zero while off
	// Unavailable says why it cannot be switched on here, and what to do; empty
	// when it can.
	Unavailable string `json:"unavailable,omitempty"`
}

// Set holds the faults of one API. Its methods may be called concurrently.
type Set struct {
	env    *env
	faults []fault
	turn   chan struct{} // holds one token; who has it switches

	mu     sync.Mutex // guards the rest
	on     map[string]*running
	closed bool
}

// running is a fault that is on.
type running struct {
	since time.Time
	undo  undo
}

// New returns the faults of an API with those parts, all off.
func New(h Hooks) *Set {
	s := &Set{env: newEnv(h), faults: all(), turn: make(chan struct{}, 1), on: map[string]*running{}}
	s.turn <- struct{}{}
	return s
}

// List returns all faults, related ones together.
func (s *Set) List() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []State
	for _, f := range s.faults {
		st := f.state()
		st.Unavailable = s.env.unavailable(f)
		if r := s.on[f.name]; r != nil {
			st.On, st.Since = true, r.since
		}
		list = append(list, st)
	}
	return list
}

// Switch switches the fault on or off and returns when it is. What is so already
// is left alone. ctx bounds the wait for other switches; one that has begun is
// finished, within 25 seconds. A fault that cannot be ended stays on.
//
// The error is an [UnknownError], an [UnavailableError], [ErrClosed], ctx's, or
// what the fault's parts returned.
func (s *Set) Switch(ctx context.Context, name string, on bool) error {
	f, ok := find(s.faults, name)
	if !ok {
		return &UnknownError{Name: name}
	}
	select {
	case <-s.turn:
		defer func() { s.turn <- struct{}{} }()
	case <-ctx.Done():
		return fmt.Errorf("faults: switch %s: %w", f.name, ctx.Err())
	}
	r, closed := s.running(f.name)
	switch {
	case closed:
		return ErrClosed
	case on == (r != nil):
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), switchPatience)
	defer cancel()
	if on {
		return s.without(ctx, f.yielding, func() error { return s.start(f) })
	}
	return s.without(ctx, slices.Concat(f.yielding, f.lost), func() error { return s.stop(ctx, f.name, r) })
}

// without ends those of the faults that are on, does what they are in the way of,
// and begins them again.
func (s *Set) without(ctx context.Context, names []string, do func() error) error {
	var paused []fault
	var errs []error
	for _, name := range names {
		f, ok := find(s.faults, name)
		r, _ := s.running(name)
		if !ok || r == nil {
			continue
		}
		if err := s.stop(ctx, name, r); err != nil {
			errs = append(errs, err)
			continue
		}
		paused = append(paused, f)
	}
	errs = append(errs, do())
	for _, f := range paused {
		errs = append(errs, s.start(f))
	}
	return errors.Join(errs...)
}

func (s *Set) running(name string) (r *running, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.on[name], s.closed
}

func (s *Set) start(f fault) error {
	if why := s.env.unavailable(f); why != "" {
		return &UnavailableError{Name: f.name, Reason: why}
	}
	ctx, cancel := context.WithTimeout(s.env.life, switchPatience) // Close breaks it off
	defer cancel()
	end, err := f.start(ctx, s.env)
	if err != nil {
		return fmt.Errorf("faults: switch %s on: %w", f.name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on[f.name] = &running{since: time.Now(), undo: end}
	return nil
}

func (s *Set) stop(ctx context.Context, name string, r *running) error {
	if err := r.undo(ctx); err != nil {
		return fmt.Errorf("faults: switch %s off: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.on, name)
	return nil
}

// Inject tells whether this request of the route is to fail.
func (s *Set) Inject(route string) bool { return s.env.burst.hit(route) }

// Close switches all faults off, the last one first, and lets nothing be switched
// any more. It may be called more than once.
func (s *Set) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.env.cancel()
	<-s.turn
	defer func() { s.turn <- struct{}{} }()
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	var errs []error
	for _, name := range s.newestFirst() {
		f, _ := find(s.faults, name)
		for _, n := range append(slices.Clone(f.yielding), name) {
			if r, _ := s.running(n); r != nil {
				errs = append(errs, s.stop(ctx, n, r))
			}
		}
	}
	s.env.client.CloseIdleConnections()
	return errors.Join(errs...)
}

func (s *Set) newestFirst() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.on {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(s.on[b].since.Compare(s.on[a].since), strings.Compare(a, b))
	})
	return names
}

// env is what the faults of a set share.
type env struct {
	Hooks
	life   context.Context // of everything in the background
	cancel context.CancelFunc
	client *http.Client
	shared shared
	burst  burst
}

func newEnv(h Hooks) *env {
	life, cancel := context.WithCancel(context.Background())
	return &env{
		Hooks: h, life: life, cancel: cancel, client: newClient(),
		shared: shared{cache: h.Cache, store: h.Store, bypassed: map[string]int{}},
	}
}

// background runs the jobs until the undo, which waits for their end. They have
// to end soon after their context.
func (e *env) background(jobs ...func(context.Context)) undo {
	ctx, cancel := context.WithCancel(e.life)
	var running sync.WaitGroup
	for _, job := range jobs {
		running.Go(func() { job(ctx) })
	}
	return func(context.Context) error {
		cancel()
		running.Wait()
		return nil
	}
}

// every calls do now and then once each period, until ctx ends.
func every(ctx context.Context, period time.Duration, do func(context.Context)) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for ctx.Err() == nil {
		do(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// rest waits for d; false: ctx ended before.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// inOrder undoes one after the other and stops at the first error.
func inOrder(all ...undo) undo {
	return func(ctx context.Context) error {
		for _, u := range all {
			if err := u(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

// releasing is an undo that calls release, which cannot fail, once.
func releasing(release func()) undo {
	release = sync.OnceFunc(release)
	return func(context.Context) error {
		release()
		return nil
	}
}
