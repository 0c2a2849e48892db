package rediskeys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"apitop/collectors/ratelimit"
	"apitop/collectors/redislive"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// mostRanked keys of each ranking are followed.
const mostRanked = 32

// hearBurst listens to all commands.
func (e *ears) hearBurst(ctx context.Context) func(*walker) {
	sample, err := redislive.Burst(ctx, e.conn, redislive.Limits{})
	e.mu.Lock()
	e.node = nil
	e.mu.Unlock()
	return func(w *walker) {
		if e.worked(snapshot.MethodMonitor, err) {
			w.takeBurst(&sample)
		}
	}
}

// takeBurst takes what was heard of keys. What may be a limiter is looked at as
// if the explorer had found it.
func (w *walker) takeBurst(s *redislive.Sample) {
	e := &w.ears
	e.cost = time.Duration(s.Lines) * lineCost
	w.gate.budget.charge(e.cost)
	if e.began.IsZero() {
		e.began = s.At
	}
	for _, k := range s.Keys {
		if _, ok := ratelimit.Match(w.limiters.layouts, k.Key); ok {
			e.wait(k.Key)
		}
	}
	w.limiters.scripted.learn(w.limiters.layouts, s.Learned)
	w.cache.ledger.add(s)
	w.rateHeard(time.Now())
	e.burst = &snapshot.Burst{
		At: s.At, SpanSeconds: s.Span.Seconds(), Lines: s.Lines - s.Own, Cut: s.Cut,
		Commands: burstCounts(s.Commands), Clients: burstCounts(s.Clients),
	}
	if n := s.Reads + s.Writes; n > 0 {
		e.burst.WriteRatio = snapshot.Known(float64(s.Writes) / float64(n))
	}
}

// rateHeard gives keys the rates of the ledger: those that were read often
// enough, and those that were before and are not any more.
func (w *walker) rateHeard(now time.Time) {
	c := &w.cache
	for key, k := range c.keys {
		if k.heard.at.IsZero() {
			continue
		}
		k.heard = heard{at: c.ledger.at}
		if e := c.ledger.keys[key]; e != nil {
			k.heard.rate = e.reads / c.ledger.seconds
		}
	}
	c.stale = true
	for _, h := range c.ledger.hottest(now) {
		if _, ok := ratelimit.Match(w.limiters.layouts, h.key); ok && !w.other.has(h.key) {
			continue
		}
		_, sure := c.ledger.rate(h.key, now)
		w.follow(h.key, heard{rate: h.rate, at: c.ledger.at, sure: sure})
	}
}

func burstCounts(list []redislive.Count) []snapshot.BurstCount {
	out := make([]snapshot.BurstCount, len(list))
	for i, c := range list {
		out[i] = snapshot.BurstCount{Name: safe.Short(c.Name, shownCells), Count: c.N}
	}
	return out
}

// wait remembers a key that may be a limiter.
func (e *ears) wait(key string) {
	if len(e.waiting) < mostWaiting {
		e.waiting = append(e.waiting, key)
	}
}

// readWaiting looks at the keys that may be limiters.
func (w *walker) readWaiting(ctx context.Context) error {
	var found []*limiter
	for _, key := range w.ears.waiting {
		if w.limiters.knows(key) {
			continue
		}
		if ref, ok := ratelimit.Match(w.limiters.layouts, key); ok {
			found = append(found, &limiter{ref: ref})
		}
	}
	all, err := w.readLimiters(ctx, found)
	if all {
		w.ears.waiting = nil
	}
	return err
}

// track listens to changes of keys that begin like those of limiters.
func (e *ears) track(prefixes []string) func(context.Context) func(*walker) {
	return func(ctx context.Context) func(*walker) {
		names, err := redislive.Changed(ctx, e.conn, prefixes, trackFor)
		return func(*walker) {
			if e.worked(snapshot.MethodTrack, err) {
				for _, name := range names {
					e.wait(name)
				}
			}
		}
	}
}

