package deploy_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// exporters are the metrics of others that the files use, with their labels. No
// test can start these exporters, so the list was taken from what they expose.
var exporters = map[string][]string{
	"up":     nil, // made by Prometheus for each scrape
	"ALERTS": {"alertname", "alertstate", "severity", "slo", "long", "short"},

	"redis_up":                 nil,
	"redis_memory_used_bytes":  nil,
	"redis_memory_max_bytes":   nil,
	"redis_evicted_keys_total": nil,
	"redis_expired_keys_total": nil,

	"pg_up":                          nil,
	"pg_stat_activity_count":         {"datname", "state", "usename", "application_name", "backend_type", "wait_event_type", "wait_event"},
	"pg_settings_max_connections":    {"server"},
	"pg_stat_database_xact_commit":   {"datid", "datname"},
	"pg_stat_database_xact_rollback": {"datid", "datname"},

	"node_cpu_seconds_total":         {"cpu", "mode"},
	"node_memory_MemTotal_bytes":     nil,
	"node_memory_MemAvailable_bytes": nil,
	"node_disk_read_bytes_total":     {"device"},
	"node_disk_written_bytes_total":  {"device"},
}

// expression is one that Prometheus is to evaluate, and where it stands.
type expression struct{ where, text string }

// variables are what Grafana puts in before it asks.
var variables = strings.NewReplacer("$__rate_interval", "5m", "$__range", "1h", "$route", ".*")

// expressions returns all of the rules and of the dashboard.
func expressions(t *testing.T) []expression {
	t.Helper()
	var all []expression
	for _, r := range rules(t, "*") {
		all = append(all, expression{"rule " + r.Record + r.Alert, r.Expr})
	}
	d := readDashboard(t)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, expression{"panel " + p.Title + " " + target.RefID, variables.Replace(target.Expr)})
		}
	}
	for _, a := range d.Annotations.List {
		if a.Expr != "" {
			all = append(all, expression{"annotation " + a.Name, variables.Replace(a.Expr)})
		}
	}
	for _, v := range d.Templating.List {
		if m := regexp.MustCompile(`^label_values\((.*), *(\w+)\)$`).FindStringSubmatch(v.Definition); m != nil {
			all = append(all, expression{"variable " + v.Name, "count by (" + m[2] + ") (" + m[1] + ")"})
		}
	}
	if len(all) < 150 {
		t.Fatalf("only %d expressions", len(all))
	}
	return all
}

