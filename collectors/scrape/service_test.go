package scrape

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"apitop/collectors/snapshot"
)

// serviceCase is a page and what it says of the service: what is not listed must
// be unknown.
type serviceCase struct {
	page string
	want []string // as described writes them, in any order
}

func runServiceCases(t *testing.T, tests map[string]serviceCase) {
	t.Helper()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := described(readPage(t, NewReader("t", Limits{}), tt.page).Service)
			want := slices.Clone(tt.want)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("read\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
		})
	}
}

// described writes all that is known of a service, a line each thing.
func described(s snapshot.Service) []string {
	var out []string
	if r := s.Runtime; !reflect.ValueOf(r).IsZero() {
		out = append(out, line("runtime", r.Language, r.Version.Raw(), r))
	}
	for _, p := range s.Pools {
		out = append(out, line("pool", p.Kind, p.Name.Raw(), p))
	}
	for _, c := range s.Caches {
		out = append(out, line("cache", c.Kind, c.Name.Raw(), c))
	}
	for _, q := range s.Queues {
		out = append(out, line("queue", q.Kind, q.Name.Raw(), q))
	}
	for _, c := range s.Counters {
		out = append(out, fmt.Sprintf("counter %s{%s} %g", c.Name.Raw(), c.Labels.Raw(), c.Total))
	}
	return out
}

// line is "pool hikaricp main: InUse=3 Idle=1".
func line(what, kind, name string, v any) string {
	head := strings.Join(slices.DeleteFunc([]string{what, kind, name}, func(s string) bool { return s == "" }), " ")
	parts := []string{head + ":"}
	x := reflect.ValueOf(v)
	for i := range x.NumField() {
		if f, ok := reflect.TypeAssert[snapshot.Value](x.Field(i)); ok && f.OK {
			parts = append(parts, fmt.Sprintf("%s=%g", x.Type().Field(i).Name, f.V))
		}
	}
	return strings.Join(parts, " ")
}

// metrics writes sample lines of one type each: "gauge name{labels} value".
func metrics(lines ...string) string {
	var b strings.Builder
	declared := map[string]bool{}
	for _, l := range lines {
		kind, sample, _ := strings.Cut(l, " ")
		name := sample[:strings.IndexAny(sample, "{ ")]
		family := name
		if kind == "summary" || kind == "histogram" {
			family, _ = splitName(name)
		}
		if !declared[family] {
			declared[family] = true
			fmt.Fprintf(&b, "# TYPE %s %s\n", family, kind)
		}
		b.WriteString(sample + "\n")
	}
	return b.String()
}

// everythingPage says something of each part of a service.
var everythingPage = metrics("gauge go_goroutines 12", "gauge go_threads -1", "summary go_gc_duration_seconds_sum 0.25", "summary go_gc_duration_seconds_count 40",
	`histogram go_sched_latencies_seconds_bucket{le="0.001"} 8`, `histogram go_sched_latencies_seconds_bucket{le="+Inf"} 9`, "histogram go_sched_latencies_seconds_count 9",
	`gauge go_sql_in_use_connections{db_name="a"} 1e308`, `gauge db_pool_acquired_connections 1`, `gauge redis_pool_connections 5`, "gauge redis_pool_idle_connections 9",
	`counter cache_requests_total{cache="a",result="hit"} 5`, "counter b_cache_hits_total 5", "counter b_cache_requests_total 3",
	`gauge queue_length{queue="q"} 3`, `counter queue_jobs_total{queue="q",state="failed"} 1`, "gauge http_requests_in_flight 1e308", `counter orders_total{status="paid"} 5`)

// checkService fails for what no reading may say of a service.
func checkService(t *testing.T, h *snapshot.HTTP) {
	t.Helper()
	s := &h.Service
	if len(s.Pools)+len(s.Caches)+len(s.Queues) > mostThings || len(s.Counters) > mostCounters {
		t.Fatalf("%d pools, %d caches, %d queues, %d counters", len(s.Pools), len(s.Caches), len(s.Queues), len(s.Counters))
	}
	for _, p := range s.Pools {
		checkValues(t, p)
	}
	for _, c := range s.Caches {
		checkValues(t, c)
		if c.Hits.OK != c.Misses.OK {
			t.Fatalf("half of a cache: %+v", c)
		}
	}
	for _, q := range s.Queues {
		checkValues(t, q)
	}
	checkValues(t, s.Runtime)
	if w := s.Runtime.Waits; w != nil && (len(w.Cumulative) != len(w.Bounds)+1 || w.Cumulative[len(w.Bounds)] != w.Count || w.Sum < 0) {
		t.Fatalf("waits %+v", w)
	}
	ids := map[string]bool{}
	for _, c := range s.Counters {
		if c.Total < 0 || c.Name.IsZero() || ids[c.ID] {
			t.Fatalf("counter %+v", c)
		}
		ids[c.ID] = true
	}
}

// checkValues fails for a field below zero, and for one that is unknown and not
// zero.
func checkValues(t *testing.T, thing any) {
	t.Helper()
	x := reflect.ValueOf(thing)
	for i := range x.NumField() {
		if v, ok := reflect.TypeAssert[snapshot.Value](x.Field(i)); ok && (v.V < 0 || !v.OK && v.V != 0) {
			t.Fatalf("%s of %+v", x.Type().Field(i).Name, thing)
		}
	}
}
