package analysis

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// limiter is a key of the layout "x" for user:name at /orders.
func limiter(name, algorithm string, used, limit Value) snapshot.Limiter {
	l := snapshot.Limiter{
		Key: safe.New("k:" + name), Subject: safe.New("user:" + name), Endpoint: safe.New("/orders"),
		Layout: "x", Algorithm: algorithm, Used: used, Limit: limit, WindowSeconds: known(60), ResetsSeconds: known(30),
	}
	if limit.OK {
		l.LimitFrom = "config"
	}
	return l
}

// limitSteps is an engine that is given limiters, one set a second.
type limitSteps struct {
	e   *Engine
	now float64
}

func newLimitSteps() *limitSteps { return &limitSteps{e: New(Options{})} }

func (s *limitSteps) step(ls ...snapshot.Limiter) *Limits {
	for i := range ls {
		if ls[i].At.IsZero() {
			ls[i].At = at(s.now)
		}
	}
	r := s.e.Step(snapshot.Snapshot{At: at(s.now), Keys: &snapshot.Keys{At: at(s.now), Limiters: ls, Coverage: known(1)}})
	s.now++
	return r.Limits
}

func subjectOf(t *testing.T, l *Limits, name string) Subject {
	t.Helper()
	i := slices.IndexFunc(l.Subjects, func(s Subject) bool { return s.Subject.Raw() == "user:"+name })
	if i < 0 {
		t.Fatalf("no %s among %d subjects", name, len(l.Subjects))
	}
	return l.Subjects[i]
}

// wantRates is what is known of a key.
type wantRates struct{ requests, denied, left Value }

// counted is a reading of a limiter that counts decisions.
func counted(algorithm string, used, requested, denied float64) snapshot.Limiter {
	l := limiter("1", algorithm, known(used), known(100))
	l.RequestedTotal, l.DeniedTotal = known(requested), known(denied)
	return l
}

// plain are readings of one that does not.
func plain(algorithm string, used ...float64) []snapshot.Limiter {
	var list []snapshot.Limiter
	for _, u := range used {
		list = append(list, limiter("1", algorithm, known(u), known(100)))
	}
	return list
}

func noLimit(used ...float64) []snapshot.Limiter {
	list := plain("fixed-window", used...)
	for i := range list {
		list[i].Limit = unknown
	}
	return list
}

// rates are readings, one a second, and what is known at the end.
var rates = map[string]struct {
	readings []snapshot.Limiter
	want     wantRates
}{
	"first reading":         {plain("fixed-window", 40), wantRates{unknown, unknown, unknown}},
	"counted by the layout": {[]snapshot.Limiter{counted("sliding-log", 10, 10, 0), counted("sliding-log", 15, 15, 0)}, wantRates{known(5), known(0), known(17)}},
	"counted, denied":       {[]snapshot.Limiter{counted("sliding-log", 100, 500, 40), counted("sliding-log", 100, 506, 46)}, wantRates{known(6), known(6), unknown}},
	"counted, key reborn":   {[]snapshot.Limiter{counted("sliding-log", 10, 500, 40), counted("sliding-log", 2, 2, 0)}, wantRates{known(2), known(0), known(49)}},
	"counted, gcra":         {[]snapshot.Limiter{counted("gcra", 50, 50, 0), counted("gcra", 50, 55, 0)}, wantRates{known(5), known(0), known(50 / (5 - 100.0/60))}},
	"sustained for ever":    {[]snapshot.Limiter{counted("sliding-log", 10, 10, 0), counted("sliding-log", 10, 11, 0)}, wantRates{known(1), known(0), unknown}},
	"window rises":          {plain("fixed-window", 40, 44, 48), wantRates{known(4), known(0), known(13)}},
	"window ends before":    {plain("fixed-window", 1, 2, 3), wantRates{known(1), known(0), unknown}},
	"window rolls over":     {plain("fixed-window", 40, 50, 4), wantRates{known(7), known(0), known(96.0 / 7)}},
	"window stands":         {plain("fixed-window", 40, 40, 40), wantRates{known(0), known(0), unknown}},
	"goes on above":         {plain("fixed-window", 98, 103, 108), wantRates{known(5), known(4), unknown}},
	"stops at its limit":    {plain("fixed-window", 98, 100, 100), wantRates{unknown, unknown, unknown}},
	"no limit":              {noLimit(5, 6, 8), wantRates{known(1.5), unknown, unknown}},
	"log grows":             {plain("sliding-log", 40, 45), wantRates{unknown, known(0), known(11)}},
	"log shrinks":           {plain("sliding-log", 40, 30), wantRates{unknown, known(0), unknown}},
	"log too slow":          {plain("sliding-log", 40, 41), wantRates{unknown, known(0), known(59)}},
	"log never":             {plain("sliding-log", 30, 31), wantRates{unknown, known(0), unknown}},
	"log is full":           {plain("sliding-log", 90, 100), wantRates{unknown, unknown, unknown}},
	"bucket":                {plain("token-bucket", 40, 45), wantRates{known(5 + 100.0/60), unknown, known(11)}},
	"bucket in balance":     {plain("gcra", 40, 40), wantRates{known(100.0 / 60), unknown, unknown}},
	"bucket was empty":      {plain("gcra", 0, 5), wantRates{unknown, unknown, known(19)}},
	"bucket is full":        {plain("gcra", 95, 100), wantRates{unknown, unknown, unknown}},
	"of unknown algorithm":  {plain("", 40, 45), wantRates{unknown, unknown, known(11)}},
}

