package scrape

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"apitop/collectors/snapshot"
)

// fixtureDir holds recorded pages and the readings that are right for them.
const fixtureDir = "../../../shared/fixtures/prom"

// answers is expected.json.
type answers struct {
	Entries   []entry
	Edge      []edgeCase
	Sequences []struct {
		Files []string
		Seen  []float64 `json:"seen_total_a"`
	}
}

type entry struct {
	Files       []string
	ContentType string `json:"content_type"`
	Mapping     *answerKey
	Samples     json.RawMessage
	Metrics     json.RawMessage
	Cumulative  json.RawMessage
	Delta       *totals
	Alternative *struct {
		Mapping    *answerKey
		Cumulative json.RawMessage
	}
	Error string
}

type answerKey struct {
	Duration, Counter *string
	Route             json.RawMessage `json:"route_label"`
}

// totals is one reading of expected.json.
type totals struct {
	Total      float64
	Errors5xx  float64  `json:"total_5xx"`
	Errors4xx  float64  `json:"total_4xx"`
	P50        *float64 `json:"p50_ms"`
	P95        *float64 `json:"p95_ms"`
	P99        *float64 `json:"p99_ms"`
	Avg        *float64 `json:"avg_ms"`
	RouteCount int      `json:"n_routes"`
	Routes     map[string]routeTotals
}

type routeTotals struct {
	N         float64
	Errors5xx float64  `json:"5xx"`
	Errors4xx float64  `json:"4xx"`
	P50       *float64 `json:"p50_ms"`
	P95       *float64 `json:"p95_ms"`
	P99       *float64 `json:"p99_ms"`
	Avg       *float64 `json:"avg_ms"`
}

type edgeCase struct {
	File    string
	Good    int      `json:"good_samples"`
	Bad     int      `json:"bad_lines"`
	AlsoOK  [][2]int `json:"also_ok"`
	Error   string
	Reading map[string]float64
}

func loadAnswers(t *testing.T) answers {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(fixtureDir, "expected.json"))
	if err != nil {
		t.Skipf("the recorded pages are not here: %v", err)
	}
	var a answers
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// perFile reads a value that is one for a single file and a list for a pair.
func perFile[T any](t *testing.T, raw json.RawMessage, keys ...string) []T {
	t.Helper()
	if len(raw) == 0 {
		return nil
	}
	var one T
	var pair map[string]T
	var list []T
	switch {
	case json.Unmarshal(raw, &list) == nil:
		return list
	case len(keys) > 0 && json.Unmarshal(raw, &pair) == nil && strings.Contains(string(raw), `"`+keys[0]+`":`):
		for _, k := range keys {
			list = append(list, pair[k])
		}
		return list
	}
	if err := json.Unmarshal(raw, &one); err != nil {
		t.Fatal(err)
	}
	return []T{one}
}

// tally is what a screen would show of one reading, or of the growth between two.
type tally struct {
	n, e5, e4  float64
	count, sum float64
	cum        map[float64]float64 // by upper bound in seconds
}

// add adds the growth of one histogram.
func (y *tally) add(h snapshot.Histogram, before *snapshot.Histogram) {
	sub := func(v, old float64) float64 { return v }
	if before != nil && h.Count >= before.Count {
		sub = func(v, old float64) float64 { return v - old }
	} else {
		before = &snapshot.Histogram{Cumulative: make([]float64, len(h.Cumulative))}
	}
	y.count += sub(h.Count, before.Count)
	y.sum += sub(h.Sum, before.Sum)
	for i, c := range h.Cumulative {
		le := math.Inf(1)
		if i < len(h.Bounds) {
			le = h.Bounds[i]
		}
		y.cum[le] += sub(c, before.Cumulative[i])
	}
}

// tallyOf sums up b, less a when there is one: the rule of the analysis.
func tallyOf(a, b *snapshot.HTTP) (all *tally, routes map[string]*tally) {
	all, routes = &tally{cum: map[float64]float64{}}, map[string]*tally{}
	route := func(s *snapshot.Series) *tally {
		key := strings.TrimSpace(s.Method.Raw() + " " + s.Route.Raw())
		if routes[key] == nil {
			routes[key] = &tally{cum: map[float64]float64{}}
		}
		return routes[key]
	}
	counts, hists := map[string]float64{}, map[string]snapshot.Histogram{}
	if a != nil {
		for _, c := range a.Requests {
			counts[c.Series.ID] = c.Total
		}
		for _, h := range a.Durations {
			hists[h.Series.ID] = h
		}
	}
	for _, c := range b.Requests {
		n := c.Total
		if old := counts[c.Series.ID]; n >= old {
			n -= old
		}
		for _, y := range []*tally{all, route(c.Series)} {
			y.n += n
			switch status := c.Series.Status.Raw(); {
			case strings.HasPrefix(status, "5"):
				y.e5 += n
			case strings.HasPrefix(status, "4"):
				y.e4 += n
			}
		}
	}
	for _, c := range b.Statuses {
		switch status := c.Series.Status.Raw(); {
		case strings.HasPrefix(status, "5"):
			all.e5 += c.Total
		case strings.HasPrefix(status, "4"):
			all.e4 += c.Total
		}
	}
	for _, h := range b.Durations {
		var before *snapshot.Histogram
		if old, ok := hists[h.Series.ID]; ok {
			before = &old
		}
		all.add(h, before)
		route(h.Series).add(h, before)
	}
	return all, routes
}

// quantile is PromQL's histogram_quantile over the tally, in milliseconds; NaN
// without buckets or observations. Source: prometheus/prometheus promql/quantile.go.
func (y *tally) quantile(q float64) float64 {
	bounds := []float64{}
	for le := range y.cum {
		bounds = append(bounds, le)
	}
	slices.Sort(bounds)
	if len(bounds) < 2 {
		return math.NaN()
	}
	cum := make([]float64, len(bounds))
	for i, le := range bounds {
		cum[i] = y.cum[le]
		if i > 0 {
			cum[i] = max(cum[i], cum[i-1])
		}
	}
	last := len(bounds) - 1
	if cum[last] == 0 {
		return math.NaN()
	}
	rank := q * cum[last]
	i := 0
	for i < last && cum[i] < rank {
		i++
	}
	switch {
	case i == last:
		return bounds[last-1] * 1000
	case i == 0 && bounds[0] <= 0:
		return bounds[0] * 1000
	}
	low, under := 0.0, 0.0
	if i > 0 {
		low, under = bounds[i-1], cum[i-1]
	}
	return (low + (bounds[i]-low)*(rank-under)/(cum[i]-under)) * 1000
}

func (y *tally) avg() float64 { return y.sum / y.count * 1000 }

// readAs reads a saved page that came with a content type.
func readAs(r *Reader, path, contentType string) (*snapshot.HTTP, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return r.Read(f, contentType)
}
