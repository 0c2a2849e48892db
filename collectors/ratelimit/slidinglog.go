package ratelimit

import (
	"math"
	"strconv"
	"time"

	"apitop/collectors/snapshot"
)

// slidingLog reads a sorted set with a member per request, whose score is its
// time in unix seconds; it expires one window after the last write. In the
// demo's layout members are unique and only requests that were let through are
// written. In the tutorial's the member is the score in whole seconds: requests
// within one second overwrite each other, so that Used is a lower bound.
type slidingLog struct{}

// defaultWindow is the tutorial's, for a key that nothing tells the window of.
const defaultWindow = time.Hour

// Ask asks for the newest entry, which tells the kind of log and when the
// window will be empty; what the neighbour says; without a window the lifetime,
// from which it follows; with one the entries in it; near a limit the entry that
// is limit-th from the end: a blocked subject may go on when it leaves.
func (slidingLog) Ask(r Ref, k Known, now float64) [][]string {
	asks := [][]string{{"zrange", r.Key, "-1", "-1", "withscores"}}
	if r.Layout.Neighbour != nil {
		asks = append(asks, askNeighbour(r))
	}
	if k.Window == 0 {
		asks = append(asks, []string{"pttl", r.Key})
	} else {
		after := strconv.FormatFloat(now-k.Window, 'f', 6, 64) // the limiter drops what is as old as the window
		asks = append(asks, []string{"zcount", r.Key, "(" + after, "+inf"})
	}
	if k.near() {
		rank := "-" + strconv.FormatFloat(math.Floor(k.Limit), 'f', 0, 64)
		asks = append(asks, []string{"zrange", r.Key, rank, rank, "withscores"})
	}
	return asks
}

// near tells whether the subject may be blocked by now.
func (k Known) near() bool { return k.Limit >= 1 && k.Used >= nearLimit*k.Limit }

const nearLimit = 0.9

// Read implements [Reader].
func (slidingLog) Read(r Ref, k Known, replies []any, now float64) Reading {
	next := func() (reply any) {
		if len(replies) > 0 {
			reply, replies = replies[0], replies[1:]
		}
		return reply
	}
	newest := firstEntry(next())
	if !newest.ok {
		return Reading{}
	}
	l := limiterOf(r, "sliding-log")
	if newest.secondsOnly() {
		l.Layout, l.Algorithm = "tutorial", "sliding-log-seconds"
	}
	if r.Layout.Neighbour != nil {
		readNeighbour(&l, next())
	}
	known := Known{Window: l.WindowSeconds.V, Limit: l.Limit.V, Used: k.Used}
	if k.Window == 0 {
		ttl, _ := next().(int64)
		known.Window = firstOf(known.Window, windowOf(newest.score, ttl, now))
	} else {
		known.Window = firstOf(known.Window, k.Window)
		l.Used = number(next())
		known.Used = l.Used.V
	}
	l.WindowSeconds = snapshot.Known(known.Window)
	frees := newest // unless blocked, the window is empty when the newest leaves
	blocked := l.Limit.OK && l.Used.OK && l.Used.V >= l.Limit.V
	asked := k.near() && k.Limit == known.Limit
	if blocked {
		frees = entry{}
		if asked {
			frees = firstEntry(next())
		}
	}
	if frees.ok {
		l.ResetsSeconds = snapshot.Known(max(frees.score+known.Window-now, 0))
	}
	return Reading{
		Limiter: l, Known: known, Found: true,
		More: k.Window != known.Window || blocked && known.near() && !asked,
	}
}

// windowOf is the window's length in seconds by the time a key has to live: one
// window from the last write. The clocks of writer and server may differ a
// little, and the tutorial cuts fractions off: what is within two seconds of
// whole minutes is taken as those.
func windowOf(newest float64, ttl int64, now float64) float64 {
	w := math.Round(float64(ttl)/1000 + now - newest)
	if minutes := math.Round(w/60) * 60; minutes > 0 && math.Abs(w-minutes) <= 2 {
		w = minutes
	}
	if ttl <= 0 || w < 1 {
		return defaultWindow.Seconds()
	}
	return w
}

// firstOf is a unless it is 0, then b.
func firstOf(a, b float64) float64 {
	if a != 0 {
		return a
	}
	return b
}

// entry is one member of the log.
type entry struct {
	member string
	score  float64 // unix seconds
	ok     bool
}

// firstEntry is the first member of a reply with scores.
func firstEntry(reply any) entry {
	list, ok := reply.([]any)
	if !ok || len(list) < 2 {
		return entry{}
	}
	member, ok := list[0].(string)
	score := number(list[1])
	return entry{member: member, score: score.V, ok: ok && score.OK}
}

// secondsOnly tells the tutorial's entries from the demo's.
func (e entry) secondsOnly() bool {
	seconds, err := strconv.ParseInt(e.member, 10, 64)
	return e.ok && err == nil && float64(seconds) == e.score
}
