package promql

import (
	"strings"
	"testing"

	"apitop/collectors/scrape"
)

// TestPageWithoutTheServersLabels: what the server added is no label of the page,
// and what it moved out of the way is moved back.
func TestPageWithoutTheServersLabels(t *testing.T) {
	target := map[string]string{"job": "demo", "instance": "h:1", "endpoint": "http-metrics", "pod": "p-1"}
	const own = " job=demo instance=h:1 endpoint=http-metrics pod=p-1"
	p := newPage(target, map[string]string{"http_requests_total": "counter"}, rows(t,
		one("__name__=up"+own, 1), one("__name__=scrape_duration_seconds"+own, 1),
		one("__name__=http_requests_total exported_endpoint=/a code=200 method=GET"+own, 5),
		one("__name__=http_requests_total exported_endpoint=/b code=500 method=GET"+own, 5),
	))
	want := "# TYPE http_requests_total counter\n" +
		`http_requests_total{code="200",endpoint="/a",method="GET",} 5` + "\n" +
		`http_requests_total{code="500",endpoint="/b",method="GET",} 5` + "\n"
	if p.text() != want {
		t.Errorf("the page is\n%s", p.text())
	}
	f := finding{plan: plan{match: matchers{{"job", "=", "demo"}}}}
	if !f.read(scrape.NewReader("h:1", scrape.Limits{}), p) {
		t.Fatal("no mapping")
	}
	f.plan.window = 60e9
	if got := f.plan.requests(); got != `sum by (exported_endpoint,method,code) (rate(http_requests_total{job="demo"}[60s]))` {
		t.Errorf("asked is %s", got)
	}
}

// TestPageOfNative: a reader of text sees the outlines of a native histogram.
func TestPageOfNative(t *testing.T) {
	const labels = "__name__=http_request_duration_seconds route=/a status=200 method=GET"
	p := newPage(nil, map[string]string{}, rows(t,
		`{"metric":`+metric(labels)+`,"histogram":[1,{"count":"7","sum":"3","buckets":[[0,"0.25","0.5","7"]]}]}`))
	f := finding{}
	if !f.read(scrape.NewReader("h:1", scrape.Limits{}), p) {
		t.Fatalf("no mapping of\n%s", p.text())
	}
	f.plan.window = 4e9
	buckets, sums, counts := f.plan.durations()
	if f.plan.shape != native || sums != "" || counts != "" || buckets != "sum by (route,method) (rate(http_request_duration_seconds{}[4s]))" {
		t.Errorf("asked is %q %q %q", buckets, sums, counts)
	}
	if got := f.plan.requests(); got != "sum by (route,method,status) (histogram_count(rate(http_request_duration_seconds{}[4s])))" {
		t.Errorf("requests are %s", got)
	}
}

func TestPageNames(t *testing.T) {
	p := newPage(nil, map[string]string{"a": "counter"}, rows(t,
		`{"metric":{"__name__":"http.server.x","http.route":"/a\"\\\n"},"value":[1,"2"]}`,
		`{"metric":{"__name__":"a_total"},"value":[1,"2"]}`, `{"metric":{},"value":[1,"2"]}`))
	want := "# TYPE a_total counter\na_total{} 2\n" + `{"http.server.x","http.route"="/a\"\\\n",} 2` + "\n"
	if p.text() != want {
		t.Errorf("the page is\n%s", p.text())
	}
}

func TestExpressions(t *testing.T) {
	p := plan{match: matchers{{"job", "=", "a"}}, window: 90e9, inFlight: "busy", shape: classic, mapping: scrape.Mapping{
		Counter: "c_total", Duration: "d", PerSecond: 1,
		Counts: scrape.Labels{Route: []string{"route"}, Status: "code", Method: "method"},
		Times:  scrape.Labels{Route: []string{"http.route"}, Status: "code"},
		Only:   []scrape.Match{{Label: "reporter", Value: "dest.ination"}}, Except: []scrape.Match{{Label: "host", Value: "*"}},
	}}
	const also = `{job="a",reporter=~"dest\\.ination|",host!="*"}`
	buckets, sums, _ := p.durations()
	q, whole := p.instances(false), p.instances(true)
	for name, tt := range map[string]struct{ got, want string }{
		"requests":  {p.requests(), "sum by (route,method,code) (rate(c_total" + also + "[90s]))"},
		"buckets":   {buckets, `sum by (le,"http.route") (rate(d_bucket` + also + "[90s]))"},
		"sums":      {sums, `sum by ("http.route") (rate(d_sum` + also + "[90s]))"},
		"in flight": {p.served(), `sum(busy{job="a"})`},
		"throttled": {p.throttled(1500e6), "sum(rate(c_total" + strings.TrimSuffix(also, "}") + `,code="429"}[1500ms]))`},
		"ladder":    {p.ladder(60e9), "sum by (le) (rate(d_bucket" + also + "[60s]))"},
		"errors":    {q.errors, "sum by (instance) (rate(c_total" + strings.TrimSuffix(also, "}") + `,code=~"5.*"}[90s]))`},
		"p95":       {q.p95, "histogram_quantile(0.95,sum by (le,instance) (rate(d_bucket" + also + "[90s])))"},
		"ladders":   {whole.ladder, "sum by (le,instance) (rate(d_bucket" + also + "[90s]))"},
		"not both":  {q.ladder + whole.p95, ""},
		"averages":  {q.average, "sum by (instance) (rate(d_sum" + also + "[90s]))/sum by (instance) (rate(d_count" + also + "[90s]))"},
	} {
		// A matcher is put before those of the mapping: their order says nothing.
		if !sameParts(tt.got, tt.want) {
			t.Errorf("%s: %s, want %s", name, tt.got, tt.want)
		}
	}
	p.classes = true
	if p.throttled(60e9) != "" {
		t.Error("429s cannot be told from classes")
	}
}

// sameParts compares expressions but for the order of their conditions.
func sameParts(a, b string) bool {
	parts := func(s string) map[string]int {
		m := map[string]int{}
		for p := range strings.SplitSeq(strings.NewReplacer("{", ",", "}", ",").Replace(s), ",") {
			m[p]++
		}
		return m
	}
	x, y := parts(a), parts(b)
	if len(x) != len(y) {
		return false
	}
	for p, n := range x {
		if y[p] != n {
			return false
		}
	}
	return true
}
