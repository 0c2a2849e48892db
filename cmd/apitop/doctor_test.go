package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"

	"apitop/collectors/analysis"
	"apitop/collectors/redisconn"
	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/safe"
	"apitop/collectors/scrape"
	"apitop/collectors/snapshot"
	"apitop/demoapi/servertest"
)

// doctor runs "apitop doctor --format json" and reads what it prints.
func doctor(t *testing.T, args ...string) (d checkup, code int) {
	t.Helper()
	out, errs, code := execute(t, append([]string{"doctor", "--format", "json", "--interval", "200ms"}, args...)...)
	var doc struct {
		OK      bool
		Schema  string
		Panels  []panel
		Sources []struct {
			Name, State, Error, Fix string
			Reading                 *howRead
			Notes                   []struct{ What, Fix string }
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatalf("exit %d, %v, %s\n%s", code, err, errs, out)
	}
	if doc.Schema != checkupSchema || doc.OK != (code == exitOK) || strings.Contains(string(out)+errs, "S3cr3tPW") {
		t.Errorf("exit %d, %s\n%s", code, errs, out)
	}
	d.Panels = doc.Panels
	for _, s := range doc.Sources {
		c := checked{Reading: s.Reading}
		c.Name, c.State, c.Fix = safe.New(s.Name), analysis.State(s.State), s.Fix
		if s.Error != "" {
			c.Error = &s.Error
		}
		for _, n := range s.Notes {
			c.Notes = append(c.Notes, analysis.Note{What: safe.New(n.What), Fix: n.Fix})
		}
		d.Sources = append(d.Sources, c)
	}
	return d, code
}

// emptyPanels lists what stays empty, with its fix.
func emptyPanels(panels []panel) map[string]string {
	list := map[string]string{}
	for _, p := range panels {
		if p.Empty {
			list[p.Area+" "+p.Panel] = p.Fix
		}
	}
	return list
}

// said is everything that d says of the sources whose names begin so.
func said(d checkup, name string) string {
	var b strings.Builder
	for _, s := range d.Sources {
		if !strings.HasPrefix(s.Name.String(), name) {
			continue
		}
		fmt.Fprintf(&b, "%s %s", s.State, s.Fix)
		if s.Error != nil {
			b.WriteString(" " + *s.Error)
		}
		for _, n := range s.Notes {
			fmt.Fprintf(&b, " %s -> %s", n.What, n.Fix)
		}
	}
	return b.String()
}

// TestDoctorOnRealServers: a Redis user without rights, and a Postgres without
// the extension, each with the line that cures it; then with it cured.
func TestDoctorOnRealServers(t *testing.T) {
	redis := redistest.Start(t)
	redis.Do("ACL", "SETUSER", "mon", "on", ">S3cr3tPW", "~*", "-@all", "+ping", "+info", "+hello")
	dsn := servertest.StartPostgres(t)
	args := []string{page(t), "--redis", "unix://mon:S3cr3tPW@" + redis.Sock, "--postgres", dsn}

	d, code := doctor(t, args...)
	if code != exitUnmeasured {
		t.Errorf("exit %d", code)
	}
	if got := said(d, "metrics"); !strings.HasPrefix(got, "ok") {
		t.Errorf("metrics: %s", got)
	}
	if got := said(d, "redis"); !strings.Contains(got, "ACL SETUSER name +scan") {
		t.Errorf("redis: %s", got)
	}
	if got := said(d, "postgres"); !strings.Contains(got, "CREATE EXTENSION pg_stat_statements") {
		t.Errorf("postgres: %s", got)
	}
	empty := emptyPanels(d.Panels)
	if fix := empty["Database statements"]; !strings.Contains(fix, "CREATE EXTENSION") {
		t.Errorf("the fix for statements is %q", fix)
	}
	if _, ok := empty["Database connections"]; ok {
		t.Error("connections are said to be empty")
	}
	if fix, ok := empty["Cache hot keys"]; !ok || !strings.Contains(fix, "ACL SETUSER") {
		t.Errorf("the fix for hot keys is %q", fix)
	}

	redis.Do(append([]string{"ACL", "SETUSER", "mon"}, strings.Fields(redisconn.ACLRules)...)...)
	redis.Do("ZADD", "access_frequency", "5", "product:1")
	redis.Do("SET", "product:1", "x")
	d, _ = doctor(t, args...)
	if got := said(d, "redis"); strings.Contains(got, "ACL") {
		t.Errorf("redis, cured: %s", got)
	}
	if fix, ok := emptyPanels(d.Panels)["Cache hot keys"]; ok {
		t.Errorf("hot keys stay empty: %s", fix)
	}
}

// TestDoctorOnBrokenSources says of each what is wrong, and exits with 3.
func TestDoctorOnBrokenSources(t *testing.T) {
	html := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<!DOCTYPE html><html></html>"))
	}))
	defer html.Close()
	denied := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer denied.Close()
	closed := freeAddr(t)
	d, code := doctor(t, html.URL, "http://u:S3cr3tPW@"+denied.Listener.Addr().String(), "http://u:S3cr3tPW@"+closed,
		"--redis", "redis://:S3cr3tPW@"+closed, "--postgres", "postgres://u:S3cr3tPW@"+closed+"/db", "--no-host")
	if code != exitUnmeasured {
		t.Errorf("exit %d", code)
	}
	for name, want := range map[string]string{
		"metrics " + html.Listener.Addr().String():   "HTML",
		"metrics " + denied.Listener.Addr().String(): "401",
		"metrics " + closed:                          "connection refused",
		"redis " + closed:                            "connection refused",
		"postgres " + closed:                         "connection refused",
	} {
		if got := said(d, name); !strings.HasPrefix(got, "failed") || !strings.Contains(got, want) {
			t.Errorf("%s: %s; want %s", name, got, want)
		}
	}
	empty := emptyPanels(d.Panels)
	for _, name := range []string{"Overview request rate", "Traffic routes", "Cache server", "Limits subjects", "Database statements", "Host machine"} {
		if empty[name] == "" {
			t.Errorf("%s: no fix in %v", name, empty)
		}
	}
}

