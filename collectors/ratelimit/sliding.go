package ratelimit

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"apitop/collectors/snapshot"
)

// twoWindows reads counts of windows that are numbered from the epoch on. Where
// the key lives longer than one window, the count of the window before counts as
// far as it is not over, too.
type twoWindows struct {
	// before is the key of the window before, number b−1.
	before func(r Ref, b float64) string
	// steps are the lengths people choose, in milliseconds, longest first.
	steps []float64
	// perSecond are the ticks a second in which windows are numbered.
	perSecond float64
	// always is set when the window before counts whatever the lifetime.
	always bool
	// group has the number; empty: "b".
	group string
}

// number is that of the key's window.
func (w twoWindows) number(r Ref) float64 { return positive(r.group(firstText(w.group, "b"))) }

// Ask asks for both counts and the time to live.
func (w twoWindows) Ask(r Ref, _ Known, _ float64) [][]string {
	before := w.before(r, w.number(r)-1)
	return [][]string{{"getrange", r.Key, "0", countMost}, {"pttl", r.Key}, {"getrange", before, "0", countMost}}
}

// Read implements [Reader].
func (w twoWindows) Read(r Ref, k Known, replies []any, now float64) Reading {
	if len(replies) != 3 {
		return Reading{}
	}
	used, ok := integer(replies[0])
	ttl := lifetimeOf(replies[1])
	b := w.number(r)
	length, present := window(b, now*w.perSecond, w.steps...)
	length /= w.perSecond
	if !ok || used < 0 || !ttl.ok && !ttl.forever || !present || ttl.seconds > 2*length+clockSkew {
		return Reading{}
	}
	l := limiterOf(r, "fixed-window")
	l.WindowSeconds = snapshot.Known(length)
	if w.always || ttl.seconds > length {
		l.Algorithm = "sliding-window"
		before, _ := integer(replies[2])
		passed := min(max(now-b*length, 0)/length, 1)
		used += math.Floor(max(0, before) * (1 - passed))
	}
	l.Used = snapshot.Known(used)
	l.ResetsSeconds = snapshot.Known(max(0, (b+1)*length-now))
	if ttl.forever {
		l.Lint = append(l.Lint, LintNoTTL)
	}
	k.Told.fill(&l)
	return Reading{Limiter: l, Found: true, Known: Known{Window: length, Limit: l.Limit.V, Used: used}}
}

// ageing reads the two counters of the limits library: each lives two windows,
// and when the present one has less than one window to live it becomes the one
// before, whose count weighs as much as it has to live.
type ageing struct{}

// Ask asks for both counts and lifetimes.
func (ageing) Ask(r Ref, _ Known, _ float64) [][]string {
	before := r.Key + "/-1"
	return [][]string{
		{"getrange", r.Key, "0", countMost}, {"pttl", r.Key},
		{"getrange", before, "0", countMost}, {"pttl", before},
	}
}

// Read implements [Reader].
func (ageing) Read(r Ref, _ Known, replies []any, _ float64) Reading {
	if len(replies) != 4 {
		return Reading{}
	}
	used, ok := integer(replies[0])
	before, _ := integer(replies[2])
	ttl, ttlBefore := lifetimeOf(replies[1]), lifetimeOf(replies[3])
	length, limit := namedWindow(r), positive(r.group("L"))
	if !ok || used < 0 || !ttl.ok || length <= 0 || ttl.seconds > 2*length+1 {
		return Reading{}
	}
	resets := ttl.seconds - length
	if resets < 0 { // nobody came since the window ended: its count is the one before
		used, before, ttlBefore.seconds, resets = 0, used, ttl.seconds, ttl.seconds
	}
	used += math.Floor(max(0, before) * min(ttlBefore.seconds/length, 1))
	l := limiterOf(r, "sliding-window")
	l.Limit, l.LimitFrom, l.WindowSeconds = told(limit), fromKey(limit), snapshot.Known(length)
	l.Used, l.ResetsSeconds = snapshot.Known(used), snapshot.Known(resets)
	return Reading{Limiter: l, Found: true, Known: Known{Window: length, Limit: limit, Used: used}}
}