var (
	quoted   = regexp.MustCompile(`"[^"]*"`)
	selector = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)?\{([^}]*)\}`)
	matcher  = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)\s*[=!]~?`)
	grouping = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
	windows  = regexp.MustCompile(`\[[^\]]*\]|\boffset\s+\w+`)
	names    = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*(\s*\()?`)
)

// uses are the metrics of an expression, with the labels that it asks them for,
// and the labels that it groups by.
type uses struct {
	metrics map[string][]string
	groups  []string
}

// parse finds names by their place: what is no function, keyword or label is a
// metric. It trusts that the expression is one; Prometheus checks that.
func parse(text string) uses {
	u := uses{metrics: map[string][]string{}}
	text = quoted.ReplaceAllString(text, `""`)
	for _, m := range selector.FindAllStringSubmatch(text, -1) {
		for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
			u.metrics[m[1]] = append(u.metrics[m[1]], l[1])
		}
	}
	text = regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(text, "")
	for _, m := range grouping.FindAllStringSubmatch(text, -1) {
		for l := range strings.SplitSeq(m[1], ",") {
			if l = strings.TrimSpace(l); l != "" {
				u.groups = append(u.groups, l)
			}
		}
	}
	text = windows.ReplaceAllString(grouping.ReplaceAllString(text, " "), " ")
	for _, at := range names.FindAllStringIndex(text, -1) {
		name := text[at[0]:at[1]]
		number := at[0] > 0 && strings.ContainsAny(text[at[0]-1:at[0]], "0123456789.")
		if number || strings.HasSuffix(name, "(") || slices.Contains([]string{"and", "or", "unless", "bool"}, name) {
			continue
		}
		u.metrics[name] = append(u.metrics[name], []string{}...)
	}
	return u
}

func TestParse(t *testing.T) {
	tests := map[string]struct {
		text    string
		metrics map[string][]string
		groups  []string
	}{
		"bare":       {"up", map[string][]string{"up": nil}, nil},
		"matchers":   {`a{b="c d{}",e!~"f"} offset 10m`, map[string][]string{"a": {"b", "e"}}, nil},
		"ratio":      {`sum by (x, y) (rate(a{b=~"5.."}[5m])) / on (x) group_left () (c > bool 1e9)`, map[string][]string{"a": {"b"}, "c": nil}, []string{"x", "y", "x"}},
		"recorded":   {`job:a:rate5m * 300 >= 5 and 0 * b`, map[string][]string{"job:a:rate5m": nil, "b": nil}, nil},
		"subquery":   {`max_over_time(rate(a[1m])[5m:15s])`, map[string][]string{"a": nil}, nil},
		"no newline": {"a\n  or 0.5 * b", map[string][]string{"a": nil, "b": nil}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := parse(tt.text)
			if !slices.Equal(got.groups, tt.groups) || len(got.metrics) != len(tt.metrics) {
				t.Fatalf("got %v", got)
			}
			for metric, labels := range tt.metrics {
				if used, ok := got.metrics[metric]; !ok || !slices.Equal(used, labels) {
					t.Errorf("%s: %v, want %v", metric, used, labels)
				}
			}
		})
	}
}

// check wants of an expression that its metrics exist and have the labels.
func (u uses) check(t *testing.T, where string, known map[string][]string) {
	t.Helper()
	everywhere := []string{"job", "instance"}
	var all []string
	for metric, labels := range u.metrics {
		has, ok := known[metric]
		if !ok {
			t.Errorf("%s: there is no metric %q", where, metric)
			continue
		}
		all = append(all, has...)
		for _, l := range labels {
			if !slices.Contains(has, l) && !slices.Contains(everywhere, l) {
				t.Errorf("%s: %s has no label %q, only %v", where, metric, l, has)
			}
		}
	}
	for _, l := range u.groups {
		if !slices.Contains(all, l) && !slices.Contains(everywhere, l) {
			t.Errorf("%s: groups by %q, which no metric in it has", where, l)
		}
	}
}

// recorded lists the metrics that the rules make: job_route:metric:operation has
// the labels job and route.
func recorded(t *testing.T) map[string][]string {
	t.Helper()
	known := map[string][]string{}
	for _, r := range rules(t, "*") {
		if r.Record == "" {
			continue
		}
		level, rest, _ := strings.Cut(r.Record, ":")
		if strings.Count(rest, ":") != 1 {
			t.Errorf("%s is not level:metric:operation", r.Record)
		}
		if _, twice := known[r.Record]; twice {
			t.Errorf("%s is recorded twice", r.Record)
		}
		known[r.Record] = strings.Split(level, "_")
	}
	return known
}

// TestQuantiles finds the two mistakes that give plausible figures: a quantile of
// buckets since the start, and one of buckets that were not summed by their bound.
func TestQuantiles(t *testing.T) {
	right := regexp.MustCompile(`^histogram_quantile\([\d.]+, (sum by \(([a-z]+, )*le\) \(rate\(|job_(route_)?le:\w+:rate5m\))`)
	n := 0
	for _, e := range expressions(t) {
		if i := strings.Index(e.text, "histogram_quantile"); i >= 0 {
			if n++; !right.MatchString(e.text[i:]) {
				t.Errorf("%s: %s", e.where, e.text)
			}
		}
	}
	if n < 12 {
		t.Errorf("only %d quantiles", n)
	}
}
