package promql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

func TestReading(t *testing.T) {
	f := &fake{}
	c := open(t, Config{URL: f.start(t), Match: `job="demo"`})
	r := collect(t, c)
	if r.Window != time.Minute {
		t.Errorf("the window of scrapes each 15 s is %v", r.Window)
	}
	if r.Page.Counter.Raw() != "http_requests_total" || r.Page.Duration.Raw() != "http_request_duration_seconds" || r.Page.Format != "promql" {
		t.Errorf("the page is %+v", r.Page)
	}
	got := map[string]float64{}
	for _, x := range r.Requests {
		got[x.Series.Method.Raw()+" "+x.Series.Route.Raw()+" "+x.Series.Status.Raw()] = x.Total
	}
	want := map[string]float64{"GET /a 200": 27, "GET /a 500": 3, "GET /b 200": 10}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("requests %v, want %v", got, want)
	}
	if len(r.Durations) != 2 {
		t.Fatalf("durations %+v", r.Durations)
	}
	a, b := r.Durations[0], r.Durations[1]
	if !slices.Equal(a.Bounds, []float64{0.1, 1}) || !slices.Equal(a.Cumulative, []float64{15, 30, 30}) || a.Count != 30 || a.Sum != 6 {
		t.Errorf("durations of /a: %+v", a)
	}
	if &a.Bounds[0] != &b.Bounds[0] {
		t.Error("equal ladders are not shared")
	}
	if r.InFlight != snapshot.Known(7) {
		t.Errorf("in flight %v", r.InFlight)
	}
	wantInstances := []snapshot.InstanceRates{
		{Name: safe.New("h:1"), Up: snapshot.Known(1), RPS: snapshot.Known(40), ErrorRatio: snapshot.Known(0.075), P95Seconds: snapshot.Known(0.5), AvgSeconds: snapshot.Known(0.16), InFlight: snapshot.Known(7)},
		{Name: safe.New("h:2"), Up: snapshot.Known(0)},
	}
	if !reflect.DeepEqual(r.Instances, wantInstances) {
		t.Errorf("instances %+v", r.Instances)
	}
	if c.Notes() != nil && len(c.Notes()) > 0 && !strings.Contains(c.Notes()[0].What.Raw(), "newest sample") {
		t.Errorf("notes %v", c.Notes())
	}
}

// TestQueriesShareTheirTime: the figures of one reading are of one moment.
func TestQueriesShareTheirTime(t *testing.T) {
	f := &fake{}
	c := open(t, Config{URL: f.start(t), Match: `job="demo"`})
	collect(t, c)
	times := map[string]int{}
	for _, q := range f.asked {
		if strings.Contains(q.Get("query"), "rate(") {
			times[q.Get("time")]++
		}
	}
	if len(times) != 1 || times[""] > 0 {
		t.Errorf("times of the queries: %v", times)
	}
}

// TestPace: between two scrapes there is nothing new to ask for.
func TestPace(t *testing.T) {
	f := &fake{}
	c := open(t, Config{URL: f.start(t), Match: `job="demo"`})
	first := collect(t, c)
	asked := len(f.asked)
	if r, err := c.Collect(t.Context()); r != nil || err != nil || len(f.asked) != asked {
		t.Errorf("asked again at once: %v, %v", r, err)
	}
	c.late()
	second := collect(t, c)
	if n := len(f.asked) - asked; n != 5 {
		t.Errorf("a later reading asks %d questions", n)
	}
	if second.Requests[0].Series != first.Requests[0].Series || second.Durations[0].Series != first.Durations[0].Series {
		t.Error("readings do not share their series")
	}
	if !slices.Equal(second.Instances, first.Instances) {
		t.Error("the instances are forgotten until they are asked for again")
	}
	if p := c.pause(time.Millisecond); p != 5*time.Second || first.Every < p {
		t.Errorf("pause %v", p)
	}
	if p := c.pause(3 * time.Second); p != 15*time.Second {
		t.Errorf("pause after a slow answer %v", p)
	}
}