// timeList reads a list of the times of requests, the newest first, cut at the
// limit.
type timeList struct {
	clock clock
	// either is set when the oldest may be first instead: both ends are looked at.
	either bool
}

// mostTimes is how many times of a log are asked for: beyond them Used is a
// lower bound.
const mostTimes = 1000

// Ask asks for the times, and how many there are.
func (t timeList) Ask(r Ref, k Known, _ float64) [][]string {
	most := mostTimes
	if limit := firstOf(positive(r.group("L")), k.Told.Limit); limit > 0 {
		most = min(most, int(min(limit, mostTimes)))
	}
	asks := [][]string{{"lrange", r.Key, "0", strconv.Itoa(most - 1)}, {"pttl", r.Key}}
	if t.either {
		asks = append(asks, []string{"lrange", r.Key, strconv.Itoa(-most), "-1"})
	}
	return asks
}

// newestFirst is the beginning of a list, or its end from behind where the newest
// are there.
func newestFirst(head, tail []any) []any {
	if len(head) == 0 || len(tail) == 0 || number(tail[len(tail)-1]).V <= number(head[0]).V {
		return head
	}
	list := slices.Clone(tail)
	slices.Reverse(list)
	return list
}

// Read implements [Reader].
func (t timeList) Read(r Ref, k Known, replies []any, now float64) Reading {
	if len(replies) < 2 {
		return Reading{}
	}
	list, _ := replies[0].([]any)
	if t.either && len(replies) == 3 {
		tail, _ := replies[2].([]any)
		list = newestFirst(list, tail)
	}
	times := make([]float64, 0, len(list))
	for _, item := range list {
		v := number(item)
		at := t.clock.unix(v.V)
		if !v.OK || at > now+clockSkew || at < now-longest {
			return Reading{}
		}
		times = append(times, at)
	}
	log := timeLog{times: times, ttl: lifetimeOf(replies[1])}
	l := limiterOf(r, "sliding-log")
	l.Limit = told(positive(r.group("L")))
	l.LimitFrom, l.WindowSeconds = fromKey(l.Limit.V), told(namedWindow(r))
	k.Told.fill(&l)
	return log.read(l, now)
}

// timeLog is a log of times in unix seconds, the newest first.
type timeLog struct {
	times []float64
	ttl   lifetime
}

// read counts the times in the window. The key expires one window after the last
// request; a slot frees when the oldest in the window leaves, or, at the limit,
// the entry that is limit-th from the newest.
func (t timeLog) read(l snapshot.Limiter, now float64) Reading {
	if len(t.times) == 0 || !t.ttl.ok && !t.ttl.forever {
		return Reading{}
	}
	length := l.WindowSeconds.V
	if length == 0 {
		length = windowOf(t.times[0], t.ttl, now)
		l.WindowSeconds = snapshot.Known(length)
	}
	used := 0
	for _, at := range t.times {
		if at > now-length {
			used++
		}
	}
	l.Used = snapshot.Known(float64(used))
	frees := t.times[max(used-1, 0)]
	if limit := int(min(l.Limit.V, mostTimes)); limit > 0 && used >= limit {
		frees = t.times[limit-1]
	}
	l.ResetsSeconds = snapshot.Known(max(0, frees+length-now))
	if l.Limit.OK && l.Used.V > l.Limit.V {
		l.Lint = append(l.Lint, LintOverLimit)
	}
	if t.ttl.forever {
		l.Lint = append(l.Lint, LintNoTTL)
	}
	return Reading{Limiter: l, Found: true, Known: Known{Window: length, Limit: l.Limit.V, Used: l.Used.V}}
}

// numbered is the key of another window of a layout whose keys end in the
// window's number, before a suffix.
func numbered(suffix string) func(Ref, float64) string {
	return func(r Ref, b float64) string {
		end := r.group("b") + suffix
		return strings.TrimSuffix(r.Key, end) + wholeNumber(b) + suffix
	}
}

// wholeNumber writes a number of a window.
func wholeNumber(b float64) string { return strconv.FormatFloat(max(0, b), 'f', 0, 64) }
