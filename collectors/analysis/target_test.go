package analysis

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"testing"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// said is what one page says of one route: a counter and a histogram that fits
// it, with bounds of 0.1, 0.2, 0.4.
type said struct {
	at      float64
	start   float64 // 0: unknown
	family  string  // empty: the usual one
	created float64
	route   string // empty: "/a"
	counts  []float64
	hist    *snapshot.Histogram
}

func (p said) reading() *snapshot.HTTP {
	h := &snapshot.HTTP{Target: safe.New("api"), At: at(p.at)}
	h.Page.Counter = safe.New(cmp.Or(p.family, "http_requests_total"))
	if p.start > 0 {
		h.StartTime = known(p.start)
	}
	for i, n := range p.counts {
		s := series("GET", cmp.Or(p.route, "/a"), strconv.Itoa(200+i))
		s.ID = p.family + s.ID
		h.Requests = append(h.Requests, snapshot.Count{Series: s, Total: n, Created: p.created})
	}
	if p.hist != nil {
		d := *p.hist
		d.Series, d.Created = series("GET", cmp.Or(p.route, "/a"), ""), p.created
		h.Durations = append(h.Durations, d)
	}
	return h
}

func bars(cum ...float64) *snapshot.Histogram {
	h := hist(cum...)
	return &h
}

// deltaCase is what some pages say, and what must come of it.
type deltaCase struct {
	pages    []said
	requests Value // served in the window
	measured float64
	marks    []string // on the charts
}

func resetCases() map[string]deltaCase {
	return map[string]deltaCase{
		"the first page is only a baseline": {pages: []said{{counts: []float64{100}, hist: bars(9, 9, 9, 9)}}, requests: unknown},
		"two pages": {
			pages:    []said{{counts: []float64{100}, hist: bars(9, 9, 9, 9)}, {at: 1, counts: []float64{107}, hist: bars(9, 16, 16, 16)}},
			requests: known(7), measured: 7,
		},
		"counters that fell count from zero, marked once": {
			pages: []said{
				{counts: []float64{100, 50}, hist: bars(9, 9, 9, 9)}, {at: 1, counts: []float64{7, 2}, hist: bars(1, 1, 1, 9)},
				{at: 2, counts: []float64{8, 2}, hist: bars(1, 1, 1, 10)},
			},
			requests: known(10), measured: 10, marks: []string{"api restarted"},
		},
		"one bucket fell: the whole histogram counts from zero": {
			pages:    []said{{start: 1, counts: []float64{1}, hist: bars(9, 9, 9, 9)}, {at: 1, start: 1, counts: []float64{2}, hist: bars(0, 12, 12, 12)}},
			requests: known(1), measured: 12, marks: []string{"api counts from zero"},
		},
		"a later start counts from zero though nothing fell": {
			pages:    []said{{start: 1000, counts: []float64{10}}, {at: 1, start: 1020, counts: []float64{12}}, {at: 2, start: 1020, counts: []float64{13}}},
			requests: known(13), marks: []string{"api restarted"},
		},
		"a start that trembles is none": {
			pages:    []said{{start: 1000, counts: []float64{10}}, {at: 1, start: 1000.4, counts: []float64{12}}},
			requests: known(2),
		},
		"an earlier start is another process: nothing is known": {
			pages: []said{
				{start: 1000, counts: []float64{10}}, {at: 1, start: 900, counts: []float64{5000}},
				{at: 2, start: 1000, counts: []float64{11}}, {at: 3, start: 1000, counts: []float64{14}},
				{at: 4, start: 900, counts: []float64{5100}},
			},
			requests: known(3), marks: []string{"api is several processes"},
		},
		"a counter that began anew though it did not fall": {
			pages:    []said{{created: 1000, counts: []float64{10}, hist: bars(9, 9, 9, 9)}, {at: 1, created: 1060.5, counts: []float64{12}, hist: bars(9, 9, 9, 9)}},
			requests: known(12), measured: 9, marks: []string{"api restarted"},
		},
	}
}

func seriesCases() map[string]deltaCase {
	other := &snapshot.Histogram{Bounds: []float64{0.1, 0.3, 0.4}, Cumulative: []float64{60, 60, 60, 60}, Count: 60, Sum: 1}
	return map[string]deltaCase{
		"a series born on a page seen before counts from zero": {
			pages:    []said{{counts: []float64{100}}, {at: 1, counts: []float64{100, 4}}},
			requests: known(4),
		},
		"a family born on a page seen before does too": {
			pages:    []said{{}, {at: 1, counts: []float64{4}, hist: bars(4, 4, 4, 4)}},
			requests: known(4), measured: 4,
		},
		"another family tells of the requests: nothing is known": {
			pages:    []said{{counts: []float64{4}}, {at: 1, family: "other_requests_total", counts: []float64{900}}},
			requests: known(0),
		},
		"a vanished series: what it counted stays, and nothing is lost when it comes back": {
			pages: []said{
				{counts: []float64{100, 10}}, {at: 1, counts: []float64{100, 15}}, {at: 2, counts: []float64{100}},
				{at: 3, counts: []float64{100, 18}},
			},
			requests: known(8),
		},
		"a vanished series counts for the window": {
			pages:    []said{{counts: []float64{100, 10}}, {at: 1, counts: []float64{100, 15}}, {at: 2, counts: []float64{101}}},
			requests: known(6),
		},
		"a series that comes back after a restart is no other restart": {
			pages: []said{
				{start: 1, counts: []float64{100, 10}}, {at: 1, start: 50, counts: []float64{5}},
				{at: 2, start: 50, counts: []float64{5, 3}},
			},
			requests: known(8), marks: []string{"api restarted"},
		},
		"failed polls are bridged": {
			pages:    []said{{counts: []float64{100}}, {at: 44, counts: []float64{188}}},
			requests: known(88),
		},
		"other bounds: unknown for one page, the old ones stay": {
			pages:    []said{{hist: bars(9, 9, 9, 9)}, {at: 1, hist: bars(9, 14, 14, 14)}, {at: 2, hist: other}},
			requests: unknown, measured: 5,
		},
		"other bounds after a restart count from zero": {
			pages:    []said{{counts: []float64{100}, hist: bars(90, 90, 90, 90)}, {at: 1, counts: []float64{60}, hist: other}},
			requests: known(60), measured: 60, marks: []string{"api restarted"},
		},
	}
}

// TestDeltaRules holds the rules of counting between pages.
func TestDeltaRules(t *testing.T) {
	tests := resetCases()
	maps.Copy(tests, seriesCases())
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := New(Options{})
			var r *Report
			for _, p := range tt.pages {
				r = e.Step(snapshot.Snapshot{At: at(p.at), HTTP: []*snapshot.HTTP{p.reading()}})
			}
			check(t, "requests", r.HTTP.Requests, tt.requests)
			check(t, "measured", known(r.HTTP.Measured), known(tt.measured))
			var marks []string
			for _, e := range r.Events {
				marks = append(marks, e.Text)
			}
			if !slices.Equal(marks, tt.marks) {
				t.Errorf("marks %q, want %q", marks, tt.marks)
			}
		})
	}
}
