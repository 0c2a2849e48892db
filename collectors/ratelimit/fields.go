package ratelimit

import (
	"math"
	"strings"

	"apitop/collectors/snapshot"
)

// fields reads a hash that says how much was used, or is left, and until when.
// The names of fields that are not there are empty.
type fields struct {
	used, left   string
	limit        string
	start, reset string
	denied       string
	clock        clock // of start and reset
}

// Ask asks for the fields and the time to live.
func (f fields) Ask(r Ref, _ Known, _ float64) [][]string {
	ask := []string{"hmget", r.Key}
	for _, name := range f.names() {
		if name != "" {
			ask = append(ask, name)
		}
	}
	return [][]string{ask, {"pttl", r.Key}}
}

func (f fields) names() [6]string {
	return [6]string{f.used, f.left, f.limit, f.start, f.reset, f.denied}
}

// Read implements [Reader].
func (f fields) Read(r Ref, k Known, replies []any, now float64) Reading {
	if len(replies) != 2 {
		return Reading{}
	}
	list, _ := replies[0].([]any)
	var v [6]snapshot.Value
	for i, name := range f.names() {
		if name == "" {
			continue
		}
		if len(list) == 0 {
			return Reading{}
		}
		v[i], list = number(list[0]), list[1:]
	}
	used, left, limit, start, reset, denied := v[0], v[1], v[2], v[3], v[4], v[5]
	ttl := lifetimeOf(replies[1])
	if !used.OK && !left.OK || used.V < 0 || !ttl.ok && !ttl.forever || f.start != "" && !start.OK || f.reset != "" && !reset.OK {
		return Reading{}
	}
	l := limiterOf(r, "fixed-window")
	l.Limit, l.LimitFrom = told(limit.V), fromKey(limit.V)
	ends := now + ttl.seconds
	if f.reset != "" {
		ends = f.clock.unix(reset.V)
		if f.start != "" {
			l.WindowSeconds = told(ends - f.clock.unix(start.V))
		}
	}
	k.Told.fill(&l)
	l.Used = used
	if !used.OK && l.Limit.OK {
		l.Used = snapshot.Known(max(0, l.Limit.V-left.V))
	}
	l.Blocked = left.OK && left.V <= 0
	if f.reset != "" && ends < now {
		l.Used, l.Blocked = snapshot.Known(0), false // a window that is over
	}
	if f.reset != "" || ttl.ok {
		l.ResetsSeconds = snapshot.Known(max(0, ends-now))
	}
	if f.denied != "" && denied.V >= 0 {
		l.DeniedTotal = denied
	}
	if ttl.forever {
		l.Lint = append(l.Lint, LintNoTTL)
	}
	return Reading{Limiter: l, Found: true, Known: Known{Window: l.WindowSeconds.V, Limit: l.Limit.V, Used: l.Used.V}}
}

// fieldCount reads a hash with a field per request in a window that the name
// tells.
type fieldCount struct{ frame framer }

// Ask asks for the number of fields and the time to live.
func (fieldCount) Ask(r Ref, _ Known, _ float64) [][]string {
	return [][]string{{"hlen", r.Key}, {"pttl", r.Key}}
}

// Read implements [Reader].
func (c fieldCount) Read(r Ref, k Known, replies []any, now float64) Reading {
	if len(replies) != 2 {
		return Reading{}
	}
	n, _ := replies[0].(int64)
	ttl := lifetimeOf(replies[1])
	f := c.frame(r, ttl, now)
	if n < 1 || !f.ok {
		return Reading{}
	}
	l := limiterOf(r, "fixed-window")
	l.WindowSeconds, l.Used = told(f.length), snapshot.Known(float64(n))
	l.ResetsSeconds = snapshot.Known(max(0, f.ends-now))
	k.Told.fill(&l)
	return Reading{Limiter: l, Found: true, Known: Known{Window: f.length, Limit: l.Limit.V, Used: float64(n)}}
}

// ban reads a string that is there while a subject is banned.
type ban struct{}

// Ask asks for the time to live, and whether there is anything.
func (ban) Ask(r Ref, _ Known, _ float64) [][]string {
	return [][]string{{"strlen", r.Key}, {"pttl", r.Key}}
}

