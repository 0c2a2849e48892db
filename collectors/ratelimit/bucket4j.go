package ratelimit

import (
	"encoding/binary"
	"math"
	"time"

	"apitop/collectors/snapshot"
)

// bucket4j reads the binary state of a bucket as the Java library Bucket4j
// writes it: configuration and state of one or more bandwidths, of which the one
// with the least tokens decides.
type bucket4j struct{}

// bucket4jMost is how many bytes are asked for, less one: room for more
// bandwidths than anybody configures.
const bucket4jMost = "2047"

// Ask asks for the state and the time to live.
func (bucket4j) Ask(r Ref, _ Known, _ float64) [][]string {
	return [][]string{{"getrange", r.Key, "0", bucket4jMost}, {"pttl", r.Key}}
}

// Read implements [Reader].
func (bucket4j) Read(r Ref, k Known, replies []any, now float64) Reading {
	if len(replies) != 2 {
		return Reading{}
	}
	text, _ := replies[0].(string)
	bands, ok := parseBucket4j(text)
	ttl := lifetimeOf(replies[1])
	if !ok || !ttl.ok && !ttl.forever {
		return Reading{}
	}
	l := limiterOf(r, "token-bucket")
	least, share := bands[0], math.Inf(1)
	for _, b := range bands {
		if s := b.at(now) / b.capacity; s < share {
			least, share = b, s
		}
	}
	l.Limit, l.LimitFrom = snapshot.Known(least.capacity), "key"
	l.WindowSeconds = snapshot.Known(least.period / least.refill * least.capacity)
	least.read(&l, now)
	k.Told.fill(&l)
	return Reading{Limiter: l, Found: true, Known: Known{Window: l.WindowSeconds.V, Limit: l.Limit.V, Used: l.Used.V}}
}

// band is one bandwidth of a bucket.
type band struct {
	capacity   float64 // tokens
	period     float64 // seconds in which refill tokens come in
	refill     float64
	intervally bool    // all of them at the period's end, not bit by bit
	last       float64 // unix seconds of the last refill
	tokens     float64 // then
}

// read reckons what is in the bucket now.
func (b band) read(l *snapshot.Limiter, now float64) {
	level{tokens: b.at(now), at: now, pace: b.period / b.refill}.read(l, now)
	if b.intervally && l.Used.V > 0 {
		l.ResetsSeconds = snapshot.Known(b.next(now, l.Blocked))
	}
}

// at is how many tokens there are at a time.
func (b band) at(now float64) float64 {
	periods := max(0, now-b.last) / b.period
	if b.intervally {
		periods = math.Floor(periods)
	}
	return max(b.tokens, min(b.tokens+periods*b.refill, b.capacity))
}

// next is the seconds until there is a token, or until all are there.
func (b band) next(now float64, blocked bool) float64 {
	missing := b.capacity - b.tokens
	if blocked {
		missing = 1 - b.tokens
	}
	return max(0, b.last+math.Ceil(missing/b.refill)*b.period-now)
}

// mostBands is how many bandwidths one bucket has at most: real ones have one to
// three.
const mostBands = 16

// parseBucket4j reads the bytes; the layout is in redis.md, taken from
// RemoteBucketState, BucketConfiguration, Bandwidth and BucketState64BitsInteger.
func parseBucket4j(s string) ([]band, bool) {
	b := bytesReader{rest: s}
	version, config, n := b.int32(), b.int32(), b.int32()
	if version < 1 || version > 2 || config != 1 || n < 1 || n > mostBands {
		return nil, false
	}
	bands := make([]band, n)
	for i := range bands {
		if b.int32() != 1 {
			return nil, false
		}
		bands[i] = b.band()
	}
	if b.int32() != 3 || b.int32() != 1 || b.int32() != 3*n {
		return nil, false
	}
	for i := range bands {
		bands[i].last = float64(b.int64()) / float64(time.Second)
		bands[i].tokens = float64(b.int64())
		b.int64() // what was lost by rounding, less than a token
		if !bands[i].sound() {
			return nil, false
		}
	}
	b.int32()
	b.int64() // consumed, when it is recorded
	return bands, !b.short
}

// band reads the configuration of one bandwidth.
func (b *bytesReader) band() band {
	out := band{capacity: float64(b.int64())}
	b.int64() // tokens at first
	out.period = float64(b.int64()) / float64(time.Second)
	out.refill = float64(b.int64())
	out.intervally = b.bool()
	b.int64() // the first refill
	b.bool()  // adaptive initial tokens
	if b.bool() {
		b.skip(int(b.uint16())) // its id
	}
	return out
}

// sound tells whether the numbers can be a bandwidth.
func (b band) sound() bool {
	return b.capacity >= 1 && b.period > 0 && b.refill >= 1 && b.tokens <= b.capacity && b.last >= 0
}

// bytesReader reads big-endian numbers; beyond the end they are 0 and short is
// set.
type bytesReader struct {
	rest  string
	short bool
}

func (b *bytesReader) skip(n int) string {
	if n > len(b.rest) {
		b.rest, b.short = "", true
		return "\x00\x00\x00\x00\x00\x00\x00\x00"
	}
	s := b.rest[:n]
	b.rest = b.rest[n:]
	return s
}

func (b *bytesReader) bool() bool     { return b.skip(1)[0] == 1 }
func (b *bytesReader) uint16() uint16 { return binary.BigEndian.Uint16([]byte(b.skip(2))) }
func (b *bytesReader) int32() int32   { return int32(binary.BigEndian.Uint32([]byte(b.skip(4)))) }
func (b *bytesReader) int64() int64   { return int64(binary.BigEndian.Uint64([]byte(b.skip(8)))) }
