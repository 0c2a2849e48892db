package redislive

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"apitop/collectors/redisconn"
)

// Events says which keyspace events a server publishes, of those that tell of
// lookups that found nothing. The zero value: none.
type Events struct{ channel, pattern string }

// On tells whether there are any.
func (e Events) On() bool { return e.channel != "" || e.pattern != "" }

// missEvent is the name of the event.
const missEvent = "keymiss"

// EventsOf reads the value of notify-keyspace-events: m are the misses, E and K
// the two kinds of channels. "A" (all) does not include m.
func EventsOf(setting string, db int) Events {
	n := strconv.Itoa(db)
	switch {
	case !strings.Contains(setting, "m"):
		return Events{}
	case strings.Contains(setting, "E"):
		return Events{channel: "__keyevent@" + n + "__:" + missEvent}
	case strings.Contains(setting, "K"):
		return Events{pattern: "__keyspace@" + n + "__:*"}
	}
	return Events{}
}

// ErrNoSetting says that the server does not tell which events it publishes.
var ErrNoSetting = errors.New("CONFIG GET is not permitted")

// AskEvents asks which events a server publishes. It never changes that. The
// error is [ErrNoSetting] or a failed connection's.
func AskEvents(ctx context.Context, g *redisconn.Gate, db int) (Events, error) {
	replies, err := g.Do(ctx, [][]string{{"config", "get", "notify-keyspace-events"}})
	if err != nil {
		return Events{}, err
	}
	list, ok := replies[0].([]any)
	if !ok {
		return Events{}, ErrNoSetting
	}
	if len(list) < 2 {
		return Events{}, nil // too old to have events
	}
	setting, _ := list[1].(string)
	return EventsOf(setting, db), nil
}

const (
	mostEvents  = 5000
	eventsBytes = 1 << 20
)

// Misses counts by key the lookups that found nothing, while it listens for at
// most so long, 5,000 events or 1 MiB. It also gives the time that it listened
// for. Our own lookups are among them. A cancelled ctx is an error.
func Misses(ctx context.Context, conn *redisconn.Conn, e Events, most time.Duration) (map[string]int, time.Duration, error) {
	raw, err := conn.Raw(ctx, 2)
	if err != nil {
		return nil, 0, err
	}
	defer raw.Close()
	words := []string{"subscribe", e.channel}
	if e.channel == "" {
		words = []string{"psubscribe", e.pattern}
	}
	if err := begin(ctx, raw, words...); err != nil {
		return nil, 0, err
	}
	raw.SetLimit(eventsBytes)
	start := time.Now()
	moment, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	counts := map[string]int{}
	for range mostEvents {
		reply, err := raw.ReadReply(moment)
		if err != nil && over(ctx) {
			return nil, 0, cmp.Or(ctx.Err(), context.DeadlineExceeded)
		}
		if err != nil && !over(moment) && !raw.Spent() {
			return nil, 0, err
		}
		if err != nil {
			break // the time is up
		}
		if key, ok := missed(reply); ok && len(key) <= mostName {
			counts[key]++
		}
	}
	return counts, time.Since(start), nil
}

// missed reads a message: of a channel of events the key is its text, of a
// pattern of keys the name of the channel has it.
func missed(reply any) (key string, ok bool) {
	list, _ := reply.([]any)
	text := func(i int) string {
		s, _ := list[i].(string)
		return s
	}
	switch {
	case len(list) == 3 && text(0) == "message":
		_, ok = list[2].(string)
		return text(2), ok
	case len(list) == 4 && text(0) == "pmessage" && text(3) == missEvent:
		_, key, ok = strings.Cut(text(2), "__:")
		return key, ok
	}
	return "", false
}
