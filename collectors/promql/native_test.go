package promql

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"

	"apitop/collectors/scrape"
	"apitop/collectors/snapshot"
)

// spread writes a histogram in the API's form with buckets of a schema.
func spread(schema int, indexes ...int) string {
	base := math.Exp2(math.Exp2(-float64(schema)))
	var buckets []string
	for _, i := range indexes {
		buckets = append(buckets, fmt.Sprintf(`[0,"%v","%v","2"]`, math.Pow(base, float64(i-1)), math.Pow(base, float64(i))))
	}
	return fmt.Sprintf(`{"count":"%d","sum":"3","buckets":[%s]}`, 2*len(indexes), strings.Join(buckets, ","))
}

func TestExponential(t *testing.T) {
	for schema := coarsest; schema <= finest; schema++ {
		for _, indexes := range [][]int{{1}, {-3, -2, 0, 5}, {-60, 40}} {
			h := decoded(t, spread(schema, indexes...))
			n, ok := exponential(h.Buckets)
			if !ok || n.Schema != schema {
				t.Fatalf("schema %d, indexes %v: %+v, %v", schema, indexes, n, ok)
			}
			for i, at := range n.Positive {
				if int(at.Index) != indexes[i] || at.Count != 2 {
					t.Errorf("schema %d: bucket %+v, want index %d", schema, at, indexes[i])
				}
			}
		}
	}
}

func decoded(t *testing.T, text string) *model.SampleHistogram {
	t.Helper()
	h := &model.SampleHistogram{}
	if err := json.Unmarshal([]byte(text), h); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestNativeForms(t *testing.T) {
	tests := map[string]struct {
		in   string
		want snapshot.Histogram
		ok   bool
	}{
		"zero bucket": {
			`{"count":"5","sum":"6","buckets":[[3,"-0.001","0.001","2"],[0,"1","2","3"]]}`,
			snapshot.Histogram{Count: 5, Sum: 6, Cumulative: []float64{5}, Native: &snapshot.Native{
				PerSecond: 1, ZeroThreshold: 0.001, ZeroCount: 2, Positive: []snapshot.Sparse{{Index: 1, Count: 3}},
			}}, true,
		},
		"negative ones": {
			`{"count":"5","sum":"6","buckets":[[1,"-4","-2","1"],[1,"-2","-1","2"],[0,"1","2","3"]]}`,
			snapshot.Histogram{Count: 5, Sum: 6, Cumulative: []float64{5}, Native: &snapshot.Native{
				PerSecond: 1, Positive: []snapshot.Sparse{{Index: 1, Count: 3}}, Negative: []snapshot.Sparse{{Index: 1, Count: 2}, {Index: 2, Count: 1}},
			}}, true,
		},
		"nothing observed": {
			`{"count":"0","sum":"0"}`,
			snapshot.Histogram{Cumulative: []float64{0}, Native: &snapshot.Native{Schema: finest, PerSecond: 1}}, true,
		},
		"bounds of its own": {
			`{"count":"10","sum":"6","buckets":[[0,"-Inf","0.1","4"],[0,"0.25","0.5","3"],[0,"0.5","1","2"],[0,"1","+Inf","1"]]}`,
			snapshot.Histogram{Count: 10, Sum: 6, Bounds: []float64{0.1, 0.25, 0.5, 1}, Cumulative: []float64{4, 4, 7, 9, 10}}, true,
		},
		"all beyond the last": {
			`{"count":"10","sum":"6","buckets":[[0,"1.5","+Inf","10"]]}`,
			snapshot.Histogram{Count: 10, Sum: 6, Bounds: []float64{1.5}, Cumulative: []float64{0, 10}}, true,
		},
		"NaN": {`{"count":"NaN","sum":"6"}`, snapshot.Histogram{}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlaces(scrape.Labels{}, 1)
			got, ok := p.native(decoded(t, tt.in))
			if ok != tt.ok || ok && !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v (%+v), %v", got, got.Native, ok)
			}
		})
	}
}

