package ratelimit

import (
	"math"
	"strconv"
	"time"

	"apitop/collectors/snapshot"
)

// counter reads a string with a count of the requests in a fixed window.
type counter struct {
	// frame tells where the window is; nil: it begins with the first request and
	// ends when the key expires.
	frame framer
	// left is set when the count is of what is left.
	left bool
	// slack is by how many seconds the key outlives its window.
	slack float64
	// extends is set when a block, or each request by design, gives the key a new
	// lifetime.
	extends, byDesign bool
	// atMost is set when the count never goes above the limit, so that the most
	// that was seen hints at it.
	atMost bool
}

// framer finds the window of a key whose name tells it.
type framer func(r Ref, ttl lifetime, now float64) frame

// frame is a window in time.
type frame struct {
	length float64 // seconds
	ends   float64 // unix seconds
	limit  float64 // when the name tells it, too
	ok     bool    // it is the present one
}

const countMost = "31" // bytes of a count that are asked for, less one

// Ask asks for the count and the time to live.
func (c counter) Ask(r Ref, _ Known, _ float64) [][]string {
	return [][]string{{"getrange", r.Key, "0", countMost}, {"pttl", r.Key}}
}

// Read implements [Reader].
func (c counter) Read(r Ref, k Known, replies []any, now float64) Reading {
	if len(replies) != 2 {
		return Reading{}
	}
	n, ok := integer(replies[0])
	ttl := lifetimeOf(replies[1])
	if !ok || n < 0 && !c.left || !ttl.ok && !ttl.forever {
		return Reading{}
	}
	var f frame
	if c.frame != nil {
		if f = c.frame(r, ttl, now); !f.ok {
			return Reading{}
		}
	} else if ttl.ok {
		f.ends = now + max(0, ttl.seconds-c.slack)
	}
	l := limiterOf(r, "fixed-window")
	l.WindowSeconds, l.Limit, l.LimitFrom = told(f.length), told(f.limit), fromKey(f.limit)
	k.Told.fill(&l)
	if f.ends > 0 {
		l.ResetsSeconds = snapshot.Known(max(0, f.ends-now))
	}
	c.use(&l, n)
	next := Known{Window: l.WindowSeconds.V, Limit: l.Limit.V, Used: l.Used.V, pushed: k.pushed}
	c.watch(&l, k, &next, now, ttl)
	out := Reading{Limiter: l, Known: next, Found: true}
	if c.atMost {
		out.LimitAtLeast = n
	}
	return out
}

// use takes the count.
func (c counter) use(l *snapshot.Limiter, n float64) {
	switch {
	case !c.left:
		l.Used = snapshot.Known(n)
	case l.Limit.OK:
		l.Used = snapshot.Known(max(0, l.Limit.V-n))
	}
	if c.left && n <= 0 {
		l.Blocked = true
	}
}

// prolonged is by how many seconds a lifetime has to grow to count as prolonged.
const prolonged = 0.5

// watch compares the key's end with what it was to be when it was last read: a
// fixed window does not move. A limiter with a block on top of its window moves
// it by the block; another one that does it starts the window again with each
// request.
func (c counter) watch(l *snapshot.Limiter, k Known, next *Known, now float64, ttl lifetime) {
	if ttl.forever {
		l.Lint = append(l.Lint, LintNoTTL)
		return
	}
	next.expires = now + ttl.seconds
	alive := k.expires > now // so this is still the key that was read last
	if alive && next.expires > k.expires+prolonged && l.Used.V >= k.Used {
		next.pushed = true
	} else if !alive {
		next.pushed = false
	}
	switch {
	case !next.pushed || c.byDesign:
	case c.extends:
		l.Blocked = true
	default:
		l.Lint = append(l.Lint, LintNeverResets)
	}
}

// told is a number that is not there when it is 0.
func told(v float64) snapshot.Value {
	if v <= 0 {
		return snapshot.Value{}
	}
	return snapshot.Known(v)
}

// fromKey is the LimitFrom of a limit that the key tells.
func fromKey(limit float64) string {
	if limit <= 0 {
		return ""
	}
	return "key"
}

// fill takes what others say where the key says nothing. Where bursts are of
// another size than the limit, the window is the time in which as many as one
// burst come in.
func (q Quota) fill(l *snapshot.Limiter) {
	if !l.Limit.OK && q.size() > 0 {
		l.Limit, l.LimitFrom = snapshot.Known(q.size()), q.From
	}
	if !l.WindowSeconds.OK {
		l.WindowSeconds = told(firstOf(q.pace()*q.size(), q.Window))
	}
}

// startFrame is the calendar's window of keys that name its start in the group
// "start", in unix milliseconds or seconds, and its length in the group "g".
func startFrame(r Ref, _ lifetime, now float64) frame {
	start, length := positive(r.group("start")), calendar(r.group("g"))
	if start > 1e11 {
		start /= 1000
	}
	if start == 0 || length == 0 || start > now+clockSkew || now-start > 2*calendar("year") {
		return frame{}
	}
	ends := start + length
	begin := time.Unix(int64(start), 0).UTC()
	switch r.group("g") {
	case "month":
		ends = float64(begin.AddDate(0, 1, 0).Unix())
	case "year":
		ends = float64(begin.AddDate(1, 0, 0).Unix())
	}
	if now >= ends {
		return frame{}
	}
	return frame{length: ends - start, ends: ends, ok: true}
}

// clockSkew is by how many seconds the clocks of a limiter and of the server may
// differ.
const clockSkew = 5

// numberFrame is the window of keys that name its number since the epoch in the
// group "b": the length follows from the time. Steps are the lengths people
// choose, in seconds, longest first.
func numberFrame(r Ref, _ lifetime, now float64) frame {
	b := positive(r.group("b"))
	length, ok := window(b, now, 86400, 3600, 60, 1)
	if !ok {
		return frame{}
	}
	return frame{length: length, ends: (b + 1) * length, ok: true}
}

// alignedFrame is the window of keys that name its start in the group "start"
// and expire one length after the last request, plus up to five minutes: the
// shortest unit of time that start is a multiple of and the lifetime fits. At
// the full hour only the lifetime tells a minute from a day.
func alignedFrame(r Ref, ttl lifetime, now float64) frame {
	start, err := strconv.ParseFloat(r.group("start"), 64)
	if err != nil || !ttl.ok || now < start-clockSkew {
		return frame{}
	}
	const jitter = 300
	for _, unit := range []float64{1, 60, 3600, 86400} {
		ends := start + unit
		if math.Mod(start, unit) == 0 && now < ends && ttl.seconds <= unit+jitter && now+ttl.seconds > ends-clockSkew {
			return frame{length: unit, ends: ends, ok: true}
		}
	}
	return frame{}
}

// namedFrame is the window of keys that name limit, count and unit of it in the
// groups "L", "mul" and "g"; it ends with the key.
func namedFrame(r Ref, ttl lifetime, now float64) frame {
	length := namedWindow(r)
	if length <= 0 || !ttl.ok || ttl.seconds > length+1 {
		return frame{}
	}
	return frame{length: length, ends: now + ttl.seconds, limit: positive(r.group("L")), ok: true}
}

func namedWindow(r Ref) float64 {
	unit := calendar(r.group("g"))
	if r.group("g") == "year" {
		unit = 12 * calendar("month") // as the limits library counts
	}
	return positive(r.group("mul")) * unit
}