// evidenceOf is what a page alone tells.
func evidenceOf(t *testing.T, text string) *evidence {
	t.Helper()
	r := scrape.NewReader("a", scrape.Limits{})
	h, err := r.Read(strings.NewReader(text), "")
	if err != nil {
		t.Fatal(err)
	}
	return &evidence{config: &Config{}, pages: []*snapshot.HTTP{h}}
}

func TestPanels(t *testing.T) {
	const (
		counter   = "# TYPE http_requests_total counter\nhttp_requests_total{route=\"/a\",method=\"GET\",status=\"200\"} 1\n"
		histogram = "# TYPE http_request_duration_seconds histogram\nhttp_request_duration_seconds_bucket{route=\"/a\",le=\"1\"} 1\nhttp_request_duration_seconds_bucket{route=\"/a\",le=\"+Inf\"} 1\nhttp_request_duration_seconds_sum{route=\"/a\"} 1\nhttp_request_duration_seconds_count{route=\"/a\"} 1\n"
		inFlight  = "# TYPE http_requests_in_progress gauge\nhttp_requests_in_progress 1\n"
		process   = "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 1\n# TYPE go_goroutines gauge\ngo_goroutines 5\n# TYPE go_memstats_heap_alloc_bytes gauge\ngo_memstats_heap_alloc_bytes 5\n"
	)
	tests := map[string]struct {
		text  string
		empty []string // of the panels that a page fills
		fix   string   // of the first
	}{
		"all":        {counter + histogram + inFlight + process, nil, ""},
		"no process": {counter + histogram + inFlight, []string{"Host process", "Host runtime"}, "--pid"},
		"no gauge":   {counter + histogram + process, []string{"Overview in flight"}, "http_requests_in_progress"},
		"no latency": {counter + inFlight + process, []string{"Overview latency"}, "mapping.duration"},
		"summary": {
			counter + inFlight + process + "# TYPE http_request_duration_seconds summary\nhttp_request_duration_seconds_sum{route=\"/a\"} 1\nhttp_request_duration_seconds_count{route=\"/a\"} 1\n",
			[]string{"Overview latency"}, "histogram",
		},
		"no status": {
			histogram + inFlight + process + "# TYPE http_requests_total counter\nhttp_requests_total{route=\"/a\",method=\"GET\"} 1\n",
			[]string{"Overview errors"}, "mapping.status",
		},
		"no route": {
			inFlight + process + strings.ReplaceAll(histogram, `route="/a"`, `x="y"`) + "# TYPE http_requests_total counter\nhttp_requests_total{method=\"GET\",status=\"200\"} 1\n",
			[]string{"Traffic routes"}, "mapping.route",
		},
		"nothing": {process, []string{"Overview request rate", "Overview errors", "Overview latency", "Overview in flight", "Traffic routes"}, "mapping.requests"},
	}
	ofPage := []string{"Overview request rate", "Overview errors", "Overview latency", "Overview in flight", "Traffic routes", "Host process", "Host runtime"}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			empty := emptyPanels(judge(evidenceOf(t, tt.text)))
			for _, p := range ofPage {
				if _, got := empty[p]; got != slices.Contains(tt.empty, p) {
					t.Errorf("%s: empty = %v (%s)", p, got, empty[p])
				}
			}
			if len(tt.empty) > 0 && !strings.Contains(empty[tt.empty[0]], tt.fix) {
				t.Errorf("the fix is %q, want %q", empty[tt.empty[0]], tt.fix)
			}
		})
	}
}

