package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/sony/gobreaker/v2"
)

// errPoolBusy marks a wait for a connection that was given up while others held
// all of them.
var errPoolBusy = errors.New("all connections of the pool are in use")

// callerGone marks an error that is the caller's own: it left, or its deadline,
// shorter than ours, passed.
type callerGone struct{ error }

func (e callerGone) Unwrap() error { return e.error }

// late marks a timeout that does not count yet.
type late struct{ error }

func (e late) Unwrap() error { return e.error }

// timeoutsPerFailure is how many calls in a row must get no answer in time to
// count as much as one that is refused: a slow statement or a lock makes calls
// time out too, and the database is not down for that.
const timeoutsPerFailure = 5

// breaker stops calls while the database is down.
type breaker struct {
	circuit  *gobreaker.CircuitBreaker[struct{}]
	timeouts atomic.Int64 // in a row
}

func newBreaker(o PostgresOptions) *breaker {
	settings := gobreaker.Settings{
		Name:        "postgres",
		Timeout:     o.Pause,
		ReadyToTrip: func(c gobreaker.Counts) bool { return int64(c.ConsecutiveFailures) >= int64(o.Failures) },
		// Not found or out of stock is an answer like any other.
		IsSuccessful: func(err error) bool { return err == nil || !unreachable(err) },
		IsExcluded:   saysNothing,
	}
	if o.OnState != nil {
		settings.OnStateChange = func(_ string, _, to gobreaker.State) { o.OnState(int(to)) }
	}
	return &breaker{circuit: gobreaker.NewCircuitBreaker[struct{}](settings)}
}

// saysNothing reports whether err tells neither that the database is up nor
// that it is down. A busy pool does not: its own bounded wait sheds the load,
// and a breaker would only hide which of the two is short.
func saysNothing(err error) bool {
	_, gone := errors.AsType[callerGone](err)
	_, early := errors.AsType[late](err)
	return gone || early || errors.Is(err, errPoolBusy)
}

// do runs call, or fails at once while the breaker is open.
func (b *breaker) do(call func() error) error {
	_, err := b.circuit.Execute(func() (struct{}, error) { return struct{}{}, b.weigh(call()) })
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// weigh marks a timeout that does not count yet. The one call of a breaker that
// is half open always counts.
func (b *breaker) weigh(err error) error {
	switch {
	case err == nil || !unreachable(err):
		b.timeouts.Store(0)
	case saysNothing(err) || !errors.Is(err, context.DeadlineExceeded):
	case b.timeouts.Add(1)%timeoutsPerFailure != 0 && b.circuit.State() == gobreaker.StateClosed:
		return late{err}
	}
	return err
}
