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
