package limit_test

import (
	"testing"
	"time"

	"apitop/demoapi/limit"
	"apitop/demoapi/limit/limittest"
)

// clock is a time that the test moves.
type clock struct{ now time.Time }

func (c *clock) read() time.Time         { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

func TestLocal(t *testing.T) {
	limittest.Run(t, func(*testing.T) limittest.Subject {
		return limittest.Subject{Limiter: limit.NewLocal(limit.LocalOptions{})}
	})
	limittest.RunWithClock(t, func(*testing.T) limittest.Subject {
		c := &clock{time.Date(2026, 11, 24, 9, 0, 0, 123457000, time.UTC)}
		return limittest.Subject{Limiter: limit.NewLocal(limit.LocalOptions{Now: c.read}), Advance: c.advance}
	})
}
