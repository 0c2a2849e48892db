package promql

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"apitop/collectors/scrape"
	"apitop/collectors/snapshot"
)

// FuzzAnswer reads any answer as each kind of result. A server may say anything;
// what is made of it must be numbers that charts and JSON can take.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		one("route=/a le=0.1", 1), one("route=/a le=+Inf", "NaN"), `{"metric":{},"value":[1,"+Inf"]}`, `{"metric":null}`,
		`{"metric":{"route":"/a"},"histogram":[1,{"count":"7","sum":"3","buckets":[[0,"0.25","0.5","7"],[3,"-1","1","2"]]}]}`,
		`{"metric":{"le":"1"},"values":[[1,"1"],[2,"x"]],"histograms":[[1,{"count":"1"}]]}`,
		`{"metric":{"route":7},"value":[1e99,"1e308"]},{"metric":{"le":"-1"},"value":[0,"-5"]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var all []row
		if json.Unmarshal([]byte("["+s+"]"), &all) != nil {
			return
		}
		labels := scrape.Labels{Route: []string{"route"}, Method: "method", Status: "status"}
		p := newPlaces(labels, 1)
		for _, c := range p.counts(all) {
			if !finite(c.Total) || c.Series == nil {
				t.Fatalf("a count of %v", c.Total)
			}
		}
		classic, _ := p.classic(all, all)
		natives, _ := p.natives(all)
		for _, h := range append(append(classic, natives...), p.averages(all, all)...) {
			whole(t, &h)
		}
		h := pastOf{places: p}
		span := span{start: time.Unix(0, 0), end: time.Unix(10, 0), step: time.Second}
		for _, l := range h.ladders(span, all, 11) {
			whole(t, &l)
		}
		h.moments(span, map[string]*answer{"rps": {rows: all}, "errors": {rows: all}, "throttled": {}, "served": {}, "ladder": {rows: all}})
		newPage(map[string]string{"route": "/a"}, map[string]string{}, all).text()
	})
}

// whole checks that a histogram holds together.
func whole(t *testing.T, h *snapshot.Histogram) {
	t.Helper()
	if h.Native == nil && len(h.Cumulative) != len(h.Bounds)+1 && h.Count != 0 {
		t.Fatalf("%d counts for %d bounds", len(h.Cumulative), len(h.Bounds))
	}
	for i, b := range h.Bounds {
		if math.IsNaN(b) || i > 0 && b <= h.Bounds[i-1] {
			t.Fatalf("bounds %v", h.Bounds)
		}
	}
	for _, v := range append([]float64{h.Count, h.Sum}, h.Cumulative...) {
		if !finite(v) {
			t.Fatalf("not a number in %+v", h)
		}
	}
}