// lookAtRanking looks at the HOTKEYS session and follows what it ranks.
func (w *walker) lookAtRanking(ctx context.Context) error {
	e, now := &w.ears, time.Now()
	if !e.allowed.Hotkeys || !e.due(snapshot.MethodHotkeys, now, rankEvery) {
		return nil
	}
	e.asked[snapshot.MethodHotkeys] = now
	r, err := e.hotkeys.Look(ctx)
	switch {
	case errors.Is(err, redislive.ErrNoHotkeys):
		e.no[snapshot.MethodHotkeys] = denial{now, "the server does not have it, which needs Redis 8.6, or it is not permitted"}
		return nil
	case err != nil:
		if _, refused := redislive.Refused(err); !refused {
			return err
		}
		e.no[snapshot.MethodHotkeys] = denial{time.Time{}, err.Error()}
		return nil
	}
	delete(e.no, snapshot.MethodHotkeys)
	e.foreign = r.Foreign
	if r.At.IsZero() || r.At.Equal(e.ranked) {
		return nil
	}
	e.ranked = r.At
	for _, k := range slices.Concat(r.Net[:min(len(r.Net), mostRanked)], r.CPU[:min(len(r.CPU), mostRanked)]) {
		w.rank(k.Key, r.At)
	}
	return nil
}

// rank follows a key that a ranking names. That says nothing about how often it
// is used: other methods will.
func (w *walker) rank(key string, at time.Time) {
	if len(key) > mostName || w.bookkeeping(key) || w.limiters.knows(key) {
		return
	}
	c := &w.cache
	k := c.keys[key]
	if k == nil {
		if least := c.bounds(time.Now()); least.use >= 0 && !c.giveUp() {
			return
		}
		k = c.add(key)
		c.stale = true
	}
	k.ranked = at
}

// askForEvents asks whether the server publishes misses.
func (w *walker) askForEvents(ctx context.Context) error {
	e, now := &w.ears, time.Now()
	if !e.settingAt.IsZero() && now.Sub(e.settingAt) < settingEvery {
		return nil
	}
	events, err := redislive.AskEvents(ctx, e.conn.Gate(), e.conn.DB())
	switch {
	case errors.Is(err, redislive.ErrNoSetting):
		e.noSetting = true
	case err != nil:
		return err
	default:
		e.events, e.noSetting = events, false
	}
	e.settingAt = now
	return nil
}

// hearMisses listens to lookups that find nothing.
func (e *ears) hearMisses(ctx context.Context) func(*walker) {
	counts, took, err := redislive.Misses(ctx, e.conn, e.events, eventsFor)
	return func(w *walker) {
		own := w.gate.missed
		w.gate.missed = nil
		if !e.worked(snapshot.MethodEvents, err) {
			return
		}
		for key, n := range counts {
			if n -= own[key]; n > 0 {
				e.missed.add(key, n)
			}
		}
		e.missed.seconds += took.Seconds()
	}
}

// methods is how it is listened, and if not, why.
func (e *ears) methods() []snapshot.HotMethod {
	if e.conn == nil {
		return nil
	}
	row := func(m snapshot.Method, on bool, why string) snapshot.HotMethod {
		if d, no := e.no[m]; on && no {
			on, why = d.at.IsZero(), d.why
		}
		return snapshot.HotMethod{Method: m, On: on, Why: safe.Short(why, 200)}
	}
	allowed := func(m snapshot.Method, on bool, flag, why string) snapshot.HotMethod {
		if !on {
			why = "not allowed: " + flag
		}
		return row(m, on, why)
	}
	ranks := "ranks by the time and the bytes of commands, not by their number"
	if e.foreign {
		ranks += "; a session that somebody else started"
	}
	list := []snapshot.HotMethod{
		allowed(snapshot.MethodMonitor, e.allowed.Monitor, "--allow-monitor", e.why),
		allowed(snapshot.MethodHotkeys, e.allowed.Hotkeys, "--allow-hotkeys", ranks),
	}
	var why string
	switch {
	case e.noSetting:
		why = "whether the server publishes misses is not known: CONFIG GET is not permitted: ACL SETUSER name +config|get"
	case !e.events.On():
		why = "the server does not publish misses: notify-keyspace-events has no m with E or K, and is not changed from here"
	default:
		why = fmt.Sprintf("misses, %.0f of %.0f s", eventsFor.Seconds(), eventsEvery.Seconds())
	}
	return append(list, row(snapshot.MethodEvents, e.events.On(), why),
		allowed(snapshot.MethodTrack, e.allowed.Tracking, "--allow-tracking", "finds limiter keys, no rates"))
}

// merge adds what was heard on a node, of one of several with its name.
func (e *ears) merge(k *snapshot.Keys, several bool) {
	if e.burst != nil && (k.Burst == nil || e.burst.At.After(k.Burst.At)) {
		copied := *e.burst
		if several {
			copied.Node = e.conn.Name()
		}
		k.Burst = &copied
	}
	if e.events.On() {
		k.MissedSeconds = max(k.MissedSeconds, e.missed.seconds) // they listen alike
		k.Missed = append(k.Missed, e.missed.list()...)
	}
}
