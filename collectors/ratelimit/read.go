package ratelimit

import (
	"strconv"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// How much of a name is drawn.
const shownCells = 80

// Read makes a Limiter of the replies to [Ref.Ask] at the server's time now, in
// unix seconds. ok is false when the key is gone or is not of the layout's type.
func (r Ref) Read(replies []any, now float64) (l snapshot.Limiter, ok bool) {
	l = snapshot.Limiter{
		Key:       safe.Short(r.Key, shownCells),
		Subject:   safe.Short(subject(r.Subject), shownCells),
		Endpoint:  safe.Short(r.Endpoint, shownCells),
		Layout:    r.Layout.Name,
		Algorithm: "sliding-log",
	}
	if len(replies) < 3 {
		return l, false
	}
	ttl, known := replies[0].(int64)
	if l.Used = number(replies[1]); !known || ttl == -2 || !l.Used.OK {
		return l, false
	}
	oldest := first(replies[2])
	if oldest.secondsOnly() {
		l.Layout, l.Algorithm = "tutorial", "sliding-log-seconds" // counts distinct seconds: a lower bound
	}
	if len(replies) > 3 {
		readNeighbour(&l, replies[3])
	}
	if !l.WindowSeconds.OK {
		l.WindowSeconds = snapshot.Known(DefaultWindow.Seconds())
	}
	l.ResetsSeconds = resets(&l, oldest, ttl, now)
	return l, true
}

// readNeighbour takes what the hash beside the key tells: tier, window, limit,
// and how many requests were let through and denied.
func readNeighbour(l *snapshot.Limiter, reply any) {
	f, ok := reply.([]any)
	if !ok || len(f) != 5 {
		return
	}
	if tier, ok := f[0].(string); ok {
		l.Tier = safe.Short(tier, shownCells)
	}
	l.WindowSeconds = number(f[1])
	if l.Limit = number(f[2]); l.Limit.OK {
		l.LimitFrom = "neighbour"
	}
	allowed, denied := number(f[3]), number(f[4])
	if allowed.OK || denied.OK { // a counter that was never bumped is not there
		l.DeniedTotal = snapshot.Known(denied.V)
		l.RequestedTotal = snapshot.Known(allowed.V + denied.V)
	}
}

// resets is how long until a request is let through again (blocked) or until
// the key is gone (not blocked). Beyond the limit it is unknown: several must
// leave, and which is not asked.
func resets(l *snapshot.Limiter, oldest entry, ttl int64, now float64) snapshot.Value {
	switch {
	case l.Limit.OK && l.Used.V > l.Limit.V:
		return snapshot.Value{}
	case l.Limit.OK && l.Used.V == l.Limit.V && oldest.ok:
		return snapshot.Known(max(oldest.score+l.WindowSeconds.V-now, 0))
	case ttl >= 0:
		return snapshot.Known(float64(ttl) / 1000)
	default:
		return snapshot.Value{}
	}
}

// entry is one member of the log.
type entry struct {
	member string
	score  float64 // unix seconds
	ok     bool
}

// first is the first member of a reply with scores.
func first(reply any) entry {
	list, ok := reply.([]any)
	if !ok || len(list) < 2 {
		return entry{}
	}
	member, ok := list[0].(string)
	score := number(list[1])
	return entry{member: member, score: score.V, ok: ok && score.OK}
}

// secondsOnly tells the log whose members are its scores in whole seconds, so
// that requests within one second overwrite each other.
func (e entry) secondsOnly() bool {
	seconds, err := strconv.ParseInt(e.member, 10, 64)
	return e.ok && err == nil && float64(seconds) == e.score
}

// number reads an integer reply or a string that holds a number.
func number(reply any) snapshot.Value {
	switch v := reply.(type) {
	case int64:
		return snapshot.Known(float64(v))
	case string:
		n, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return snapshot.Value{}
		}
		return snapshot.Known(n)
	default:
		return snapshot.Value{}
	}
}

// subject marks bare user ids as such: "42" is user:42.
func subject(id string) string {
	if _, err := strconv.ParseUint(id, 10, 64); err == nil {
		return "user:" + id
	}
	return id
}