// TestLimitRates: one key, read once a second; what is known of it at the end.
func TestLimitRates(t *testing.T) {
	for name, tt := range rates {
		t.Run(name, func(t *testing.T) {
			s := newLimitSteps()
			var l *Limits
			for _, r := range tt.readings {
				l = s.step(r)
			}
			got := subjectOf(t, l, "1")
			check(t, "requests/s", got.RequestsPerSecond, tt.want.requests)
			check(t, "denied/s", got.DeniedPerSecond, tt.want.denied)
			check(t, "time to limit", got.TimeToLimit, tt.want.left)
			if len(got.Trend) != len(tt.readings) {
				t.Errorf("trend of %d readings, want %d", len(got.Trend), len(tt.readings))
			}
		})
	}
}

// TestLimitRatesOfSparseReadings: a key that is read now and then has the rate of
// the time between its own readings.
func TestLimitRatesOfSparseReadings(t *testing.T) {
	s := newLimitSteps()
	var l *Limits
	last := limiter("1", "fixed-window", known(0), known(1000))
	for i := range 30 {
		if i%5 == 3 { // at 3, 8, 13, ..., ten requests a second
			last = limiter("1", "fixed-window", known(10*float64(i)), known(1000))
		}
		if i >= 3 {
			l = s.step(last)
			if last.At.IsZero() {
				last.At = at(s.now - 1)
			}
		} else {
			s.now++
		}
	}
	got := subjectOf(t, l, "1")
	check(t, "requests/s", got.RequestsPerSecond, known(10))
	check(t, "age", got.AgeSeconds, known(1))
}

// TestLimitSeries: keys with the number of the window in them go on where the one
// before ended, and the key of the window before is not another subject.
func TestLimitSeries(t *testing.T) {
	s := newLimitSteps()
	window := func(n int, used, resets float64) snapshot.Limiter {
		l := limiter("1", "fixed-window", known(used), known(100))
		l.Key, l.Series, l.ResetsSeconds = safe.New(fmt.Sprintf("k:1:%d", n)), safe.New("k:1:#"), known(resets)
		return l
	}
	s.step(window(7, 50, 2))
	s.step(window(7, 60, 1))
	l := s.step(window(8, 6, 60), window(7, 62, 0))
	if len(l.Subjects) != 1 || l.Subjects[0].Key.Raw() != "k:1:8" {
		t.Fatalf("subjects = %+v", l.Subjects)
	}
	check(t, "requests/s", l.Subjects[0].RequestsPerSecond, known(8))
	if len(l.Subjects[0].Trend) != 3 {
		t.Errorf("trend = %v", l.Subjects[0].Trend)
	}
}

