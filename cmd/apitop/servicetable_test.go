package main

import (
	"strings"
	"testing"

	"apitop/collectors/analysis"
	"apitop/tui/screen/screentest"
)

// TestTableOfService: the plain report has a block of the runtime and of each
// kind of thing, and none of what the page does not say.
func TestTableOfService(t *testing.T) {
	var out strings.Builder
	if err := writeTable(&out, screentest.Calm()); err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for line := range strings.Lines(out.String()) {
		first, _, _ := strings.Cut(line, "  ")
		lines[first] = strings.Join(strings.Fields(line), " ")
	}
	for first, want := range map[string]string{
		"runtime":      "runtime go go1.26.0 heap 8.96M tasks 63 threads 11 gc <0.1% of the time lag 0.80ms",
		"pgxpool shop": "pgxpool shop 8 10 1 2.00 15.0ms 0",
		"redis":        "redis 2 – – – – 0.20",
		"orders":       "orders 3 4 4 1.10 0.10 182ms",
		"product":      "product 93% 43.0 912 0.30",
	} {
		if lines[first] != want {
			t.Errorf("line of %s is %q, want %q", first, lines[first], want)
		}
	}
	out.Reset()
	if err := writeTable(&out, &analysis.Report{Service: &analysis.Service{}}); err != nil || strings.TrimSpace(out.String()) != "" {
		t.Errorf("of nothing: %q, %v", out.String(), err)
	}
}