// Read implements [Reader].
func (ban) Read(r Ref, k Known, replies []any, _ float64) Reading {
	if len(replies) != 2 {
		return Reading{}
	}
	n, _ := replies[0].(int64)
	ttl := lifetimeOf(replies[1])
	if n < 1 || !ttl.ok && !ttl.forever {
		return Reading{}
	}
	l := limiterOf(r, "ban")
	l.Blocked = true
	if ttl.ok {
		l.ResetsSeconds = snapshot.Known(ttl.seconds)
	} else {
		l.Lint = append(l.Lint, LintNoTTL)
	}
	k.Told.fill(&l)
	return Reading{Limiter: l, Found: true, Known: Known{Limit: l.Limit.V, Window: l.WindowSeconds.V}}
}

// leaky reads a leaky bucket: by how many requests the caller was ahead of the
// rate at a time. The fields are of a hash, or two strings without lifetime, whose
// names end in them.
type leaky struct {
	apart       bool
	level, last string  // fields of a hash
	per         float64 // what one request is in level; 0: one
	clock       clock   // of last
}

// Ask asks for both fields and the time to live.
func (b leaky) Ask(r Ref, _ Known, _ float64) [][]string {
	if !b.apart {
		return [][]string{{"hmget", r.Key, b.level, b.last}, {"pttl", r.Key}}
	}
	last := strings.TrimSuffix(r.Key, "excess") + "last"
	return [][]string{{"getrange", r.Key, "0", timeMost}, {"getrange", last, "0", timeMost}, {"pttl", r.Key}}
}

// Read implements [Reader]. With a [Quota] of the rate, what leaked out since is
// taken off; its Burst is how far ahead a caller may be.
func (b leaky) Read(r Ref, k Known, replies []any, now float64) Reading {
	f, ttl, ok := bucket{keys: b.parts()}.fields(replies)
	if !ok {
		return Reading{}
	}
	excess, last := number(f[0]), number(f[1])
	at := b.clock.unix(last.V)
	if !excess.OK || !last.OK || excess.V < 0 || at > now+clockSkew || at < now-longest || !ttl.ok && !ttl.forever {
		return Reading{}
	}
	l := limiterOf(r, "leaky-bucket")
	ahead := excess.V / firstOf(b.per, 1) // requests
	if pace := k.Told.pace(); pace > 0 {
		ahead = max(0, ahead-max(0, now-at)/pace)
		l.ResetsSeconds = snapshot.Known(ahead * pace)
	}
	l.Used = snapshot.Known(math.Ceil(ahead - roundOff))
	k.Told.fill(&l)
	if ttl.forever && !b.apart {
		l.Lint = append(l.Lint, LintNoTTL)
	}
	return Reading{Limiter: l, Found: true, Known: Known{Window: l.WindowSeconds.V, Limit: l.Limit.V, Used: l.Used.V}}
}

// parts says, for [bucket.fields], whether the fields are strings of their own.
func (b leaky) parts() func(Ref) []string {
	if !b.apart {
		return nil
	}
	return func(Ref) []string { return nil }
}

// inFlight reads a sorted set of the requests that are served right now, each
// with the time at which it is given up.
type inFlight struct{ clock clock }

// Ask asks for the ones that are not given up, and the time to live.
func (f inFlight) Ask(r Ref, _ Known, now float64) [][]string {
	return [][]string{{"zcount", r.Key, "(" + f.clock.write(now), "+inf"}, {"pttl", r.Key}}
}

// Read implements [Reader].
func (inFlight) Read(r Ref, k Known, replies []any, _ float64) Reading {
	if len(replies) != 2 {
		return Reading{}
	}
	n, ok := replies[0].(int64)
	ttl := lifetimeOf(replies[1])
	if !ok || n < 0 || !ttl.ok && !ttl.forever {
		return Reading{}
	}
	l := limiterOf(r, "concurrency")
	l.Used = snapshot.Known(float64(n))
	k.Told.fill(&l)
	return Reading{Limiter: l, Found: true, Known: Known{Limit: l.Limit.V, Used: l.Used.V}}
}
