package promql

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"apitop/collectors/snapshot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a server of the API. What it says of a query depends on its text
// alone: the figures of a service with two routes and two instances.
type fake struct {
	say    map[string]string                                 // result by the beginning of the expression, before the usual ones
	before func(w http.ResponseWriter, r *http.Request) bool // answers in place of the API; nil: never

	mu    sync.Mutex // guards what follows
	asked []url.Values
	paths []string
	verbs []string
}

// at is the time of all samples.
const at = "1700000000"

// vector writes a result of rows: labels and a value each.
func vector(rows ...string) string {
	return `{"resultType":"vector","result":[` + strings.Join(rows, ",") + `]}`
}

// one is a row. The labels are name=value, parted by spaces.
func one(labels string, value any) string {
	return `{"metric":` + metric(labels) + `,"value":[` + at + `,"` + fmt.Sprint(value) + `"]}`
}

func metric(labels string) string {
	m := map[string]string{}
	for l := range strings.FieldsSeq(labels) {
		name, value, _ := strings.Cut(l, "=")
		m[name] = value
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// usual is what the fake says: 30 requests a second on /a, a tenth of them
// failing, and 10 on /b.
func usual() map[string]string {
	const target = " job=demo instance=h:1"
	return map[string]string{
		"vector(time())": vector(one("", at)),
		"topk(3,up":      vector(one("__name__=up"+target, 1)),
		`{job="demo"`: vector(
			one("__name__=up"+target, 1),
			one("__name__=http_requests_total method=GET route=/a status=200"+target, 100),
			one("__name__=http_requests_total method=GET route=/a status=500"+target, 1),
			one("__name__=http_request_duration_seconds_bucket le=0.1 method=GET route=/a"+target, 50),
			one("__name__=http_request_duration_seconds_bucket le=+Inf method=GET route=/a"+target, 101),
			one("__name__=http_request_duration_seconds_sum method=GET route=/a"+target, 9),
			one("__name__=http_request_duration_seconds_count method=GET route=/a"+target, 101),
			one("__name__=http_requests_in_flight"+target, 3),
		),
		"up{": `{"resultType":"matrix","result":[{"metric":{},"values":[[1000,"1"],[1015,"1"],[1030.002,"1"],[1045,"1"]]}]}`,
		"sum by (route,method,status) (rate(http_requests_total": vector(
			one("method=GET route=/a status=200", 27), one("method=GET route=/a status=500", 3), one("method=GET route=/b status=200", 10)),
		"sum by (le,route,method) (rate(http_request_duration_seconds_bucket": vector(
			one("method=GET route=/a le=0.1", 15), one("method=GET route=/a le=+Inf", 30), one("method=GET route=/a le=1", 30),
			one("method=GET route=/b le=0.1", 10), one("method=GET route=/b le=1.0", 10), one("method=GET route=/b le=+Inf", 10)),
		"sum by (route,method) (rate(http_request_duration_seconds_sum":   vector(one("method=GET route=/a", 6), one("method=GET route=/b", 0.5)),
		"sum(http_requests_in_flight":                                     vector(one("", 7)),
		"max(timestamp(up":                                                vector(one("", at)),
		`up{job="demo"}`:                                                  vector(one("instance=h:1", 1), one("instance=h:2", 0)),
		`sum by (instance) (rate(http_requests_total{job="demo"}`:         vector(one("instance=h:1", 40)),
		`sum by (instance) (rate(http_requests_total{job="demo",status=~`: vector(one("instance=h:1", 3)),
		"histogram_quantile(0.95,sum by (le,instance)":                    vector(one("instance=h:1", 0.5)),
		"sum by (instance) (rate(http_request_duration_seconds_sum":       vector(one("instance=h:1", 0.16)),
		"sum by (instance) (http_requests_in_flight":                      vector(one("instance=h:1", 7)),
	}
}

// start runs the fake until the test ends and gives its address.
func (f *fake) start(t testing.TB) string {
	t.Helper()
	usual := usual()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ParseForm() != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		f.note(r)
		if f.before != nil && f.before(w, r) {
			return
		}
		_, endpoint, _ := strings.Cut(r.URL.Path, "/api/v1/")
		switch endpoint {
		case "metadata":
			fmt.Fprint(w, `{"status":"success","data":{"http_requests_total":[{"type":"counter"}],"http_request_duration_seconds":[{"type":"histogram"}]}}`)
		case "label/job/values":
			fmt.Fprint(w, `{"status":"success","data":["api","shop"]}`)
		case "query", "query_range":
			expr := r.Form.Get("query")
			result, ok := longest(f.say, expr)
			if !ok {
				result, ok = longest(usual, expr)
			}
			if !ok {
				result = vector()
			}
			fmt.Fprint(w, `{"status":"success","data":`+result+`}`)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// longest is the entry with the longest key that expr begins with.
func longest(say map[string]string, expr string) (string, bool) {
	best, found := "", false
	for begins := range say {
		if strings.HasPrefix(expr, begins) && len(begins) >= len(best) {
			best, found = begins, true
		}
	}
	return say[best], found
}

func (f *fake) note(r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r.Form)
	f.paths = append(f.paths, r.URL.Path)
	f.verbs = append(f.verbs, r.Method)
}

// open makes a Collector of the fake.
func open(t testing.TB, cfg Config) *Collector {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func collect(t testing.TB, c *Collector) *snapshot.Rates {
	t.Helper()
	r, err := c.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rates, ok := r.(*snapshot.Rates)
	if !ok {
		t.Fatalf("the reading is %T", r)
	}
	return rates
}

// fails collects from a server that answers so, and gives the failure.
func fails(t *testing.T, answer http.HandlerFunc) *snapshot.Failure {
	t.Helper()
	s := httptest.NewServer(answer)
	defer s.Close()
	c := open(t, Config{URL: s.URL + "?token=secret-in-the-query", Match: `job="demo"`})
	r, err := c.Collect(t.Context())
	f, ok := failure(err)
	if !ok || r != nil {
		t.Fatalf("got %v, %v", r, err)
	}
	if strings.Contains(f.Error(), "secret") {
		t.Errorf("a secret is shown: %v", f)
	}
	return f
}
