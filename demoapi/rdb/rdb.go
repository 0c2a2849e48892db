// Package rdb makes calls to Redis that cannot hold up a request: each has a
// short time limit, and a breaker stops them while Redis is down.
package rdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/sony/gobreaker/v2"
)

// Open prepares a client for the address: redis://, rediss:// or unix://. It
// does not connect yet. The error never holds any part of the address.
func Open(url string) (*redis.Client, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		// The library's error repeats the address, which may hold a password.
		return nil, errors.New("rdb: cannot read the Redis address: want redis://host:6379/0 or unix:///path/to.sock")
	}
	o.ClientName = "demoapi"
	o.ContextTimeoutEnabled = true // what Guard relies on
	o.MaxRetries = -1              // a late answer is worth nothing
	o.DialerRetries = 1
	o.DialTimeout = time.Second // dialing goes on when the caller has given up
	o.ReadTimeout = time.Second
	o.WriteTimeout = time.Second
	o.PoolTimeout = time.Second
	o.MinIdleConns = 2
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(o), nil
}

// Options are the bounds of a Guard; the zero value is usable.
type Options struct {
	Timeout  time.Duration // of one call; 0: 15 ms
	Failures int           // in a row, after which calls stop; 0: 5
	Pause    time.Duration // until one call is tried again; 0: 250 ms
	// OnState is told each new state of the breaker, 0 closed, 1 half open, 2
	// open, and the guard's name. It must not block nor call the guard. May be nil.
	OnState func(name string, to int)
}

// Guard runs calls within bounds. It is safe for concurrent use.
type Guard struct {
	timeout time.Duration
	breaker *gobreaker.CircuitBreaker[struct{}]
}

// NewGuard returns a guard whose breaker is closed.
func NewGuard(name string, o Options) *Guard {
	if o.Timeout <= 0 {
		o.Timeout = 15 * time.Millisecond
	}
	if o.Failures <= 0 {
		o.Failures = 5
	}
	if o.Pause <= 0 {
		o.Pause = 250 * time.Millisecond
	}
	settings := gobreaker.Settings{
		Name:         name,
		Timeout:      o.Pause,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return int64(c.ConsecutiveFailures) >= int64(o.Failures) },
		IsSuccessful: func(err error) bool { return err == nil || errors.Is(err, redis.Nil) },
		// A caller that went away says nothing about Redis.
		IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
	}
	if o.OnState != nil {
		settings.OnStateChange = func(name string, _, to gobreaker.State) { o.OnState(name, int(to)) }
	}
	return &Guard{timeout: o.Timeout, breaker: gobreaker.NewCircuitBreaker[struct{}](settings)}
}

// Do runs call with the guard's time limit and returns its error. While the
// breaker is open it returns at once. [redis.Nil] passes through: it is an
// answer.
func (g *Guard) Do(ctx context.Context, call func(context.Context) error) error {
	_, err := g.breaker.Execute(func() (struct{}, error) {
		limited, cancel := context.WithTimeout(ctx, g.timeout)
		defer cancel()
		err := call(limited)
		switch {
		case err == nil || errors.Is(err, redis.Nil):
		case ctx.Err() != nil:
			err = ctx.Err() // the caller's own deadline or departure
		case limited.Err() != nil:
			// Cut off in the middle, the client may report anything.
			err = fmt.Errorf("%w: %w", limited.Err(), err)
		}
		return struct{}{}, err
	})
	return err
}

// Timeout is the time limit of one call.
func (g *Guard) Timeout() time.Duration { return g.timeout }

// Open reports whether calls are stopped at present.
func (g *Guard) Open() bool { return g.breaker.State() == gobreaker.StateOpen }

// Reason puts an error of [Guard.Do] into one of a few words, fit for a
// metric's label: "timeout", "breaker_open", "unreachable", "canceled", "reply"
// (the server answered with an error). It is "" for nil.
func Reason(err error) string {
	var answer redis.Error
	var network net.Error
	switch {
	case err == nil:
		return ""
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		return "breaker_open"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, redis.ErrPoolTimeout),
		errors.As(err, &network) && network.Timeout():
		return "timeout"
	case errors.As(err, &answer):
		return "reply"
	}
	return "unreachable"
}

// Reasons are all words of [Reason] but "".
func Reasons() []string {
	return []string{"timeout", "breaker_open", "unreachable", "canceled", "reply"}
}
