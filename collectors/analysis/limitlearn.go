package analysis

import (
	"maps"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Some limiters keep their limit nowhere in Redis. It shows when a counter rises,
// stops at a number and stays there although it is asked for more. One such stop
// says little: clients pause, too. So it takes several of them at the same
// number, and refusals (429) by the service meanwhile; what stays in doubt is
// unknown.

// stand is how long a key has shown the same number.
type stand struct {
	used     Value
	since    time.Time
	readings int
	rose     bool // it came to this number from below
	calm     bool // the service refused nothing on the route when it came here
	counted  bool // it was taken for a stop
}

func (s *stand) take(used Value, at time.Time) {
	if used == s.used && used.OK {
		s.readings++
		return
	}
	*s = stand{used: used, since: at, readings: 1, rose: s.used.OK && used.OK && used.V > s.used.V && s.readings < standReadings}
}

const (
	// standReadings and standTime are from when a number that does not move is
	// one that stands.
	standReadings = 4
	standTime     = 4 * time.Second
	leastCeiling  = 2  // a limit of one is no different from a client that asks once
	leastUnheard  = 10 // the same where no metrics tell of refusals
	sureOnsets    = 3  // stops with which refusals began, where other keys go higher
	mostCeilings  = 64 // layouts and endpoints
	mostStops     = 32 // numbers of one of them
	mostStopKeys  = 64 // keys that are remembered for a number
	rememberStops = time.Hour
)

// refusals is what the service says of what it refuses.
type refusals struct {
	http  *HTTP
	paths []string         // of its routes
	known map[string]Value // by endpoint; nil: not asked so far
}

// told tells whether the service counts its answers by status at all.
func (r *refusals) told() bool { return r.http != nil && r.http.Throttled.OK }

// any tells whether anything was refused in the window.
func (r *refusals) any() bool { return r.told() && r.http.Throttled.V > 0 }

// at is how many requests were refused in the window on the routes that an
// endpoint stands for; unknown without such a route.
func (r *refusals) at(endpoint safe.Text) Value {
	if !r.told() {
		return Value{}
	}
	if v, ok := r.known[endpoint.Raw()]; ok {
		return v
	}
	if r.known == nil {
		r.known, r.paths = map[string]Value{}, r.http.paths()
	}
	total := Value{}
	for _, i := range r.http.routesOf(endpoint, r.paths) {
		total = plus(total, r.http.Routes[i].Throttled)
	}
	r.known[endpoint.Raw()] = total
	return total
}

// ceilings are the limits that were learned, and what speaks for others.
type ceilings struct{ of map[ceilingKey]*ceiling }

type ceilingKey struct {
	layout   string
	endpoint safe.Text
}

// ceiling is what the keys of one layout and endpoint showed.
type ceiling struct {
	most  float64 // used by any of its keys
	stops map[float64]*stops
	last  time.Time
}

// stops are the stops at one number.
type stops struct {
	keys    map[limitID]bool // that stopped here
	refused map[limitID]int  // its stops during which the route refused something
	onset   int              // stops with which the route began to refuse
	first   time.Time
	last    time.Time
	again   bool // a key stopped here in two windows
}

func newCeilings() ceilings { return ceilings{of: map[ceilingKey]*ceiling{}} }

// age forgets what was not seen for long.
func (c *ceilings) age(now time.Time) {
	maps.DeleteFunc(c.of, func(_ ceilingKey, l *ceiling) bool { return now.Sub(l.last) > rememberStops })
}

// watch takes what a key without a limit used.
func (c *ceilings) watch(id limitID, t *limitTrack, refused *refusals) {
	lim, st := &t.last, &t.stand
	if !lim.Used.OK || !counts(lim.Algorithm) {
		return
	}
	key := ceilingKey{lim.Layout, lim.Endpoint}
	group := c.of[key]
	if group == nil {
		if len(c.of) >= mostCeilings {
			return
		}
		group = &ceiling{stops: map[float64]*stops{}}
		c.of[key] = group
	}
	group.most, group.last = max(group.most, lim.Used.V), t.at
	if st.readings == 1 {
		here := refused.at(lim.Endpoint)
		st.calm = here.OK && here.V == 0
	}
	if st.counted || !st.rose || st.readings < standReadings || t.at.Sub(st.since) < standTime || lim.Used.V < leastCeiling {
		return
	}
	here := refused.at(lim.Endpoint)
	switch {
	case here.OK && here.V > 0: // it does, here
	case !here.OK && refused.any(): // somewhere
	case !refused.told() && lim.Used.V >= leastUnheard: // nobody knows
	default:
		return
	}
	st.counted = true
	group.stop(id, st, here, t.at)
}

// stop takes one stop; here is what was refused on its route.
func (g *ceiling) stop(id limitID, st *stand, here Value, at time.Time) {
	s := g.stops[st.used.V]
	if s == nil {
		if len(g.stops) >= mostStops {
			return
		}
		s = &stops{keys: map[limitID]bool{}, refused: map[limitID]int{}, first: at}
		g.stops[st.used.V] = s
	}
	if s.last = at; len(s.keys) >= mostStopKeys && !s.keys[id] {
		return
	}
	s.again = s.again || s.keys[id]
	s.keys[id] = true
	if here.V > 0 {
		s.refused[id]++
		if st.calm {
			s.onset++
		}
	}
}

// limit is the limit of a key that nothing else tells, and where it comes from.
func (c *ceilings) limit(id limitID, lim *snapshot.Limiter) (limit Value, from string) {
	group := c.of[ceilingKey{lim.Layout, lim.Endpoint}]
	if group == nil || !lim.Used.OK {
		return Value{}, ""
	}
	best := 0.0
	for n, s := range group.stops {
		if n < lim.Used.V || n <= best {
			continue
		}
		switch f := s.from(lim.WindowSeconds); {
		case n == group.most && f != "":
			best, from = n, f
		case s.refused[id] > 0 && s.onset >= sureOnsets: // a lower tier's
			best, from = n, "metrics"
		}
	}
	if from == "" {
		return Value{}, ""
	}
	return snapshot.Known(best), from
}

// from is what the stops are proof by: "metrics" where refusals on the route
// came with two of them or went on during three keys', "ceiling" where three
// keys stopped here in more than one window; empty: they are no proof.
func (s *stops) from(window Value) string {
	switch {
	case s.onset >= 2, len(s.refused) >= 3:
		return "metrics"
	case len(s.keys) >= 3 && (s.again || window.OK && s.last.Sub(s.first).Seconds() >= window.V):
		return "ceiling"
	}
	return ""
}
