package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sony/gobreaker/v2"

	"apitop/demoapi/servertest"
	"apitop/demoapi/store"
)

// states records what a breaker tells.
type states struct {
	mu  sync.Mutex // guards all
	all []int
}

func (s *states) add(to int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, to)
}

func (s *states) seen() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// watched opens a store that records its breaker's states.
func watched(t *testing.T, dsn string, o store.PostgresOptions) (*store.Postgres, *states) {
	t.Helper()
	seen := &states{}
	o.OnState = seen.add
	s, err := store.OpenPostgres(t.Context(), dsn, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, seen
}

func TestBreaker(t *testing.T) {
	server := servertest.RunPostgres(t)
	if err := open(t, server.DSN).Seed(t.Context(), store.Seed{Products: 100}); err != nil {
		t.Fatal(err)
	}
	t.Run("answers do not trip it", func(t *testing.T) { testAnswers(t, server.DSN) })
	t.Run("callers do not trip it", func(t *testing.T) { testCallers(t, server.DSN) })
	t.Run("a busy pool does not trip it", func(t *testing.T) { testBusyPool(t, server.DSN) })
	t.Run("silence trips it", func(t *testing.T) { testSilence(t, server.DSN) })
	t.Run("an outage trips it", func(t *testing.T) { testOutage(t, server) })
}

func testAnswers(t *testing.T, dsn string) {
	s, seen := watched(t, dsn, store.PostgresOptions{Failures: 2, Timeout: 20 * time.Second})
	order := func(user, product, quantity int64) func() error {
		return func() error {
			_, err := s.CreateOrder(t.Context(), store.NewOrder{UserID: user, Items: []store.Item{{ProductID: product, Quantity: quantity}}})
			return err
		}
	}
	for name, tt := range map[string]struct {
		call func() error
		want error
	}{
		"no such product": {func() error { _, err := s.Product(t.Context(), 1<<40); return err }, store.ErrNotFound},
		"no such user":    {order(1<<40, 1, 1), store.ErrNotFound},
		"unknown product": {order(1, 1<<40, 1), store.ErrUnknownProduct},
		"out of stock":    {order(1, 1, 1<<40), store.ErrOutOfStock},
		"settle nothing":  {func() error { return s.SettleOrder(t.Context(), 1<<40, store.StatusFailed) }, store.ErrNotFound},
	} {
		for range 4 {
			if err := tt.call(); !errors.Is(err, tt.want) {
				t.Errorf("%s: error %v, want %v", name, err, tt.want)
			}
		}
	}
	if got := seen.seen(); len(got) != 0 {
		t.Errorf("the breaker went through %v", got)
	}
}

// testCallers has callers leave, or run out of their own time, while the
// database does not answer.
func testCallers(t *testing.T, dsn string) {
	s, seen := watched(t, dsn, store.PostgresOptions{Failures: 2, Timeout: 20 * time.Second})
	release, err := s.LockProducts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for range 4 {
		left, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		if _, err := s.Product(left, 1); !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("a caller that left: error %v, want context.Canceled", err)
		}
		late, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if _, err := s.Product(late, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller without time: error %v, want context.DeadlineExceeded", err)
		}
		cancel()
	}
	if got := seen.seen(); len(got) != 0 {
		t.Errorf("the breaker went through %v", got)
	}
}

func testBusyPool(t *testing.T, dsn string) {
	s, seen := watched(t, dsn, store.PostgresOptions{MaxConns: 2, Failures: 2, PoolWait: 10 * time.Millisecond, Timeout: 20 * time.Second})
	release, err := s.HoldConnections(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for range 4 {
		if _, err := s.Product(t.Context(), 1); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("error %v, want ErrUnavailable", err)
		}
	}
	if got := seen.seen(); len(got) != 0 {
		t.Errorf("the breaker went through %v", got)
	}
}

// testSilence locks the products: their calls run out of the store's time.
func testSilence(t *testing.T, dsn string) {
	s, seen := watched(t, dsn, store.PostgresOptions{Failures: 3, Timeout: 200 * time.Millisecond, Pause: 100 * time.Millisecond})
	await(t, "the store is connected", func() bool { return s.Ping(t.Context()) == nil })
	// Of a store of its own, which is not in a hurry.
	release, err := open(t, dsn).LockProducts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	timeouts := 0
	await(t, "calls are refused", func() bool {
		_, err := s.Product(t.Context(), 1)
		if !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("error %v, want ErrUnavailable", err)
		}
		open := errors.Is(err, gobreaker.ErrOpenState)
		if !open {
			timeouts++
		}
		return open
	})
	if timeouts < 3*5 {
		t.Errorf("calls stopped after %d timeouts, want 15", timeouts)
	}
	release()
	await(t, "calls run again", func() bool { _, err := s.Product(t.Context(), 1); return err == nil })
	if got := seen.seen(); got[0] != 2 || !slices.Equal(got[len(got)-2:], []int{1, 0}) {
		t.Errorf("the breaker went through %v, want open first and half open, closed last", got)
	}
}

// testOutage stops the server under calls and starts it again.
func testOutage(t *testing.T, server *servertest.Postgres) {
	s, seen := watched(t, server.DSN, store.PostgresOptions{Failures: 3, Timeout: 5 * time.Second, Pause: 100 * time.Millisecond})
	if _, err := s.Product(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	for name, call := range map[string]func() error{
		"product": func() error { _, err := s.Product(t.Context(), 1); return err },
		"ping":    func() error { return s.Ping(t.Context()) },
		"order": func() error {
			_, err := s.CreateOrder(t.Context(), store.NewOrder{UserID: 1, Items: []store.Item{{ProductID: 1, Quantity: 1}}})
			return err
		},
		"settle": func() error { return s.SettleOrder(t.Context(), 1, store.StatusFailed) },
	} {
		await(t, name+" is refused", func() bool {
			err := call()
			if !errors.Is(err, store.ErrUnavailable) {
				t.Fatalf("%s of a stopped server: error %v, want ErrUnavailable", name, err)
			}
			return errors.Is(err, gobreaker.ErrOpenState)
		})
	}
	server.Start()
	await(t, "the health check sees it", func() bool { return s.Ping(t.Context()) == nil })
	if p, err := s.Product(t.Context(), 1); err != nil || p.ID != 1 {
		t.Errorf("after the outage: %+v, %v", p, err)
	}
	if got := seen.seen(); got[0] != 2 || !slices.Equal(got[len(got)-2:], []int{1, 0}) {
		t.Errorf("the breaker went through %v, want open first and half open, closed last", got)
	}
}
