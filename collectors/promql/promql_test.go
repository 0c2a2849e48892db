package promql

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
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
	if len(c.Notes()) > 0 {
		t.Errorf("notes %v", c.Notes())
	}
	if m, ok := c.Mapping(); !ok || m.Counter != "http_requests_total" || m.InFlight != "http_requests_in_flight" {
		t.Errorf("the mapping is %+v, %v", m, ok)
	}
}

// TestHardWork: a server that works long for a reading is asked less often, and
// the user told why.
func TestHardWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{URL: "http://h:9090", Match: `job="demo"`})
		usual := usual()
		c.api.transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go serve(far, func(expr string) string {
				if strings.HasPrefix(expr, "sum by (le,") {
					time.Sleep(4 * time.Second)
				}
				result, _ := longest(usual, expr)
				return cmp.Or(result, vector())
			})
			return near, nil
		}
		r := collect(t, c)
		if r.Every != 20*time.Second || len(c.Notes()) != 1 || c.Notes()[0].What.Raw() != "the server needed 4s for a reading, so that one comes every 20s" {
			t.Errorf("every %v, notes %v", r.Every, c.Notes())
		}
		c.Close()
	})
}

// serve answers queries over one connection until it ends.
func serve(conn net.Conn, say func(expr string) string) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(in)
		if err != nil || r.ParseForm() != nil {
			return
		}
		body := `{"status":"success","data":` + say(r.Form.Get("query")) + `}`
		if _, err := fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			return
		}
	}
}

// TestSeveralJobs: what another job counts elsewhere would be missing unseen.
func TestSeveralJobs(t *testing.T) {
	f := &fake{say: map[string]string{"count by (job) (up": vector(one("job=web", 3), one("job=api", 2))}}
	c := open(t, Config{URL: f.start(t), Match: `env="prod"`})
	f.say[`{env="prod",instance="h:1",job="demo"}`] = usual()[`{job="demo"`]
	f.say[`sum by (route,method,status) (rate(http_requests_total{env="prod"}`] = usual()["sum by (route,method,status) (rate(http_requests_total"]
	for range 2 {
		collect(t, c)
		if n := c.Notes(); len(n) != 1 || !strings.Contains(n[0].What.Raw(), "several jobs (api, web)") {
			t.Errorf("notes %v", n)
		}
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
	second := collect(t, c)
	if n := len(f.asked) - asked; n != 5 {
		t.Errorf("a later reading asks %d questions", n)
	}
	if second.Requests[0].Series != first.Requests[0].Series || second.Durations[0].Series != first.Durations[0].Series {
		t.Error("readings do not share their series")
	}
	if !reflect.DeepEqual(second.Instances, first.Instances) {
		t.Error("the instances are forgotten until they are asked for again")
	}
	if p := c.pause(time.Millisecond); p != 5*time.Second || first.Every < p || c.Rest() < p {
		t.Errorf("pause %v", p)
	}
	if p := c.pause(3 * time.Second); p != 15*time.Second {
		t.Errorf("pause after a slow answer %v", p)
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