// TestDoctorText: what a person reads, with bad lines by number, in lines no
// wider than the terminal, and without an escape sequence.
func TestDoctorText(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("# TYPE http_requests_total counter\nhttp_requests_total{handler=\"/a\",code=\"200\"} 1\nhttp_requests_total{handler=\"/b\" 1\nx one\n"))
	}))
	defer s.Close()
	host := s.Listener.Addr().String()
	out, errs, code := execute(t, "doctor", host, "--no-host", "--interval", "200ms")
	if code != exitOK {
		t.Fatalf("exit %d, %s", code, errs)
	}
	for _, want := range []string{
		"partly   metrics " + host,
		"text, 1 sample, 2 bad lines",
		"requests  http_requests_total (route=handler status=code)",
		"because   http_requests_total: counter of requests",
		"bad lines 3: ",
		"          4: ",
		"empty    Cache server, Cache latency, Cache errors, Cache hot keys, Cache prefixes, Cache sizes, Cache missed keys, Limits subjects, Limits limits, Limits denied\n         ! no Redis is watched\n           → --redis redis://HOST:6379, or redis: in the config",
		"ok       Overview request rate, Overview errors\n",
		"1 source: 1 partly",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if bytes.ContainsAny(out, "\x1b\t") {
		t.Error("there are control characters")
	}
}

