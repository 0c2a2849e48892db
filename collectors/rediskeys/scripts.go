package rediskeys

import (
	"cmp"

	"apitop/collectors/ratelimit"
	"apitop/collectors/redislive"
	"apitop/collectors/snapshot"
)

// scripted is what the arguments of limiters' scripts told of limits, by layout
// and series of keys. A burst hears only the keys that are used while it listens,
// so that what it told stays.
type scripted struct {
	by    map[seriesOf]ratelimit.Quota
	kinds map[kind]*alike
}

type seriesOf struct{ layout, series string }

// alike tells whether all keys of one kind have the same limit.
type alike struct {
	quota ratelimit.Quota
	keys  int
	mixed bool // they do not
}

const mostScripted = 4 * mostLimiters // series: more than can be followed

func newScripted() scripted {
	return scripted{by: map[seriesOf]ratelimit.Quota{}, kinds: map[kind]*alike{}}
}

// learn takes what a burst heard.
func (s *scripted) learn(layouts []ratelimit.Layout, list []redislive.Learned) {
	for _, told := range list {
		ref, ok := ratelimit.Match(layouts, told.Key)
		if !ok {
			continue
		}
		found, ok := ref.Script(told.Args)
		if !ok {
			continue
		}
		found.Quota.From = "monitor"
		of := seriesOf{found.Layout, found.Series}
		before, known := s.by[of]
		if !known && len(s.by) >= mostScripted {
			continue
		}
		s.by[of] = found.Quota
		s.compare(kind{found.Layout, found.Endpoint}, found.Quota, before)
	}
}

// compare notes whether the keys of a kind have the same limit. When a key's limit
// changes, that of all may: it is found anew.
func (s *scripted) compare(of kind, now, before ratelimit.Quota) {
	a := s.kinds[of]
	switch {
	case a == nil && len(s.kinds) >= mostHighest:
	case a == nil, before != ratelimit.Quota{} && now != before:
		s.kinds[of] = &alike{quota: now, keys: 1}
	case now != a.quota:
		a.mixed = true
	case before == ratelimit.Quota{}:
		a.keys++
	}
}

// quota is what the scripts said of a limiter, or of all others of its kind that
// were heard; zero: nothing.
func (s *scripted) quota(lim *snapshot.Limiter) ratelimit.Quota {
	if q, ok := s.by[seriesOf{lim.Layout, cmp.Or(lim.Series.Raw(), lim.Key.Raw())}]; ok {
		return q
	}
	if a := s.kinds[kind{lim.Layout, lim.Endpoint.Raw()}]; a != nil && !a.mixed && a.keys >= sureKeys {
		return a.quota
	}
	return ratelimit.Quota{}
}
