package cache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// Channel is where the processes tell each other what they deleted, as JSON:
// {"from":"1f4k","keys":["product:42"]}; without keys: everything.
const Channel = "cache:invalidate"

// notice is a message on [Channel].
type notice struct {
	From string   `json:"from"` // a process, by a name of its own choice
	Keys []string `json:"keys,omitempty"`
}

const (
	busIdle     = 5 * time.Second // of silence, after which the connection is tested
	firstRejoin = 100 * time.Millisecond
	lastRejoin  = 2 * time.Second
)

// bus listens to the other processes on a connection of its own.
type bus struct {
	client redis.UniversalClient
	self   string
	gone   func(keys []string) // keys were deleted; none: nobody knows which
	failed func(op string, err error)
}

// run listens until ctx ends. Whenever it has (again) begun to listen, it
// reports that anything may have been deleted before.
func (b *bus) run(ctx context.Context) {
	pause := firstRejoin
	for ctx.Err() == nil {
		joined, err := b.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		b.failed("subscribe", err)
		if joined {
			pause = firstRejoin
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, lastRejoin)
	}
}

// listen listens until the connection breaks.
func (b *bus) listen(ctx context.Context) (joined bool, err error) {
	sub := b.client.Subscribe(ctx, Channel)
	defer sub.Close()
	// What reads from the connection does not look at ctx.
	stop := context.AfterFunc(ctx, func() { _ = sub.Close() })
	defer stop()
	quiet := false
	for {
		message, err := sub.ReceiveTimeout(ctx, busIdle)
		var network net.Error
		switch {
		case err == nil:
			quiet = false
		case errors.As(err, &network) && network.Timeout() && joined && !quiet:
			quiet = true // silence is normal; two in a row with a ping between are not
			if err := sub.Ping(ctx); err != nil {
				return joined, fmt.Errorf("cache: test the subscription: %w", err)
			}
			continue
		default:
			return joined, fmt.Errorf("cache: listen to other processes: %w", err)
		}
		switch message := message.(type) {
		case *redis.Subscription:
			joined = true
			b.gone(nil)
		case *redis.Message:
			b.heard(message.Payload)
		}
	}
}

func (b *bus) heard(payload string) {
	var n notice
	if json.Unmarshal([]byte(payload), &n) != nil {
		b.gone(nil) // it meant something
		return
	}
	if n.From != b.self { // our own deletions are done already
		b.gone(n.Keys)
	}
}

func (b *bus) message(keys []string) string {
	raw, _ := json.Marshal(notice{From: b.self, Keys: keys}) // strings always encode
	return string(raw)
}
