package scrape

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"apitop/collectors/snapshot"
)

// TestKnownPages reads a page of each library and server as it writes it, with
// what else it has that misleads. Each page says in its first lines ("#: ") what
// the traffic was that it counts, and how it is to be read.
func TestKnownPages(t *testing.T) { readPages(t, "dialects", dialects()) }

// TestUnknownPages reads pages of libraries that nobody has heard of.
func TestUnknownPages(t *testing.T) { readPages(t, "unknown", dialects()) }

// onlyAsKnown lists the known pages that are wrong without knowing the library,
// each with the reason. The others are what a page of an unknown one can expect.
var onlyAsKnown = map[string]string{
	"apisix":             "the type of a latency is a label",
	"kong-2":             "the type of a latency is a label",
	"caddy-chain":        "modules that hand a request on count it again",
	"envoy":              "the administration's requests are told by a label",
	"envoy-upstream":     "the administration's requests are told by a label",
	"nginx-vts":          "totals stand beside their parts",
	"istio":              "requests that come and go are told by a label",
	"linkerd":            "requests that come and go are told by a label",
	"kube-apiserver":     "watches last for minutes and are told by a label",
	"haproxy-2.6":        "layers that count the same, with labels of their own names",
	"haproxy-exporter":   "counters that are declared gauges",
	"istio-gateway":      "a route by a name of its own",
	"traefik-2-services": "the only service is taken for the name of this one",
	"traefik-3":          "the only entry point is taken for the name of this service",
	"grpc-micrometer":    "calls that are named Get and are no methods of HTTP",
	"victoriametrics":    "a summary of some of the requests",
}

func readPages(t *testing.T, dir string, rows []dialect) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*.prom"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages of %s: %v", dir, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".prom"), func(t *testing.T) {
			for _, line := range misread(t, file, rows, true) {
				t.Error(line)
			}
		})
	}
}

// TestKnownPagesGuessed reads the pages of known libraries as if they were not
// known: the figures must be the same.
func TestKnownPagesGuessed(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join("testdata", "dialects", "*.prom"))
	right := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".prom")
		wrong := misread(t, file, nil, false)
		switch why, excused := onlyAsKnown[name]; {
		case len(wrong) == 0 && excused:
			t.Errorf("%s: is right without being known; take it off the list (%s)", name, why)
		case len(wrong) == 0:
			right++
		case !excused:
			t.Errorf("%s:\n  %s", name, strings.Join(wrong, "\n  "))
		}
	}
	t.Logf("%d of %d pages are right without knowing the library", right, len(files))
}

// misread lists where a page is read otherwise than its first lines say: of the
// figures, and with how also of how they came about.
func misread(t *testing.T, file string, rows []dialect, how bool) []string {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader("t", Limits{})
	r.rows = rows
	h := readPage(t, r, string(page))
	got := told(h)
	if h.Page.BadLines > 0 {
		return []string{fmt.Sprint("bad lines: ", h.Page.FirstBad)}
	}
	var wrong []string
	var figures []string
	for line := range strings.Lines(string(page)) {
		want, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "#: ")
		if !ok {
			break
		}
		field, _, _ := strings.Cut(want, " ")
		if field == "all" || field == "row" {
			figures = append(figures, want)
			continue
		}
		if want != field+" *" && how && strings.TrimRight(got[field], " ") != strings.TrimRight(want, " ") {
			wrong = append(wrong, fmt.Sprintf("got %q, want %q", got[field], want))
		}
	}
	slices.Sort(figures)
	if all := strings.Split(got["figures"], "\n"); !slices.Equal(all, figures) {
		wrong = append(wrong, fmt.Sprintf("read by %q %q:\n    %s\n  want\n    %s", h.Page.Counter, h.Page.Duration,
			strings.Join(all, "\n    "), strings.Join(figures, "\n    ")))
	}
	return wrong
}

// told says how a page was read, in the words of the first lines of a page.
func told(h *snapshot.HTTP) map[string]string {
	var again []string
	for _, x := range h.Page.Ignored {
		again = append(again, x.Raw())
	}
	slices.Sort(again)
	all, routes := tallyOf(nil, h)
	lines := []string{figures("all", all)}
	for key, y := range routes {
		if y.n > 0 {
			lines = append(lines, figures(strings.TrimSpace("row "+key), y))
		}
	}
	slices.Sort(lines)
	return map[string]string{
		"dialect":  "dialect " + h.Page.Dialect,
		"counter":  "counter " + h.Page.Counter.Raw(),
		"duration": "duration " + h.Page.Duration.Raw(),
		"statuses": "statuses " + h.Page.Statuses.Raw(),
		"labels":   "labels " + h.Page.Labels.Raw(),
		"unit":     "unit " + h.Page.Unit,
		"again":    "again " + strings.Join(again, " "),
		"figures":  strings.Join(lines, "\n"),
	}
}

func figures(what string, y *tally) string {
	avg, p95 := "-", "-"
	if y.count > 0 {
		avg = fmt.Sprintf("%.4g", y.avg())
	}
	if q := y.quantile(0.95); !math.IsNaN(q) {
		p95 = fmt.Sprintf("%.4g", q)
	}
	return fmt.Sprintf("%s n=%g 5xx=%g 4xx=%g avg/p95 %s %s", what, y.n, y.e5, y.e4, avg, p95)
}