func TestQuirks(t *testing.T) {
	tests := map[string]struct {
		path   string
		web    web.Settings
		before func(w http.ResponseWriter, r *http.Request) bool
		note   string
	}{
		"a prefix": {path: "/prometheus/", before: func(w http.ResponseWriter, r *http.Request) bool {
			return refuse(w, !strings.HasPrefix(r.URL.Path, "/prometheus/api/v1/"), http.StatusNotFound)
		}},
		"the path of the API": {path: "/select/0/prometheus/api/v1/query", before: func(w http.ResponseWriter, r *http.Request) bool {
			return refuse(w, !strings.HasPrefix(r.URL.Path, "/select/0/prometheus/api/v1/"), http.StatusNotFound)
		}},
		"a tenant": {
			web: web.Settings{Headers: map[string]safe.Secret[string]{"X-Scope-OrgID": safe.Hide("team-a")}},
			before: func(w http.ResponseWriter, r *http.Request) bool {
				return refuse(w, r.Header.Get("X-Scope-OrgID") != "team-a", http.StatusUnauthorized)
			},
		},
		"parameters": {path: "?dedup=true&partial_response=false", before: func(w http.ResponseWriter, r *http.Request) bool {
			return refuse(w, r.Form.Get("dedup") != "true" || r.Form.Get("partial_response") != "false", http.StatusBadRequest)
		}},
		"GET alone, 405": {before: func(w http.ResponseWriter, r *http.Request) bool {
			return refuse(w, r.Method != http.MethodGet, http.StatusMethodNotAllowed)
		}},
		"GET alone, 403": {before: func(w http.ResponseWriter, r *http.Request) bool {
			return refuse(w, r.Method != http.MethodGet, http.StatusForbidden)
		}},
		"GET alone, 501": {before: func(w http.ResponseWriter, r *http.Request) bool {
			return refuse(w, r.Method != http.MethodGet, http.StatusNotImplemented)
		}},
		"no metadata": {before: func(w http.ResponseWriter, r *http.Request) bool {
			return refuse(w, strings.HasSuffix(r.URL.Path, "/metadata"), http.StatusNotFound)
		}},
		"empty metadata": {before: func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/metadata") {
				return false
			}
			fmt.Fprint(w, `{"status":"success","data":{}}`)
			return true
		}},
		"warnings": {note: "the server warns: no StoreAPIs matched", before: func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.Form.Get("query"), "sum(http_requests_in_flight") {
				return false
			}
			fmt.Fprint(w, `{"status":"success","warnings":["no StoreAPIs matched"],"data":`+vector(one("", 7))+`}`)
			return true
		}},
		"infos": {note: "the server warns: metric might not be a counter", before: func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.Form.Get("query"), "sum by (route,method,status)") {
				return false
			}
			result, _ := longest(usual(), r.Form.Get("query"))
			fmt.Fprint(w, `{"status":"success","infos":["metric might not be a counter"],"data":`+result+`}`)
			return true
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &fake{before: tt.before}
			c := open(t, Config{URL: f.start(t) + tt.path, Match: `job="demo"`, Web: tt.web})
			if r := collect(t, c); len(r.Requests) != 3 || len(r.Durations) != 2 || r.InFlight.V != 7 {
				t.Errorf("got %+v", r)
			}
			if tt.note != "" && !slices.ContainsFunc(c.Notes(), func(n snapshot.Note) bool { return n.What.Raw() == tt.note }) {
				t.Errorf("notes %v", c.Notes())
			}
			if strings.HasPrefix(name, "GET alone") {
				if posts := count(f.verbs, http.MethodPost); posts > maxConnections {
					t.Errorf("POST was tried %d times", posts)
				}
			}
		})
	}
}

func refuse(w http.ResponseWriter, no bool, code int) bool {
	if no {
		w.WriteHeader(code)
	}
	return no
}

func count(list []string, s string) (n int) {
	for _, x := range list {
		if x == s {
			n++
		}
	}
	return n
}

func TestFailures(t *testing.T) {
	status := func(code int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}
	}
	problem := func(code int, kind, text string) http.HandlerFunc {
		return status(code, "application/json", fmt.Sprintf(`{"status":"error","errorType":%q,"error":%q}`, kind, text))
	}
	tests := map[string]struct {
		answer    http.HandlerFunc
		kind      snapshot.FailureKind
		what, fix string
	}{
		"bad data":        {problem(400, "bad_data", "parse error: x"), snapshot.Unsupported, "does not take the query: parse error: x", "--match"},
		"too many":        {problem(422, "execution", "query processing would load too many samples into memory"), snapshot.Unsupported, "too many samples", fixLoad},
		"VictoriaMetrics": {problem(422, "422", "cannot select more than -search.maxSamplesPerQuery"), snapshot.Unsupported, "cannot run the query", fixLoad},
		"a timeout":       {problem(503, "timeout", "query timed out in expression evaluation"), snapshot.Unreachable, "gave the query up", fixLoad},
		"not ready":       {problem(503, "unavailable", "TSDB not ready"), snapshot.Unreachable, "is not ready: TSDB not ready", "started"},
		"limited":         {problem(429, "too_many_requests", "too many outstanding requests"), snapshot.Denied, "limits the queries", "raise"},
		"an error":        {problem(500, "internal", "expanding series"), snapshot.Unsupported, "answers with an error: expanding series", "log"},
		"no tenant":       {status(401, "text/plain", "no org id\n"), snapshot.Denied, "no tenant was named", "X-Scope-OrgID"},
		"401":             {status(401, "text/html", "<html>"), snapshot.Denied, "401 Unauthorized", "authorization in the config"},
		"403":             {status(403, "text/html", "<html>"), snapshot.Denied, "403 Forbidden", "let this host"},
		"404":             {status(404, "text/plain", "404 page not found"), snapshot.Unsupported, "404 Not Found", "/prometheus"},
		"a web page":      {status(200, "text/html", "<!DOCTYPE html>"), snapshot.Unsupported, "with a web page", "/select/0/prometheus"},
		"other JSON":      {status(200, "application/json", `{"ok":true}`), snapshot.Unsupported, "something else", "prefix"},
		"half an answer":  {status(200, "application/json", `{"status":"success","data":{"resultType":"vector","result":[`), snapshot.Unsupported, "something else", "prefix"},
		"a gateway":       {status(502, "text/html", "<html>"), snapshot.Unreachable, "502 Bad Gateway", "behind the proxy"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.example/?next=secret", http.StatusFound)
		}, snapshot.Unsupported, "302 Found -> login.example", "not followed"},
		"too large": {func(w http.ResponseWriter, _ *http.Request) {
			chunk := []byte(strings.Repeat(" ", 1<<20))
			for range maxBodyBytes/len(chunk) + 1 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, snapshot.Unsupported, "larger than 32 MiB", "narrow --match"},
		"a broken answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{")
		}, snapshot.Unreachable, "closed the connection", "server runs"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := fails(t, tt.answer)
			if f.Kind != tt.kind || !strings.Contains(f.What.Raw(), tt.what) || !strings.Contains(f.Fix, tt.fix) {
				t.Errorf("got %s: %v", f.Kind, f)
			}
		})
	}
}

