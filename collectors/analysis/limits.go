package analysis

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// limitState follows the limiter's keys.
type limitState struct {
	denied    *growth[safe.Text]
	requested *growth[safe.Text]
	rejected  map[safe.Text]rejection
	section   *Limits
}

// rejection is when a key's count of rejections last grew.
type rejection struct {
	total float64
	at    time.Time // zero: never while we looked
	seen  time.Time
}

func newLimitState(opt Options) limitState {
	return limitState{
		denied:    newSampledGrowth[safe.Text](opt),
		requested: newSampledGrowth[safe.Text](opt),
		rejected:  map[safe.Text]rejection{},
	}
}

func (l *limitState) step(s snapshot.Snapshot) {
	if s.Keys == nil {
		return
	}
	k := s.Keys
	l.denied.begin(k.At, false)
	l.requested.begin(k.At, false)
	for _, lim := range k.Limiters {
		l.denied.put(lim.Key, lim.DeniedTotal)
		l.requested.put(lim.Key, lim.RequestedTotal)
		l.noteRejections(lim, k.At)
	}
	l.denied.end()
	l.requested.end()
	l.forget(k.At)
	l.section = l.report(k)
}

func (l *limitState) noteRejections(lim snapshot.Limiter, now time.Time) {
	if !lim.DeniedTotal.OK {
		return
	}
	r, known := l.rejected[lim.Key]
	if known && lim.DeniedTotal.V > r.total {
		r.at = now
	}
	r.total, r.seen = lim.DeniedTotal.V, now
	l.rejected[lim.Key] = r
}

// rememberRejections is how long a subject that is no longer seen counts as
// recently throttled.
const rememberRejections = 10 * time.Minute

func (l *limitState) forget(now time.Time) {
	for key, r := range l.rejected {
		if now.Sub(r.seen) > rememberRejections {
			delete(l.rejected, key)
		}
	}
}

func (l *limitState) report(k *snapshot.Keys) *Limits {
	out := &Limits{Subjects: make([]Subject, 0, len(k.Limiters))}
	throttled := map[safe.Text]bool{}
	for _, lim := range k.Limiters {
		s := l.subject(lim, k.At)
		out.Subjects = append(out.Subjects, s)
		out.DeniedPerSecond = plus(out.DeniedPerSecond, s.DeniedPerSecond)
		if s.IsBlocked() {
			throttled[s.Subject] = true
		}
	}
	out.ThrottledSubjects = len(throttled)
	slices.SortFunc(out.Subjects, byPressure)
	return out
}

// byPressure puts the blocked first, then those nearest to their limit.
func byPressure(a, b Subject) int {
	blocked := func(s Subject) int {
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
	)
}

func (l *limitState) subject(lim snapshot.Limiter, now time.Time) Subject {
	s := Subject{
		Subject:         lim.Subject,
		Tier:            lim.Tier,
		Endpoint:        lim.Endpoint,
		Layout:          lim.Layout,
		Algorithm:       lim.Algorithm,
		Used:            lim.Used,
		Limit:           lim.Limit,
		LimitFrom:       lim.LimitFrom,
		ResetsInSeconds: lim.ResetsSeconds,
		DeniedPerSecond: l.denied.rate(lim.Key),
	}
	if lim.Used.OK && lim.Limit.OK {
		blocked := lim.Used.V >= lim.Limit.V
		s.Blocked = &blocked
		s.Remaining = snapshot.Known(max(lim.Limit.V-lim.Used.V, 0))
		s.TimeToLimit = l.timeToLimit(lim, s.Remaining.V)
	}
	if r := l.rejected[lim.Key]; !r.at.IsZero() {
		s.LastDeniedSeconds = snapshot.Known(now.Sub(r.at).Seconds())
	}
	return s
}

// timeToLimit is when the subject will be blocked if it goes on as in the
// window: what remains over the rate of admitted requests. It is unknown at a
// rate that the limit sustains for ever.
func (l *limitState) timeToLimit(lim snapshot.Limiter, remaining float64) Value {
	requested, denied := l.requested.rate(lim.Key), l.denied.rate(lim.Key)
	if !requested.OK || remaining <= 0 {
		return Value{}
	}
	admitted := requested.V - denied.V
	if sustained := over(lim.Limit, lim.WindowSeconds); admitted <= sustained.V {
		return Value{}
	}
	return ratio(remaining, admitted)
}
