package promql

import (
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"apitop/collectors/snapshot"
)

// apart is what a server says of a service whose histogram has the routes and
// whose counter has the statuses: 40 requests a second, a tenth of them failing.
func apart() map[string]string {
	const target = " job=demo instance=h:1"
	const failed = `sum(rate(flask_http_request_total{job="demo",status=~"5.*"}`
	return map[string]string{
		`{job="demo"`: vector(
			one("__name__=flask_http_request_total method=GET status=200"+target, 90),
			one("__name__=flask_http_request_total method=GET status=500"+target, 11),
			one("__name__=flask_http_request_duration_seconds_bucket le=0.1 path=/a"+target, 50),
			one("__name__=flask_http_request_duration_seconds_bucket le=+Inf path=/a"+target, 101),
			one("__name__=flask_http_request_duration_seconds_sum path=/a"+target, 9),
			one("__name__=flask_http_request_duration_seconds_count path=/a"+target, 101),
		),
		"sum by (path) (rate(flask_http_request_duration_seconds_count":     vector(one("path=/a", 30), one("path=/b", 10)),
		"sum by (status) (rate(flask_http_request_total":                    vector(one("status=200", 34), one("status=500", 4), one("status=429", 2)),
		`sum by (instance) (rate(flask_http_request_duration_seconds_count`: vector(one("instance=h:1", 40)),
		// Scaled to the requests that the histogram counts.
		strings.Replace(failed, "sum", "sum by (instance) ", 1): vector(one("instance=h:1", 4)),
		failed: vector(one("", 4)),
	}
}

// TestStatusesApart: the errors are known of all routes together, and of each
// instance.
func TestStatusesApart(t *testing.T) {
	f := &fake{say: apart()}
	c := open(t, Config{URL: f.start(t), Match: `job="demo"`})
	r := collect(t, c)
	got := map[string]float64{}
	for _, x := range r.Statuses {
		got[x.Series.Status.Raw()+x.Series.Route.Raw()+x.Series.Method.Raw()] = x.Total
	}
	if want := map[string]float64{"200": 34, "500": 4, "429": 2}; !maps.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
	if len(r.Requests) != 2 || r.Requests[0].Total != 30 || !r.Requests[0].Series.Status.IsZero() {
		t.Errorf("requests %+v", r.Requests)
	}
	if r.Page.Statuses.Raw() != "flask_http_request_total" {
		t.Errorf("the page is %+v", r.Page)
	}
	if len(r.Instances) == 0 || r.Instances[0].ErrorRatio != snapshot.Known(0.1) {
		t.Errorf("instances %+v", r.Instances)
	}
	for _, q := range f.asked {
		if expr := q.Get("query"); strings.Contains(expr, `status=~"5.*"`) && !strings.Contains(expr,
			"/sum by (instance) (rate(flask_http_request_total{job=\"demo\"}[60s]))*sum by (instance) (rate(flask_http_request_duration_seconds_count") {
			t.Errorf("the failures are not a share of their own family: %s", expr)
		}
	}
}

// TestStatusesApartInThePast: the history has the errors, too.
func TestStatusesApartInThePast(t *testing.T) {
	f := &fake{say: apart()}
	f.before = ranges(map[string]map[string]func(int) float64{
		`sum(rate(flask_http_request_duration_seconds_count`:               {"": constant(40)},
		`sum(rate(flask_http_request_total{job="demo",status=~"5.*"}[60s]`: {"": constant(4)},
		`sum(rate(flask_http_request_total{job="demo",status="429"}[60s]`:  {"": constant(2)},
	})
	c := open(t, Config{URL: f.start(t), Match: `job="demo"`, Past: 10 * time.Minute})
	r := past(t, c)
	m := r.Past[len(r.Past)-1]
	if math.Abs(m.ErrorRatio.V-0.1) > 1e-9 || m.Throttled != snapshot.Known(2) {
		t.Errorf("the newest moment of the past is %+v", m)
	}
}
