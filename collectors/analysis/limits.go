package analysis

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// limitState follows the limiters' keys.
type limitState struct {
	window  time.Duration
	tracks  map[limitID]*limitTrack
	beyond  map[string]bool // layouts whose counters were seen above their limit: they count what they deny
	learned ceilings
	section *Limits
}

// limitID is a limiter from window to window, whatever its key is called then.
type limitID struct{ node, series safe.Text }

func idOf(lim *snapshot.Limiter) limitID {
	if lim.Series.IsZero() {
		return limitID{lim.Node, lim.Key}
	}
	return limitID{lim.Node, lim.Series}
}

const (
	// rememberThrottled is how long a subject whose key is gone counts as
	// recently throttled and stays to be seen.
	rememberThrottled = 3 * time.Minute
	// rememberLimiter is how long other keys that are gone are remembered, so
	// that one that comes back is compared with its own past.
	rememberLimiter = time.Minute
	mostGone        = 128
	mostTracks      = 8192
	mostLayouts     = 256 // layouts that are remembered to count what they deny
)

func newLimitState(opt Options) limitState {
	return limitState{
		window:  opt.Window,
		tracks:  map[limitID]*limitTrack{},
		beyond:  map[string]bool{},
		learned: newCeilings(),
	}
}

// step takes the keys that came; http is what the service says of its requests,
// nil where it says nothing.
func (l *limitState) step(s snapshot.Snapshot, http *HTTP) {
	k := s.Keys
	if k == nil {
		return
	}
	refused := refusals{http: http}
	l.learned.age(k.At)
	list := newest(k.Limiters)
	for _, lim := range list {
		l.take(lim, k.At, &refused)
	}
	l.forget(k.At)
	l.section = l.report(list, k)
}

// newest leaves one key of each series: while a window ends, the keys of two of
// them are there. That of the newer one resets later.
func newest(all []snapshot.Limiter) []*snapshot.Limiter {
	at := make(map[limitID]int, len(all))
	list := make([]*snapshot.Limiter, 0, len(all))
	for i := range all {
		lim := &all[i]
		j, twice := at[idOf(lim)]
		if !twice {
			at[idOf(lim)] = len(list)
			list = append(list, lim)
			continue
		}
		if cmp.Or(
			cmp.Compare(rank(lim.ResetsSeconds), rank(list[j].ResetsSeconds)),
			strings.Compare(lim.Key.Raw(), list[j].Key.Raw()),
		) > 0 {
			list[j] = lim
		}
	}
	return list
}

func (l *limitState) take(lim *snapshot.Limiter, now time.Time, refused *refusals) {
	id := idOf(lim)
	t := l.tracks[id]
	if t == nil {
		if len(l.tracks) >= mostTracks {
			return // bounded before this by the explorer, but for a recording of another version
		}
		t = newLimitTrack()
		l.tracks[id] = t
	}
	t.seen = now
	at := lim.At
	if at.IsZero() {
		at = now
	}
	if !t.take(lim, at, l.window) {
		return
	}
	if lim.Used.V > lim.Limit.V && lim.Limit.OK && lim.Algorithm == fixedWindow && len(l.beyond) < mostLayouts {
		l.beyond[lim.Layout] = true
	}
	if !lim.Limit.OK {
		l.learned.watch(id, t, refused)
	}
}

// forget drops keys that are long gone.
func (l *limitState) forget(now time.Time) {
	maps.DeleteFunc(l.tracks, func(_ limitID, t *limitTrack) bool {
		keep := rememberLimiter
		if !t.throttled.IsZero() {
			keep = rememberThrottled
		}
		return now.Sub(t.seen) > keep
	})
}

func (l *limitState) report(list []*snapshot.Limiter, k *snapshot.Keys) *Limits {
	out := &Limits{Coverage: k.Coverage, Lint: lint(k), Layouts: layouts(list)}
	throttled := map[safe.Text]bool{}
	rows := make([]*Subject, 0, len(list)) // a row is large: it is moved once
	for _, lim := range list {
		t := l.tracks[idOf(lim)]
		if t == nil {
			continue
		}
		t.row = l.subject(t, k.At)
		rows = append(rows, &t.row)
		out.DeniedPerSecond = plus(out.DeniedPerSecond, t.row.DeniedPerSecond)
		if t.row.IsBlocked() {
			throttled[t.row.Subject] = true
		}
	}
	out.ThrottledSubjects = len(throttled)
	fillShares(rows)
	gone := l.gone(k.At)
	for i := range gone {
		rows = append(rows, &gone[i])
	}
	slices.SortFunc(rows, byPressure)
	out.Subjects = make([]Subject, len(rows))
	for i, row := range rows {
		out.Subjects[i] = *row
	}
	return out
}

// byPressure puts the blocked first, then those nearest to their limit.
func byPressure(a, b *Subject) int {
	blocked := func(s *Subject) int {
		if s.IsBlocked() {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(blocked(b), blocked(a)),
		cmp.Compare(rank(over(b.Used, b.Limit)), rank(over(a.Used, a.Limit))),
		cmp.Compare(rank(b.DeniedPerSecond), rank(a.DeniedPerSecond)),
		strings.Compare(a.Subject.String(), b.Subject.String()),
		strings.Compare(a.Endpoint.String(), b.Endpoint.String()),
		strings.Compare(a.Key.Raw(), b.Key.Raw()),
	)
}

// layouts counts keys by layout, most first.
func layouts(list []*snapshot.Limiter) []LayoutCount {
	counts := map[string]int{}
	for _, lim := range list {
		counts[lim.Layout]++
	}
	out := make([]LayoutCount, 0, len(counts))
	for name, n := range counts {
		out = append(out, LayoutCount{Layout: name, Keys: n})
	}
	slices.SortFunc(out, func(a, b LayoutCount) int {
		return cmp.Or(cmp.Compare(b.Keys, a.Keys), cmp.Compare(a.Layout, b.Layout))
	})
	return out
}

// lint is what is wrong with limiters' keys; never nil.
func lint(k *snapshot.Keys) []LimiterLint {
	out := make([]LimiterLint, 0, len(k.Lint))
	for _, n := range k.Lint {
		out = append(out, LimiterLint{Rule: n.Rule, Layout: n.Layout, What: n.What, Fix: n.Fix, Keys: n.Keys, Example: n.Example})
	}
	slices.SortStableFunc(out, func(a, b LimiterLint) int { return cmp.Compare(b.Keys, a.Keys) })
	return out
}

// gone are those lately throttled whose keys are not there any more, the last
// throttled first. What they used by now is unknown.
func (l *limitState) gone(now time.Time) []Subject {
	var list []Subject
	for _, t := range l.tracks {
		if t.throttled.IsZero() || !t.seen.Before(now) || now.Sub(t.throttled) > rememberThrottled {
			continue
		}
		s := t.row
		s.Gone = true
		s.Used, s.Remaining, s.ResetsInSeconds, s.Blocked, s.TimeToLimit = Value{}, Value{}, Value{}, nil, Value{}
		s.RequestsPerSecond, s.DeniedPerSecond, s.Share = Value{}, Value{}, Value{}
		s.LastDeniedSeconds = sinceThen(t.throttled, now)
		s.AgeSeconds = sinceThen(t.at, now)
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Subject) int {
		return cmp.Or(cmp.Compare(a.LastDeniedSeconds.V, b.LastDeniedSeconds.V), strings.Compare(a.Key.Raw(), b.Key.Raw()))
	})
	return list[:min(len(list), mostGone)]
}

func sinceThen(then, now time.Time) Value {
	return snapshot.Known(max(now.Sub(then).Seconds(), 0))
}
