package ratelimit

import (
	"math"
	"strconv"
	"time"

	"apitop/collectors/snapshot"
)

// slidingLog reads a sorted set with a member per request, whose score is its
// time; it expires one window after the last write. In the demo's layout members
// are unique and only requests that were let through are written. In the
// tutorial's the member is the score in whole seconds: requests within one
// second overwrite each other, so that Used is a lower bound.
type slidingLog struct {
	clock clock
	// name is what the layout is called when members are whole seconds; empty:
	// as ever.
	name string
}

// defaultWindow is the tutorial's, for a key that nothing tells the window of.
const defaultWindow = time.Hour

// Ask asks for the newest entry, which tells the kind of log; for the lifetime,
// from which the window follows; what the neighbour says; with a window the
// entries in it; near a limit the entry that is limit-th from the end: a blocked
// subject may go on when it leaves; and the oldest, which leaves first.
func (s slidingLog) Ask(r Ref, k Known, now float64) [][]string {
	asks := [][]string{{"zrange", r.Key, "-1", "-1", "withscores"}, {"pttl", r.Key}}
	if r.Layout.Neighbour != nil {
		asks = append(asks, askNeighbour(r))
	}
	if k.Window != 0 {
		after := s.clock.write(now - k.Window) // the limiter drops what is as old as the window
		asks = append(asks, []string{"zcount", r.Key, "(" + after, "+inf"})
	}
	if k.near() {
		rank := fromEnd(k.Limit)
		asks = append(asks, []string{"zrange", r.Key, rank, rank, "withscores"})
	}
	first := "0"
	if k.untrimmed && k.Used >= 1 {
		first = fromEnd(k.Used)
	}
	return append(asks, []string{"zrange", r.Key, first, first, "withscores"})
}

// fromEnd is the rank of the entry that is n-th from the end.
func fromEnd(n float64) string { return "-" + strconv.FormatFloat(math.Floor(n), 'f', 0, 64) }

// near tells whether the subject may be blocked by now.
func (k Known) near() bool { return k.Window != 0 && k.Limit >= 1 && k.Used >= nearLimit*k.Limit }

const nearLimit = 0.9

// Read implements [Reader].
func (s slidingLog) Read(r Ref, k Known, replies []any, now float64) Reading {
	next := func() (reply any) {
		if len(replies) > 0 {
			reply, replies = replies[0], replies[1:]
		}
		return reply
	}
	newest := s.firstEntry(next())
	if !newest.ok {
		return Reading{}
	}
	ttl := lifetimeOf(next())
	l := limiterOf(r, "sliding-log")
	if newest.secondsOnly() {
		l.Layout, l.Algorithm, l.Lint = firstText(s.name, l.Layout), "sliding-log-seconds", []string{LintWholeSeconds}
	}
	if ttl.forever {
		l.Lint = append(l.Lint, LintNoTTL)
	}
	if r.Layout.Neighbour != nil {
		readNeighbour(&l, next())
	}
	k.Told.fill(&l)
	known := Known{Limit: l.Limit.V, Used: k.Used}
	known.Window = firstOf(l.WindowSeconds.V, firstOf(k.Window, windowOf(newest.at, ttl, now)))
	l.WindowSeconds = snapshot.Known(known.Window)
	if k.Window != 0 {
		l.Used = number(next())
		known.Used = l.Used.V
	}
	asked := k.near() && k.Limit == known.Limit
	var edge entry
	if asked {
		edge = s.firstEntry(next())
	}
	oldest := s.firstEntry(next())
	stale := oldest.ok && oldest.at <= now-known.Window
	known.untrimmed = k.untrimmed || stale
	more := s.settle(&l, oldest, edge, now) && known.near() && !asked
	byRank := k.untrimmed && k.Used >= 1 // else the oldest of all was asked for
	more = more || stale && !byRank && known.Used >= 1
	return Reading{Limiter: l, Known: known, Found: true, More: k.Window != known.Window || more}
}

// settle finds out when the next slot frees: when the oldest entry of the window
// leaves, or, while the subject is blocked, the edge, which is the entry that is
// limit-th from the end.
func (s slidingLog) settle(l *snapshot.Limiter, oldest, edge entry, now float64) (blocked bool) {
	frees := oldest
	if l.Limit.OK && l.Used.OK {
		if l.Used.V > l.Limit.V {
			l.Lint = append(l.Lint, LintOverLimit)
		}
		if blocked = l.Used.V >= l.Limit.V; blocked {
			frees = edge
		}
	}
	if frees.ok {
		l.ResetsSeconds = snapshot.Known(max(frees.at+l.WindowSeconds.V-now, 0))
	}
	return blocked
}

// windowOf is the window's length in seconds by the time a key has to live: one
// window from the last write. The clocks of writer and server may differ a
// little, and the tutorial cuts fractions off: what is within two seconds of
// whole minutes is taken as those.
func windowOf(newest float64, ttl lifetime, now float64) float64 {
	w := math.Round(ttl.seconds + now - newest)
	if minutes := math.Round(w/60) * 60; minutes > 0 && math.Abs(w-minutes) <= 2 {
		w = minutes
	}
	if !ttl.ok || w < 1 {
		return defaultWindow.Seconds()
	}
	return w
}

// firstText is a unless it is empty, then b.
func firstText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// entry is one member of the log.
type entry struct {
	member string
	score  float64
	at     float64 // the score in unix seconds
	ok     bool
}

// firstEntry is the first member of a reply with scores.
func (s slidingLog) firstEntry(reply any) entry {
	list, ok := reply.([]any)
	if ok && len(list) > 0 { // newer protocols have a list for each entry
		if first, nested := list[0].([]any); nested {
			list = first
		}
	}
	if !ok || len(list) < 2 {
		return entry{}
	}
	member, ok := list[0].(string)
	score := number(list[1])
	return entry{member: member, score: score.V, at: s.clock.unix(score.V), ok: ok && score.OK}
}

// secondsOnly tells members that are the whole second of the request.
func (e entry) secondsOnly() bool {
	seconds, err := strconv.ParseInt(e.member, 10, 64)
	return e.ok && err == nil && float64(seconds) == e.score && e.score == e.at
}
