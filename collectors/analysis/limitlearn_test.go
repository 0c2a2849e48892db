package analysis

import (
	"testing"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// learning is keys without a limit, and a service that counts its answers.
type learning struct {
	e        *Engine
	now      float64
	quiet    bool // no metrics page
	requests float64
	refused  map[string]float64 // by route, so far
}

func newLearning() *learning { return &learning{e: New(Options{}), refused: map[string]float64{}} }

// step is one second in which keys used so much, and routes refused so much more.
func (l *learning) step(used map[string]float64, refused map[string]float64) *Limits {
	s := snapshot.Snapshot{At: at(l.now), Keys: &snapshot.Keys{At: at(l.now)}}
	for name, n := range used {
		lim := limiter(name, "fixed-window", known(n), unknown)
		lim.WindowSeconds = unknown
		lim.At = at(l.now)
		s.Keys.Limiters = append(s.Keys.Limiters, lim)
	}
	if !l.quiet {
		l.requests += 10
		p := page{at: at(l.now), counts: map[[3]string]float64{{"GET", "/orders", "200"}: l.requests, {"GET", "/other", "200"}: l.requests}}
		for route, n := range refused {
			l.refused[route] += n
		}
		for _, route := range []string{"/orders", "/other"} {
			p.counts[[3]string{"GET", route, "429"}] = l.refused[route]
		}
		s.HTTP = []*snapshot.HTTP{p.reading()}
	}
	l.now++
	return l.e.Step(s).Limits
}

// window lets key rise to n in three seconds and stay there for eight, in which
// route refuses one a second; then nothing happens for long enough to be calm.
func (l *learning) window(key string, n float64, route string) *Limits {
	var out *Limits
	for i := range 11 {
		refused := map[string]float64{}
		if i >= 4 {
			refused[route] = 1
		}
		out = l.step(map[string]float64{key: min(n, n-2+float64(i))}, refused)
	}
	for range 12 {
		l.step(nil, nil)
	}
	return out
}

// learned are runs and what they teach.
var learned = map[string]struct {
	run   func(l *learning) *Limits // the last reading has the key "a"
	limit Value
	from  string
}{
	"one stop is none": {func(l *learning) *Limits { return l.window("a", 30, "/orders") }, unknown, ""},
	"two stops when refusals began": {func(l *learning) *Limits {
		l.window("a", 30, "/orders")
		return l.window("a", 30, "/orders")
	}, known(30), "metrics"},
	"of two subjects": {func(l *learning) *Limits {
		l.window("b", 30, "/orders")
		return l.window("a", 30, "/orders")
	}, known(30), "metrics"},
	"at unlike numbers": {func(l *learning) *Limits {
		l.window("b", 30, "/orders")
		return l.window("a", 29, "/orders")
	}, unknown, ""},
	"refused on another route": {func(l *learning) *Limits {
		l.window("a", 30, "/other")
		return l.window("a", 30, "/other")
	}, unknown, ""},
	"nothing refused": {func(l *learning) *Limits {
		for range 4 {
			l.window("a", 30, "")
		}
		return l.window("a", 30, "")
	}, unknown, ""},
	"another went higher": {func(l *learning) *Limits {
		l.window("a", 30, "/orders")
		l.window("a", 30, "/orders")
		l.step(map[string]float64{"b": 31}, nil)
		return l.step(map[string]float64{"a": 30}, nil)
	}, unknown, ""},
	"a lower tier's, after three": {func(l *learning) *Limits {
		l.step(map[string]float64{"b": 500}, nil)
		l.window("a", 30, "/orders")
		l.window("a", 30, "/orders")
		return l.window("a", 30, "/orders")
	}, known(30), "metrics"},
	"no metrics, three keys, two windows": {func(l *learning) *Limits {
		l.quiet = true
		l.window("a", 30, "")
		l.window("b", 30, "")
		l.window("c", 30, "")
		return l.window("a", 30, "")
	}, known(30), "ceiling"},
	"no metrics, one window": {func(l *learning) *Limits {
		l.quiet = true
		l.window("c", 30, "")
		l.window("b", 30, "")
		return l.window("a", 30, "")
	}, unknown, ""},
	"no metrics, small numbers": {func(l *learning) *Limits {
		l.quiet = true
		for _, key := range []string{"a", "b", "c", "a"} {
			l.window(key, 4, "")
		}
		return l.window("a", 4, "")
	}, unknown, ""},
	"idle beside one who is refused": {func(l *learning) *Limits {
		var out *Limits
		for i := range 60 { // a comes now and then, b is over its limit all the time
			out = l.step(map[string]float64{"a": float64(1 + i/10), "b": 30}, map[string]float64{"/orders": 5})
		}
		return out
	}, unknown, ""},
}

func TestLearnedLimits(t *testing.T) {
	for name, tt := range learned {
		t.Run(name, func(t *testing.T) {
			got := subjectOf(t, tt.run(newLearning()), "a")
			check(t, "limit", got.Limit, tt.limit)
			if got.LimitFrom != tt.from || got.IsBlocked() != (tt.from != "") {
				t.Errorf("from %q, blocked %v; want %q", got.LimitFrom, got.IsBlocked(), tt.from)
			}
		})
	}
}

// TestCeilingsAreBounded: keys without end cost no memory without end.
func TestCeilingsAreBounded(t *testing.T) {
	c := newCeilings()
	r := refusals{}
	for i := range 1000 {
		lim := snapshot.Limiter{Layout: "x", Algorithm: fixedWindow, Endpoint: safe.New(string(rune('a' + i))), Used: known(float64(100 + i))}
		tr := newLimitTrack()
		tr.last, tr.at = lim, at(60)
		tr.stand = stand{used: lim.Used, since: at(0), readings: 9, rose: true}
		c.watch(limitID{series: lim.Endpoint}, tr, &r)
		tr.last.Endpoint, tr.stand.counted = safe.Text{}, false
		c.watch(limitID{series: lim.Endpoint}, tr, &r)
	}
	if len(c.of) > mostCeilings {
		t.Errorf("%d groups", len(c.of))
	}
	for _, g := range c.of {
		if len(g.stops) > mostStops {
			t.Errorf("%d numbers", len(g.stops))
		}
	}
	c.age(at(61).Add(rememberStops))
	if len(c.of) != 0 {
		t.Errorf("%d are never forgotten", len(c.of))
	}
}