// TestLimitsOfNodes: the same key on two nodes is two limiters.
func TestLimitsOfNodes(t *testing.T) {
	s := newLimitSteps()
	a, b := limiter("1", "fixed-window", known(1), known(100)), limiter("1", "fixed-window", known(50), known(100))
	a.Node, b.Node = safe.New("a:1"), safe.New("b:1")
	if l := s.step(a, b); len(l.Subjects) != 2 || l.Layouts[0].Keys != 2 {
		t.Errorf("%d subjects, layouts %+v", len(l.Subjects), l.Layouts)
	}
}

// TestRecentlyThrottled: who was blocked stays to be seen for a while, whether
// the key is there or not.
func TestRecentlyThrottled(t *testing.T) {
	s := newLimitSteps()
	blocked := limiter("1", "fixed-window", known(100), known(100))
	l := s.step(blocked, limiter("2", "fixed-window", known(5), known(100)))
	if first := l.Subjects[0]; !first.IsBlocked() || l.ThrottledSubjects != 1 {
		t.Fatalf("first = %+v", first)
	}
	l = s.step(limiter("1", "fixed-window", known(3), known(100)))
	free := subjectOf(t, l, "1")
	check(t, "last denied, free again", free.LastDeniedSeconds, known(1))
	if free.Gone || free.IsBlocked() || len(l.Subjects) != 1 {
		t.Errorf("free = %+v of %d: one that was never throttled is just not there", free, len(l.Subjects))
	}
	l = s.step()
	gone := subjectOf(t, l, "1")
	check(t, "last denied, gone", gone.LastDeniedSeconds, known(2))
	if !gone.Gone || gone.Used.OK || gone.Blocked != nil || gone.ResetsInSeconds.OK || !gone.Limit.OK {
		t.Errorf("gone = %+v", gone)
	}
	s.now += rememberThrottled.Seconds()
	if l = s.step(); len(l.Subjects) != 0 {
		t.Errorf("still there: %+v", l.Subjects)
	}
}

// TestGoneIsBounded: many that vanish at once are not kept all.
func TestGoneIsBounded(t *testing.T) {
	s := newLimitSteps()
	var all []snapshot.Limiter
	for i := range 3 * mostGone {
		all = append(all, limiter(strconv.Itoa(i), "fixed-window", known(100), known(100)))
	}
	s.step(all...)
	if l := s.step(); len(l.Subjects) != mostGone {
		t.Errorf("%d gone", len(l.Subjects))
	}
	s.now += rememberThrottled.Seconds()
	s.step()
	if n := len(s.e.limits.tracks); n != 0 {
		t.Errorf("%d tracks are left", n)
	}
}

func TestShares(t *testing.T) {
	row := func(subject, endpoint string, rps float64) *Subject {
		return &Subject{Layout: "x", Subject: safe.New(subject), Endpoint: safe.New(endpoint), RequestsPerSecond: known(rps)}
	}
	tests := map[string]struct {
		rows []*Subject
		want []float64
	}{
		"two subjects":           {[]*Subject{row("a", "/x", 3), row("b", "/x", 1)}, []float64{0.75, 0.25}},
		"with a limit over all":  {[]*Subject{row("a", "/x", 3), row("a", "all", 6), row("b", "/x", 2)}, []float64{0.375, 0.75, 0.25}},
		"limit over all lags":    {[]*Subject{row("a", "/x", 3), row("a", "all", 1), row("b", "/x", 1)}, []float64{0.75, 0.25, 0.25}},
		"two limits of one kind": {[]*Subject{row("a", "/x", 3), row("a", "/x", 3), row("b", "/x", 1)}, []float64{0.75, 0.75, 0.25}},
		"endpoints add up":       {[]*Subject{row("a", "/x", 1), row("a", "/y", 1), row("b", "/x", 2)}, []float64{0.25, 0.25, 0.5}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			fillShares(tt.rows)
			for i, w := range tt.want {
				check(t, fmt.Sprint("share ", i), tt.rows[i].Share, known(w))
			}
		})
	}
	idle := []*Subject{row("a", "/x", 0), {Subject: safe.New("b")}}
	fillShares(idle)
	check(t, "share of nothing", idle[0].Share, unknown)
	check(t, "share without a rate", idle[1].Share, unknown)
}