func TestNoConnection(t *testing.T) {
	tests := map[string]struct {
		url, what string
	}{
		"refused": {"http://127.0.0.1:1/", "connection refused by 127.0.0.1:1"},
		"no host": {"http://nowhere.invalid:9090", "nowhere.invalid"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := open(t, Config{URL: tt.url, Match: "job=x"})
			_, err := c.Collect(t.Context())
			if f, ok := failure(err); !ok || f.Kind != snapshot.Unreachable || !strings.Contains(f.What.Raw(), tt.what) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSlowServer(t *testing.T) {
	release := make(chan struct{})
	f := &fake{before: func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return true
	}}
	c := open(t, Config{URL: f.start(t), Match: "job=demo"})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Collect(ctx)
	if f, ok := failure(err); !ok || f.Kind != snapshot.Unreachable || !strings.Contains(f.What.Raw(), "did not answer within") {
		t.Errorf("got %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := c.Collect(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(release)
}

func TestWithoutMatch(t *testing.T) {
	tests := map[string]struct {
		match string
		say   map[string]string
		what  string
	}{
		"none":                {"", nil, "no --match was given"},
		"nothing matches":     {`job="demo"`, map[string]string{"topk(3,up": vector(), "topk(3,count": vector()}, "nothing at the server matches"},
		"no request metrics":  {`job="demo"`, map[string]string{`{job="demo"`: vector(one("__name__=node_load1 job=demo instance=h:1", 1))}, "no request metrics among the 1 families"},
		"an instance without": {`job="demo"`, map[string]string{`{job="demo"`: vector()}, "no request metrics among the 0 families"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := open(t, Config{URL: (&fake{say: tt.say}).start(t), Match: tt.match})
			_, err := c.Collect(t.Context())
			f, ok := failure(err)
			if !ok || f.Kind != snapshot.NoData || !strings.Contains(f.What.Raw(), tt.what) || !strings.Contains(f.Fix, `api, shop; give one as --match 'job="api"'`) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestDown(t *testing.T) {
	tests := map[string]struct {
		say  map[string]string
		what string
	}{
		"no instance is up": {map[string]string{"topk(3,up": vector(one("job=demo instance=h:1", 0))}, "no instance of"},
		"no new samples": {map[string]string{"sum by (route,method,status)": vector(), "max(timestamp": vector(one("", 1600000000))},
			"no requests of {job=\"demo\"} in the last 1m0s: the server has no new samples"},
		"a young series": {map[string]string{"sum by (route,method,status)": vector(), "max(timestamp": vector()}, "its series are younger than that"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := open(t, Config{URL: (&fake{say: tt.say}).start(t), Match: "job=demo"})
			_, err := c.Collect(t.Context())
			if f, ok := failure(err); !ok || f.Kind != snapshot.NoData || !strings.Contains(f.What.Raw(), tt.what) {
				t.Errorf("got %v", err)
			}
			if c.found != nil {
				t.Error("what was found is kept, though it may be gone")
			}
		})
	}
}

// TestSecrets prints a Collector in all ways.
func TestSecrets(t *testing.T) {
	cfg := Config{URL: "http://user:secret1@h:1/p?token=secret2", Match: "job=x", Web: web.Settings{
		Headers: map[string]safe.Secret[string]{"X-Key": safe.Hide("secret3")},
	}}
	c := open(t, cfg)
	for _, v := range []any{c, cfg, c.api, c.api.address, c.Source()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, "secret") {
				t.Errorf("%s of %T shows a secret: %s", verb, v, text)
			}
		}
	}
	if got := c.Source().Name.Raw(); got != "prometheus h:1/p" {
		t.Errorf("the source is called %s", got)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, cfg := range map[string]Config{
		"scheme": {URL: "ftp://h"}, "host": {URL: "http://"}, "port": {URL: "h:99999"}, "match": {URL: "h:1", Match: "x"},
		"password": {URL: "http://u:secret#@h:1"}, "query": {URL: "http://h:1?a=%zz;secret"}, "percent": {URL: "http://secret%:x@h"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := New(cfg)
			if err == nil || c != nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v, %v", c, err)
			}
		})
	}
}
