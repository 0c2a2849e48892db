package analysis

import (
	"encoding/json"
	"strings"
	"testing"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// fullSnapshot has every section.
func fullSnapshot(i float64) snapshot.Snapshot {
	p := page{counts: get("200", 10*i), hists: map[[2]string]snapshot.Histogram{{"GET", "/a"}: hist(0, 10*i, 10*i, 10*i)}, at: at(i)}
	return snapshot.Snapshot{
		At:    at(i),
		Polls: []snapshot.Poll{{Source: snapshot.Source{Name: safe.New("metrics api"), Kind: snapshot.KindMetrics}, Started: at(i)}},
		HTTP:  []*snapshot.HTTP{p.reading()},
		Redis: oneNode(snapshot.RedisNode{At: at(i), Commands: known(i)}),
		Keys: &snapshot.Keys{At: at(i), Cache: []snapshot.CacheKey{{Key: safe.New("a\x1b[2J"), Type: "string"}}, Limiters: []snapshot.Limiter{
			{Key: safe.New("l"), Subject: safe.New("user:7"), Used: known(1)},
		}},
		Statements: statements(i, 10*i, i, 0),
		Activity:   &snapshot.Activity{At: at(i), Connections: snapshot.Connections{Used: known(3)}},
		Host:       &snapshot.Host{At: at(i), Self: &snapshot.Process{}},
	}
}

// TestJSONContract holds the names of the contract: fields are only ever added.
func TestJSONContract(t *testing.T) {
	e := New(Options{})
	e.Step(fullSnapshot(0))
	raw, err := json.Marshal(e.Step(fullSnapshot(1)))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	for path, fields := range map[string][]string{
		"":                      {"schema", "at", "window_seconds", "sources", "http", "cache", "limits", "database", "host", "findings", "self"},
		"sources.0":             {"name", "kind", "state", "error", "age_seconds", "took_seconds", "detail"},
		"http":                  {"requests", "rps", "error_ratio", "client_error_ratio", "throttled", "in_flight", "p50_seconds", "p95_seconds", "p99_seconds", "avg_seconds", "routes"},
		"http.routes.0":         {"method", "route", "requests", "rps", "error_ratio", "status", "p50_seconds", "p95_seconds", "p95_bucket_seconds", "p99_seconds", "avg_seconds"},
		"cache":                 {"hit_ratio", "ops_per_second", "memory_bytes", "evicted_per_second", "expired_per_second", "hot_keys"},
		"cache.hot_keys.0":      {"key", "reads_per_second", "ttl_seconds", "bytes", "type", "age_seconds"},
		"limits":                {"throttled_subjects", "subjects"},
		"limits.subjects.0":     {"subject", "tier", "endpoint", "layout", "algorithm", "used", "limit", "remaining", "resets_in_seconds", "denied_per_second", "blocked", "time_to_limit_seconds"},
		"database":              {"load", "calls_per_second", "hit_ratio", "connections", "statements"},
		"database.connections":  {"used", "max", "active", "idle_in_transaction", "blocked"},
		"database.statements.0": {"queryid", "query", "calls_per_second", "calls_per_request", "mean_seconds", "stddev_seconds", "share", "rows_per_call", "hit_ratio"},
		"host":                  {"cpu_ratio", "load1", "memory_used_bytes", "disk_read_bytes_per_second", "net_rx_bytes_per_second", "process"},
		"self":                  {"cpu_ratio", "rss_bytes"},
	} {
		at, ok := dig(doc, path).(map[string]any)
		if !ok {
			t.Errorf("%q is not an object: %v", path, dig(doc, path))
			continue
		}
		for _, f := range fields {
			if _, ok := at[f]; !ok {
				t.Errorf("%q has no field %q", path, f)
			}
		}
	}
	if v := dig(doc, "limits.subjects.0.limit"); v != nil {
		t.Errorf("an unknown limit is %v, want null", v)
	}
	if v, ok := dig(doc, "findings").([]any); !ok || len(v) != 0 {
		t.Errorf("findings = %v, want []", dig(doc, "findings"))
	}
	if v := dig(doc, "cache.hot_keys.0.key"); v != "a^[[2J" {
		t.Errorf("a hostile key reads %q", v)
	}
}

func dig(v any, path string) any {
	for path != "" {
		var name string
		name, path, _ = strings.Cut(path, ".")
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			v = x[int(name[0]-'0')]
		}
	}
	return v
}

