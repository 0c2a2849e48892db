package rediskeys

import (
	"context"
	"time"

	"apitop/collectors/ratelimit"
	"apitop/collectors/redisconn"
)

// Slots are the requests that a limiter's key keeps.
type Slots struct {
	At    time.Time // when they were read, by our clock
	Ages  []float64 // seconds ago by the server's clock, the newest first; at most 512
	Total int       // that the key keeps, with those that have left the window
	Exact bool      // false: the layout keeps counts only, or the key is gone
}

// mostSlots is how many requests are read: more than a screen has columns.
const mostSlots = 512

// ReadSlots reads the requests of one limiter key, in two round trips whose cost
// does not depend on the key's size. key is the raw name; layouts are those that
// are known. Like [Inspect] it is for a person who asks. The error is a
// [snapshot.Failure].
func ReadSlots(ctx context.Context, server *redisconn.Server, layouts []ratelimit.Layout, key string) (Slots, error) {
	conn, err := server.NodeOf(ctx, key)
	if err != nil {
		return Slots{}, err
	}
	return readSlots(ctx, conn, layouts, key)
}

func readSlots(ctx context.Context, conn redisconn.Doer, layouts []ratelimit.Layout, key string) (Slots, error) {
	replies, err := conn.Do(ctx, []string{"type", key})
	if err != nil {
		return Slots{}, err
	}
	kind, _ := replies[0].(string)
	asks := ratelimit.AskTimes(layouts, kind, key, mostSlots)
	if asks == nil {
		return Slots{At: time.Now()}, nil
	}
	replies, err = conn.Do(ctx, append([][]string{{"time"}}, asks...)...)
	if err != nil {
		return Slots{}, err
	}
	s := Slots{At: time.Now()}
	now := clock(replies[0], s.At)
	times, total := ratelimit.Times(layouts, kind, key, replies[1:])
	for _, t := range times[:min(len(times), mostSlots)] {
		s.Ages = append(s.Ages, now-t)
	}
	s.Total, s.Exact = total, len(times) > 0
	return s, nil
}