// TestUnderstood: what several processes, and a server that adds up, come to.
func TestUnderstood(t *testing.T) {
	series := &snapshot.Series{Route: safe.New("/a"), Status: safe.New("200")}
	native := &snapshot.HTTP{
		Page:      snapshot.Page{Unit: "seconds", FirstBad: []snapshot.BadLine{{Line: 7, Why: safe.New("no value")}}},
		Durations: []snapshot.Histogram{{Series: series, Native: &snapshot.Native{}}},
	}
	m := &scrape.Mapping{
		Dialect: "x", Duration: "d", Statuses: "s", Ends: scrape.Labels{Status: "t"}, Why: []string{"because \x1b[2J"},
		Counts: scrape.Labels{Route: []string{"a", "b"}, Status: "c"}, Times: scrape.Labels{Route: []string{"a"}},
	}
	tests := map[string]struct {
		reading snapshot.Reading
		mapping *scrape.Mapping
		want    string
	}{
		"processes":  {snapshot.Pages{native, native}, m, "{2 x d_count (route=a|b status=c) d (route=a) s (status=t) seconds native [because ^[[2J] [{7 no value}]}"},
		"server":     {&snapshot.Rates{Durations: []snapshot.Histogram{{Series: series, Bounds: []float64{1}}}}, m, "{1 x d_count (route=a|b status=c) d (route=a) s (status=t)  classic [because ^[[2J] []}"},
		"no mapping": {&snapshot.HTTP{}, nil, "{1      none [] []}"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := fmt.Sprint(*understood(tt.reading, tt.mapping)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	if understood(&snapshot.Redis{}, nil) != nil {
		t.Error("a Redis is read as a metrics page")
	}
}

func TestBroken(t *testing.T) {
	tests := map[string]struct {
		text  string
		width int
		want  string
	}{
		"words":      {"one two three", 7, "one two/three"},
		"exact":      {"one two", 7, "one two"},
		"long word":  {"a abcdefghij b", 4, "a/abcd/efgh/ij b"},
		"wide":       {"世界 世界", 5, "世界/世界"},
		"nothing":    {"", 5, ""},
		"many space": {"a   b", 5, "a b"},
	}
	for name, tt := range tests {
		if got := strings.Join(broken(tt.text, tt.width), "/"); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestCheckupWidth(t *testing.T) {
	what := strings.Repeat("the page has no durations of requests ", 6)
	hostile := safe.New("metrics \x1b[2Jé世界")
	d := &checkup{Sources: []checked{{Source: analysis.Source{
		Name: hostile, State: analysis.StateFailed, Error: &what, Fix: what,
		Notes: []analysis.Note{{What: safe.New(what), Fix: what}},
	}}}, Panels: []panel{{Area: "Overview", Panel: "latency", Empty: true, Why: what, Fix: what}}}
	for _, width := range []int{40, 60, 80, 200} {
		var b bytes.Buffer
		if err := writeCheckup(&b, d, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := runewidth.StringWidth(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("at %d: a line of %d: %q", width, n, line)
			}
		}
		if strings.Contains(b.String(), "\x1b") {
			t.Error("an escape sequence is printed")
		}
	}
}

// TestDoctorLikeBefore: instances that are read alike are explained once.
func TestDoctorLikeBefore(t *testing.T) {
	out, errs, code := execute(t, "doctor", page(t), page(t), "--no-host", "--interval", "200ms")
	if code != exitOK || strings.Count(string(out), "because") != 1 || strings.Count(string(out), "read like metrics 127.0.0.1") != 1 {
		t.Errorf("exit %d, %s\n%s", code, errs, out)
	}
}

func TestDoctorHints(t *testing.T) {
	file := configFile(t, "redis: redis://:S3cr3tPW@h\n")
	env := map[string]string{"REDIS_URL": "redis://:S3cr3tPW@h"}
	open := configFile(t, "S3cr3tPW")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		env  map[string]string
		args []string
		want []string // in the order of the hints
	}{
		"nothing secret": {nil, []string{"localhost:1", "--redis", "redis://h", "--postgres", "postgres://u@h/db"}, nil},
		"all three":      {nil, []string{"http://u:S3cr3tPW@h", "--redis", "redis://:S3cr3tPW@h", "--postgres", "host=h password=S3cr3tPW"}, []string{"--postgres", "--redis", "URL"}},
		"environment":    {env, nil, nil},
		"open file":      {env, []string{"--redis-password-file", open}, []string{open}},
		"closed file":    {env, []string{"--redis-password-file", file}, nil},
		"file":           {nil, []string{"--config", file}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := completed(t, tt.env, tt.args...)
			if err != nil {
				t.Fatal(err)
			}
			hints := c.hints()
			if len(hints) != len(tt.want) {
				t.Fatalf("hints %v, want %v", hints, tt.want)
			}
			for i, want := range tt.want {
				if !strings.Contains(hints[i].What, want) || hints[i].Fix == "" || strings.Contains(fmt.Sprint(hints[i]), "S3cr3tPW") {
					t.Errorf("hint %v, want %s", hints[i], want)
				}
			}
		})
	}
}