func TestLimitTrend(t *testing.T) {
	s := newLimitSteps()
	for i := range limitTrendPoints + 20 {
		s.step(limiter("1", "fixed-window", known(float64(i)), known(100)))
	}
	s.now += 60
	l := s.step(limiter("1", "fixed-window", known(50), known(100)))
	trend := subjectOf(t, l, "1").Trend
	if len(trend) != limitTrendPoints || trend[len(trend)-1] != 0.5 || !math.IsNaN(float64(trend[len(trend)-2])) {
		t.Errorf("trend of %d = %v", len(trend), trend)
	}
	l = s.step(limiter("1", "fixed-window", known(51), unknown))
	if trend = subjectOf(t, l, "1").Trend; len(trend) != 1 || trend[0] != 51 {
		t.Errorf("trend without a limit = %v", trend)
	}
}

// TestLimitsAfterSuspend: a machine that slept knows no rate over that time.
func TestLimitsAfterSuspend(t *testing.T) {
	e := New(Options{})
	now := time.Now()
	step := func(at time.Time, used float64) *Limits {
		l := limiter("1", "fixed-window", known(used), known(1e6))
		l.At = at
		return e.Step(snapshot.Snapshot{At: at, Keys: &snapshot.Keys{At: at, Limiters: []snapshot.Limiter{l}}}).Limits
	}
	step(now, 10)
	step(now.Add(time.Second), 20)
	wall := now.Add(2 * time.Second).Round(0).Add(time.Hour) // the monotonic part is gone: told apart by it
	check(t, "rate over a known hour", subjectOf(t, step(wall, 30), "1").RequestsPerSecond, known(10/3601.0))
}

func TestLintAndLayouts(t *testing.T) {
	e := New(Options{})
	k := &snapshot.Keys{At: at(0), Coverage: known(0.5), Lint: []snapshot.LimiterLint{
		{Rule: "no-ttl", Layout: "x", What: safe.New("w"), Fix: "f", Keys: 1, Example: safe.New("k")},
		{Rule: "whole-seconds", Layout: "y", Keys: 7},
	}}
	for i, layout := range []string{"a", "b", "b"} {
		l := limiter(strconv.Itoa(i), "gcra", known(1), known(2))
		l.Layout, l.Lint = layout, []string{"no-ttl"}
		k.Limiters = append(k.Limiters, l)
	}
	l := e.Step(snapshot.Snapshot{At: at(0), Keys: k}).Limits
	if len(l.Lint) != 2 || l.Lint[0].Rule != "whole-seconds" || l.Lint[1].Fix != "f" || l.Lint[1].Example.Raw() != "k" {
		t.Errorf("lint = %+v", l.Lint)
	}
	if fmt.Sprint(l.Layouts) != "[{b 2} {a 1}]" || l.Coverage != known(0.5) {
		t.Errorf("layouts = %v, coverage %v", l.Layouts, l.Coverage)
	}
	if s := subjectOf(t, l, "0"); len(s.Lint) != 1 || s.Key.Raw() != "k:0" || s.WindowSeconds != known(60) {
		t.Errorf("subject = %+v", s)
	}
	facts := Facts(k.Facts())
	if got := facts.Get("layouts"); got != "b 2, a 1" {
		t.Errorf("fact of layouts = %q", got)
	}
}
