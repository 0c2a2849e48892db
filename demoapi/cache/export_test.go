package cache

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// Counting is the counting of reads without a cache around it.
type Counting struct {
	a      *accesses
	client redis.Scripter
}

// NewCounting counts into client.
func NewCounting(client redis.Scripter) Counting { return Counting{newAccesses(), client} }

// Read counts one read.
func (c Counting) Read(key string) { c.a.of(key, time.Now()).read() }

// Second does what is done in the n-th second.
func (c Counting) Second(ctx context.Context, n int, now time.Time) error {
	err := c.a.flush(ctx, c.client, now)
	if n%pruneEvery == 0 {
		c.a.prune(now)
	}
	return err
}

// Sample is an envelope around a value of about that many bytes.
func Sample(size int) []byte {
	value, _ := json.Marshal(slices.Repeat([]string{"Ash Desk 42"}, size/14))
	raw, _ := (&entry{value: value, created: time.Now(), fresh: time.Now()}).encode()
	return raw
}

// Decode reads an envelope.
func Decode(raw []byte) error {
	_, err := decode(raw)
	return err
}