// TestUnits: the page's milliseconds become seconds.
func TestUnits(t *testing.T) {
	p := newPlaces(scrape.Labels{Route: []string{"route"}}, 1000)
	h, ok := p.native(decoded(t, `{"count":"3","sum":"600","buckets":[[0,"128","256","3"]]}`))
	if !ok || h.Sum != 0.6 || h.Native.PerSecond != 1000 || h.Native.Positive[0].Index != 8 {
		t.Errorf("native: %+v %+v", h, h.Native)
	}
	all, dropped := p.classic(rows(t, one("route=/a le=100", 1), one("route=/a le=+Inf", 2)), rows(t, one("route=/a", 500)))
	if dropped != 0 || len(all) != 1 || !slices.Equal(all[0].Bounds, []float64{0.1}) || all[0].Sum != 0.5 {
		t.Errorf("classic: %+v", all)
	}
	means := p.averages(rows(t, one("route=/a", 500)), rows(t, one("route=/a", 2), one("route=/b", 2)))
	if len(means) != 1 || means[0].Sum != 0.5 || means[0].Count != 2 {
		t.Errorf("averages: %+v", means)
	}
}

// rows reads rows as of an answer.
func rows(t testing.TB, list ...string) []row {
	t.Helper()
	var all []row
	if err := json.Unmarshal([]byte("["+strings.Join(list, ",")+"]"), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestClassicDrops(t *testing.T) {
	p := newPlaces(scrape.Labels{Route: []string{"route"}, Method: "method"}, 1)
	buckets := rows(t,
		one("route=/whole le=1", 1), one("route=/whole le=+Inf", 2),
		one("route=/open le=1", 1), one("route=/unsummed le=+Inf", 1),
		one("route=/whole le=x", 1), one("route=/nan le=+Inf", "NaN"),
		one("route=/case method=get le=+Inf", 1), one("route=/case method=GET le=+Inf", 2), one("route=/case method=GET le=1.0", 1), one("route=/case method=get le=1", 1),
	)
	sums := rows(t, one("route=/whole", 3), one("route=/open", 3), one("route=/case method=get", 1), one("route=/case method=GET", 2))
	all, dropped := p.classic(buckets, sums)
	if len(all) != 2 || dropped != 2 {
		t.Fatalf("%d kept, %d dropped: %+v", len(all), dropped, all)
	}
	if c := all[1]; c.Count != 3 || c.Sum != 3 || !slices.Equal(c.Cumulative, []float64{2, 3}) || c.Series.Method.Raw() != "GET" {
		t.Errorf("methods in two cases: %+v", c)
	}
}

func TestSeriesOf(t *testing.T) {
	tests := map[string]struct {
		labels                scrape.Labels
		in                    string
		method, route, status string
	}{
		"plain":         {scrape.Labels{Route: []string{"route"}, Method: "method", Status: "code"}, "route=/a method=get code=200", "GET", "/a", "200"},
		"two parts":     {scrape.Labels{Route: []string{"controller", "action"}}, "controller=users action=show", "", "users|show", ""},
		"no part":       {scrape.Labels{Route: []string{"controller", "action"}}, "x=y", "", "", ""},
		"no route":      {scrape.Labels{Method: "method"}, "method=GET", "GET", "", ""},
		"of one's own":  {scrape.Labels{Route: []string{"exported_endpoint"}}, "exported_endpoint=/a endpoint=http", "", "/a", ""},
		"without roles": {scrape.Labels{}, "route=/a", "", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlaces(tt.labels, 1)
			r := rows(t, one(tt.in, 1))
			s := p.of(&r[0]).series
			if s.Method.Raw() != tt.method || s.Route.Raw() != tt.route || s.Status.Raw() != tt.status {
				t.Errorf("got %+v", s)
			}
			if p.of(&r[0]).series != s {
				t.Error("the second time it is another")
			}
		})
	}
	p := newPlaces(scrape.Labels{Route: []string{"endpoint"}}, 1)
	r := rows(t, `{"metric":{"endpoint":"GET /users"},"value":[0,"1"]}`)
	if s := p.of(&r[0]).series; s.Method.Raw() != "GET" || s.Route.Raw() != "/users" {
		t.Errorf("a method in the route: %+v", s)
	}
}