// TestJSONOfRows holds the names of what only some reports have.
func TestJSONOfRows(t *testing.T) {
	e := New(Options{ByInstance: true})
	var raw []byte
	for i := range 2 {
		s := snapshot.Snapshot{At: at(float64(i))}
		for j, bounds := range [][]float64{{0.1, 0.2, 0.4}, {0.1, 0.2, 0.8}} {
			n := float64(10 * i)
			h := said{at: float64(i), counts: []float64{n}}.reading()
			h.Target = safe.New([]string{"one", "two"}[j])
			for _, route := range []string{"/a/1", "/a/2"} {
				d := snapshot.Histogram{Series: series("GET", route, ""), Bounds: bounds, Cumulative: []float64{0, n, n, n}, Count: n, Sum: 9 * n}
				h.Durations = append(h.Durations, d)
				h.Requests = append(h.Requests, snapshot.Count{Series: series("GET", route, "200"), Total: n})
			}
			s.AddTo(h)
		}
		var err error
		if raw, err = json.Marshal(e.Step(s)); err != nil {
			t.Fatal(err)
		}
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]any{
		"http.templates.0.route":              "/a/{id}",
		"http.templates.0.requests":           40.0,
		"http.templates.0.bounds_cut":         true,
		"http.templates.0.avg_beyond_buckets": true,
		"http.bounds_cut":                     true,
		"http.avg_beyond_buckets":             true,
		"http.instances.0.name":               "one",
		"http.instances.0.up":                 true,
		"http.instances.0.processes":          1.0,
		"http.instances.0.requests":           30.0,
		"http.instances.0.bounds_cut":         nil,
		"http.instances.1.avg_beyond_buckets": true,
		"http.instances.1.routes.0.requests":  10.0,
		"http.instances.1.measured":           20.0,
	} {
		if got := dig(doc, path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}

// TestStepIsDeterministic: the same snapshots give the same reports.
// TestGoneSource: a source that is not watched any more is not listed any more,
// and one that comes back is new.
func TestGoneSource(t *testing.T) {
	names := []string{"a", "b", "c"}
	e := New(Options{})
	step := func(i float64, gone int) []Source {
		var polls []snapshot.Poll
		for n, name := range names {
			polls = append(polls, snapshot.Poll{
				Source: snapshot.Source{Name: safe.New(name), Kind: snapshot.KindMetrics}, Started: at(i), Took: 1e6, Gone: n == gone,
			})
		}
		return e.Step(snapshot.Snapshot{At: at(i), Polls: polls}).Sources
	}
	for i, tt := range []struct {
		gone int
		want string
	}{{-1, "abc"}, {1, "ac"}, {-1, "acb"}, {0, "cb"}} {
		var got strings.Builder
		for _, s := range step(float64(i), tt.gone) {
			got.WriteString(s.Name.String())
		}
		if got.String() != tt.want {
			t.Errorf("step %d: sources %q, want %q", i, got.String(), tt.want)
		}
	}
}

func TestStepIsDeterministic(t *testing.T) {
	var first string
	for range 5 {
		e := New(Options{})
		e.Step(fullSnapshot(0))
		raw, err := json.Marshal(e.Step(fullSnapshot(1)))
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(raw)
		}
		if string(raw) != first {
			t.Fatalf("two runs differ:\n%s\n%s", first, raw)
		}
	}
}
