package ratelimit

import (
	"math"

	"apitop/collectors/snapshot"
)

// bucket reads a token bucket in a hash: the tokens that were left at some time,
// and that time. What came in since then is reckoned with the pace, which few
// keys tell: [Quota] does.
type bucket struct {
	tokens, last string // fields
	limit        string // field with the size; empty: none
	clock        clock  // of last
	// keys are where the fields are when they are strings of their own; nil: the
	// key is a hash.
	keys func(r Ref) []string
	// intervally is set when tokens come in all at once at the end of each
	// interval, which is the [Quota]'s window.
	intervally bool
	// twice is set when the key lives twice as long as an empty bucket takes to
	// fill; it all goes by whole seconds.
	twice bool
}

// Ask asks for the fields and the time to live.
func (b bucket) Ask(r Ref, _ Known, _ float64) [][]string {
	if b.keys != nil {
		var asks [][]string
		for _, key := range b.keys(r) {
			asks = append(asks, []string{"getrange", key, "0", timeMost})
		}
		return append(asks, []string{"pttl", r.Key})
	}
	fields := []string{"hmget", r.Key, b.tokens, b.last}
	if b.limit != "" {
		fields = append(fields, b.limit)
	}
	return [][]string{fields, {"pttl", r.Key}}
}

// Read implements [Reader].
func (b bucket) Read(r Ref, k Known, replies []any, now float64) Reading {
	f, ttl, ok := b.fields(replies)
	if !ok {
		return Reading{}
	}
	tokens, last := number(f[0]), number(f[1])
	at := b.clock.unix(last.V)
	if !tokens.OK || !last.OK || at > now+clockSkew || !ttl.ok && !ttl.forever {
		return Reading{}
	}
	if at < now-longest {
		return Reading{} // no time, or of nobody
	}
	l := limiterOf(r, "token-bucket")
	if len(f) > 2 {
		size := number(f[2])
		l.Limit, l.LimitFrom = told(size.V), fromKey(size.V)
	}
	if b.twice && ttl.ok {
		l.WindowSeconds = told(math.Floor(ttl.seconds+now-at+expirySlack) / 2)
	}
	k.Told.fill(&l)
	if ttl.forever {
		l.Lint = append(l.Lint, LintNoTTL)
	}
	if b.twice {
		now = max(at, math.Floor(now)) // it reckons in whole seconds
	}
	level{tokens: tokens.V, at: at, pace: b.pace(&l, k.Told)}.read(&l, now)
	if q := k.Told; b.intervally && q.pace() > 0 {
		band{capacity: q.size(), period: q.Window, refill: q.Limit, intervally: true, last: at, tokens: tokens.V}.read(&l, now)
	}
	out := Reading{Limiter: l, Known: Known{Window: l.WindowSeconds.V, Limit: l.Limit.V, Used: l.Used.V}, Found: true}
	if b.twice { // the newest request took one, unless it was denied
		out.LimitAtLeast = math.Floor(max(0, tokens.V)) + 1
	}
	return out
}

// longest is how many seconds a bucket is kept at most.
const longest = 400 * 86400

// pace is the seconds that a token takes to come in; 0 when not known.
func (b bucket) pace(l *snapshot.Limiter, q Quota) float64 {
	if p := q.pace(); p > 0 {
		return p
	}
	if b.twice && l.Limit.V >= 1 {
		return l.WindowSeconds.V / l.Limit.V
	}
	return 0
}

// fields are the replies with the fields' values, and the time to live.
func (b bucket) fields(replies []any) (f []any, ttl lifetime, ok bool) {
	if len(replies) < 2 {
		return nil, ttl, false
	}
	f, ttl = replies[:len(replies)-1], lifetimeOf(replies[len(replies)-1])
	if b.keys == nil {
		f, ok = replies[0].([]any)
		if !ok {
			return nil, ttl, false
		}
	}
	return f, ttl, len(f) >= 2
}

// level is how full a bucket was at a time.
type level struct {
	tokens float64
	at     float64 // unix seconds
	pace   float64 // seconds for a token to come in; 0: unknown
}

// read reckons what is in the bucket now. Without a pace it is what was in it
// then: nobody was there since, so a bucket found empty is one that refused, or
// is to refuse, the caller.
func (v level) read(l *snapshot.Limiter, now float64) {
	tokens := v.tokens
	if v.pace > 0 {
		tokens += max(0, now-v.at) / v.pace
	}
	if l.Limit.OK {
		tokens = min(tokens, l.Limit.V)
		l.Used = snapshot.Known(max(0, math.Ceil(l.Limit.V-tokens-roundOff)))
	}
	l.Blocked = tokens < 1-roundOff
	switch {
	case v.pace <= 0:
	case l.Blocked:
		l.ResetsSeconds = snapshot.Known((1 - tokens) * v.pace)
	case l.Limit.OK:
		l.ResetsSeconds = snapshot.Known((l.Limit.V - tokens) * v.pace)
	}
}

// roundOff is what a bucket may be off by from reckoning in floating point.
const roundOff = 1e-6

// tickBucket reads the hash of a bucket that is filled at the ticks of an
// interval: start s and interval i in nanoseconds, the tick t of the last
// request, k tokens left of m.
type tickBucket struct{}

// Ask asks for the fields, and for all there are: another hash has others.
func (tickBucket) Ask(r Ref, _ Known, _ float64) [][]string {
	return [][]string{{"hmget", r.Key, "s", "t", "k", "m", "i"}, {"hlen", r.Key}, {"pttl", r.Key}}
}

// Read implements [Reader].
func (tickBucket) Read(r Ref, k Known, replies []any, now float64) Reading {
	if len(replies) != 3 {
		return Reading{}
	}
	f, _ := replies[0].([]any)
	n, _ := replies[1].(int64)
	ttl := lifetimeOf(replies[2])
	if len(f) != 5 || n < 4 || n > 5 || !ttl.ok && !ttl.forever {
		return Reading{}
	}
	start, tick, left, size, interval := number(f[0]), number(f[1]), number(f[2]), number(f[3]), number(f[4])
	if !start.OK || !tick.OK || !left.OK || size.V < 1 || left.V < 0 || left.V > size.V || n == 5 != interval.OK {
		return Reading{}
	}
	at := start.V / 1e9
	if at > now+clockSkew || at < now-longest {
		return Reading{}
	}
	l := limiterOf(r, "token-bucket")
	l.Limit, l.LimitFrom = snapshot.Known(size.V), "key"
	l.Used = snapshot.Known(size.V - left.V)
	length := interval.V / 1e9
	if !interval.OK { // before the first tick; the key lives three intervals
		length, _ = roundest(ttl.seconds/3-0.001, (ttl.seconds+now-at)/3+0.5, 86400, 3600, 60, 1)
	}
	if length > 0 {
		l.WindowSeconds = snapshot.Known(length)
		present := math.Floor(max(0, now-at) / length)
		if present > tick.V {
			l.Used = snapshot.Known(0) // filled up since
		}
		l.ResetsSeconds = snapshot.Known(max(0, at+(present+1)*length-now))
	}
	l.Blocked = l.Used.V >= l.Limit.V
	if ttl.forever {
		l.Lint = append(l.Lint, LintNoTTL)
	}
	k.Told.fill(&l)
	return Reading{Limiter: l, Found: true, Known: Known{Window: l.WindowSeconds.V, Limit: l.Limit.V, Used: l.Used.V}}
}
