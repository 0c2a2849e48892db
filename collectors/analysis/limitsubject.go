package analysis

import (
	"slices"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// The algorithms whose state means something to the figures here, as
// [snapshot.Limiter] calls them.
const (
	fixedWindow       = "fixed-window"        // Used counts up and begins anew with the window
	slidingWindow     = "sliding-window"      // the same, and the window before fades out
	slidingLog        = "sliding-log"         // Used is what lies in the window
	slidingLogSeconds = "sliding-log-seconds" // the same, by whole seconds
	gcra              = "gcra"                // Used drains all the time
	tokenBucket       = "token-bucket"        // the same
	leakyBucket       = "leaky-bucket"        // the same
)

// drains tells the algorithms that give back a little all the time.
func drains(algorithm string) bool {
	return algorithm == gcra || algorithm == tokenBucket || algorithm == leakyBucket
}

// counts tells the algorithms by which what was used once stays so for long: a
// reading that is far from the limit says that none was denied just before.
func counts(algorithm string) bool {
	switch algorithm {
	case fixedWindow, slidingWindow, slidingLog, slidingLogSeconds:
		return true
	}
	return false
}

// subject is what is known of a track now.
func (l *limitState) subject(t *limitTrack, now time.Time) Subject {
	lim := &t.last
	limit, from := lim.Limit, lim.LimitFrom
	if !limit.OK {
		limit, from = l.learned.limit(idOf(lim), lim)
	}
	s := Subject{
		Subject:         lim.Subject,
		Tier:            lim.Tier,
		Endpoint:        lim.Endpoint,
		Layout:          lim.Layout,
		Algorithm:       lim.Algorithm,
		Key:             lim.Key,
		Used:            lim.Used,
		Limit:           limit,
		LimitFrom:       from,
		WindowSeconds:   lim.WindowSeconds,
		ResetsInSeconds: lim.ResetsSeconds,
		Lint:            slices.Clone(lim.Lint),
		AgeSeconds:      sinceThen(t.at, now),
		Trend:           t.trend.all(),
	}
	s.Blocked = blocked(lim, limit)
	if s.IsBlocked() {
		t.throttled = t.at
	}
	if s.Used.OK && s.Limit.OK {
		s.Remaining = snapshot.Known(max(s.Limit.V-s.Used.V, 0))
	}
	s.DeniedPerSecond = l.denied(t, limit)
	s.RequestsPerSecond = l.requests(t, limit)
	s.TimeToLimit = l.timeToLimit(t, &s)
	if !t.throttled.IsZero() {
		s.LastDeniedSeconds = sinceThen(t.throttled, now)
	}
	return s
}

// blocked is whether the next request would be denied; nil where nothing says.
func blocked(lim *snapshot.Limiter, limit Value) *bool {
	full := lim.Blocked || lim.Used.OK && limit.OK && lim.Used.V >= limit.V
	if !full && (!lim.Used.OK || !limit.OK) {
		return nil
	}
	return &full
}

// denied is rejections per second. Where nobody counts them, a window's counter
// that goes on above the limit does, if its layout is known to; and a counter
// that never came near its limit had none to deny. What drains between two
// readings may have been full in between.
func (l *limitState) denied(t *limitTrack, limit Value) Value {
	if v := t.rate(deniedGrowth, l.window); v.OK || t.last.DeniedTotal.OK {
		return v
	}
	if !counts(t.last.Algorithm) || !limit.OK || !t.last.Used.OK {
		return Value{}
	}
	if t.last.Algorithm == fixedWindow && l.beyond[t.last.Layout] {
		return t.rate(beyondGrowth, l.window)
	}
	if _, most := t.extremes(l.window); t.last.Blocked || most >= limit.V {
		return Value{}
	}
	if _, _, ok := t.span(netGrowth, l.window); !ok {
		return Value{}
	}
	return snapshot.Known(0)
}

// extremes are the least and the most that was used in the readings of the
// window.
func (t *limitTrack) extremes(window time.Duration) (least, most float64) {
	from, to, ok := t.span(netGrowth, window)
	if !ok {
		return t.last.Used.V, t.last.Used.V
	}
	now := to.grown[netGrowth]
	least, most = now, now
	for _, s := range t.samples {
		if !s.at.Before(from.at) {
			least, most = min(least, s.grown[netGrowth]), max(most, s.grown[netGrowth])
		}
	}
	return t.last.Used.V + least - now, t.last.Used.V + most - now
}

// requests is decisions per second. Where nobody counts them, a window's counter
// does as far as it counts; of what drains, what it rose and what it gave back
// meanwhile.
func (l *limitState) requests(t *limitTrack, limit Value) Value {
	lim := &t.last
	if v := t.rate(requestedGrowth, l.window); v.OK || lim.RequestedTotal.OK {
		return v
	}
	switch {
	case lim.Algorithm == fixedWindow:
		if limit.OK && lim.Used.V >= limit.V && !l.beyond[lim.Layout] {
			return Value{} // it may not count what it denies
		}
		return t.rate(countedGrowth, l.window)
	case drains(lim.Algorithm):
		back := over(limit, lim.WindowSeconds)
		net := t.rate(netGrowth, l.window)
		if least, most := t.extremes(l.window); !back.OK || !net.OK || most >= limit.V || least <= 0 {
			return Value{} // denied unseen, or empty for a part of the time
		}
		return snapshot.Known(max(net.V+back.V, 0))
	}
	return Value{}
}

// timeToLimit is when the subject will be blocked if it goes on as in the
// window: what remains over what is let through beyond what drains, or over the
// growth of Used where requests are not counted. It is unknown where that never
// comes: at a rate that the limit sustains, or when the window ends before.
func (l *limitState) timeToLimit(t *limitTrack, s *Subject) Value {
	lim := &t.last
	if !s.Remaining.OK || s.Remaining.V <= 0 || s.IsBlocked() {
		return Value{}
	}
	sustained := over(s.Limit, lim.WindowSeconds)
	var speed Value
	switch requested := t.rate(requestedGrowth, l.window); {
	case requested.OK:
		admitted := requested.V - t.rate(deniedGrowth, l.window).V
		if admitted <= sustained.V {
			return Value{}
		}
		if drains(lim.Algorithm) {
			admitted -= sustained.V
		}
		speed = snapshot.Known(admitted)
	case lim.Algorithm == fixedWindow:
		speed = t.rate(countedGrowth, l.window)
	default:
		speed = t.rate(netGrowth, l.window)
	}
	left := over(s.Remaining, speed)
	if !left.OK || speed.V <= 0 || beforeThat(lim, left.V) {
		return Value{}
	}
	return left
}

// beforeThat tells whether the window of lim ends within so many seconds.
func beforeThat(lim *snapshot.Limiter, seconds float64) bool {
	if lim.Algorithm == fixedWindow && lim.ResetsSeconds.OK {
		return lim.ResetsSeconds.V < seconds
	}
	return !drains(lim.Algorithm) && lim.WindowSeconds.OK && lim.WindowSeconds.V < seconds
}

// fillShares sets each subject's share of the requests of all. A subject's limit
// over all endpoints counts the requests of the others again, and so do several
// limits of one endpoint.
func fillShares(list []*Subject) {
	type caller struct {
		layout  string
		subject safe.Text
	}
	type limit struct {
		caller   int // in callers
		endpoint safe.Text
	}
	type sum struct{ single, overall float64 }
	place, callers := make(map[caller]int, len(list)), make([]sum, 0, len(list))
	most := make(map[limit]float64, len(list)) // of those limits of an endpoint that were met
	for _, s := range list {                   // in the order of the list, so that sums come out the same each time
		who, met := place[caller{s.Layout, s.Subject}]
		if !met {
			who, callers = len(callers), append(callers, sum{})
			place[caller{s.Layout, s.Subject}] = who
		}
		if !s.RequestsPerSecond.OK {
			continue
		}
		at, rps := limit{who, s.Endpoint}, s.RequestsPerSecond.V
		if forAll(s.Endpoint) {
			callers[who].overall = max(callers[who].overall, rps)
		} else if had := most[at]; rps > had {
			callers[who].single += rps - had
			most[at] = rps
		}
	}
	all := 0.0
	for _, c := range callers {
		all += max(c.single, c.overall)
	}
	for _, s := range list {
		if s.RequestsPerSecond.OK {
			s.Share = ratio(min(s.RequestsPerSecond.V, all), all)
		}
	}
}

// forAll tells the endpoints of limits over all endpoints together.
func forAll(endpoint safe.Text) bool { return endpoint.IsZero() || endpoint.Raw() == "all" }
