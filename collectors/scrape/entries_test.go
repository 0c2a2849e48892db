package scrape

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"apitop/collectors/snapshot"
)

// notYet lists recorded pages whose requests are not read as they should be,
// with the reason. A page that is fixed must leave the list.
var notYet = map[string]string{}

// unagreed lists pages without an answer key that hold request metrics anyway.
var unagreed = map[string]string{
	"expfmt-protobuf.pb": "the protobuf twin of expfmt-text.prom, which has a key",
}

// TestEntries reads every recorded page and compares requests, errors and
// quantiles, since the start and between the two pages of a pair, with what
// PromQL and the known traffic say.
func TestEntries(t *testing.T) {
	supported, mapped := 0, 0
	for _, e := range loadAnswers(t).Entries {
		name := filepath.Base(e.Files[len(e.Files)-1])
		problems := checkEntry(t, e, dialects())
		if e.Mapping != nil {
			mapped++
		}
		why, excused := notYet[name]
		switch {
		case len(problems) == 0 && excused:
			t.Errorf("%s: is right now and must leave the list of those that are not (%s)", name, why)
		case len(problems) == 0 && e.Mapping != nil:
			supported++
			t.Logf("right: %s", name)
		case excused:
			t.Logf("not yet: %s: %s", name, why)
		case len(problems) > 0:
			t.Errorf("%s:\n  %s", name, strings.Join(problems, "\n  "))
		}
	}
	t.Logf("%d of %d pages with request metrics are right", supported, mapped)
}

// onlyKnown lists pages that are right only since their library is known.
var onlyKnown = map[string]string{
	"caddy-2.6.b.prom": "the route is two labels joined, neither of which holds paths",
}

// TestGuess reads the pages without knowing any library: what remains is what a
// page of an unknown one can expect.
func TestGuess(t *testing.T) {
	right, mapped := 0, 0
	for _, e := range loadAnswers(t).Entries {
		name := filepath.Base(e.Files[len(e.Files)-1])
		problems := checkEntry(t, e, nil)
		if e.Mapping != nil {
			mapped++
		}
		switch why, excused := onlyKnown[name]; {
		case len(problems) == 0 && excused:
			t.Errorf("%s: is right without being known; take it off the list (%s)", name, why)
		case len(problems) == 0 && e.Mapping != nil:
			right++
		case len(problems) > 0 && !excused:
			t.Errorf("%s:\n  %s", name, strings.Join(problems, "\n  "))
		}
	}
	t.Logf("%d of %d pages with request metrics are right without knowing the library", right, mapped)
}

// checkEntry reads the files of e one after another, as one target.
func checkEntry(t *testing.T, e entry, rows []dialect) []string {
	t.Helper()
	r := NewReader("t", Limits{})
	r.rows = rows
	var pages []*snapshot.HTTP
	for i, file := range e.Files {
		h, err := readAs(r, filepath.Join(fixtureDir, file), e.ContentType)
		if e.Error != "" {
			if f, ok := errors.AsType[*snapshot.Failure](err); !ok || f.Kind != snapshot.Unsupported || h != nil {
				return []string{fmt.Sprintf("got %v, %v, want a refusal", h, err)}
			}
			return nil
		}
		if err != nil {
			return []string{err.Error()}
		}
		pages = append(pages, h)
		if want := perFile[int](t, e.Samples); want != nil && h.Page.Samples != want[i] {
			return []string{fmt.Sprintf("%s: %d samples, want %d; bad: %v", file, h.Page.Samples, want[i], h.Page.FirstBad)}
		}
	}
	problems := checkMapping(t, e, pages)
	if e.Alternative != nil && len(problems) > 0 {
		other := e
		other.Mapping, other.Cumulative = e.Alternative.Mapping, e.Alternative.Cumulative
		if len(checkMapping(t, other, pages)) == 0 {
			return nil
		}
	}
	return problems
}

func checkMapping(t *testing.T, e entry, pages []*snapshot.HTTP) []string {
	t.Helper()
	last := pages[len(pages)-1]
	if e.Mapping == nil {
		if len(last.Requests)+len(last.Durations) > 0 && unagreed[filepath.Base(e.Files[0])] == "" {
			return []string{fmt.Sprintf("requests where there are none: %q %q", last.Page.Counter, last.Page.Duration)}
		}
		return nil
	}
	var problems []string
	for i, want := range perFile[totals](t, e.Cumulative, "a", "b") {
		problems = append(problems, compare(fmt.Sprint("total ", i), nil, pages[i], want)...)
	}
	if e.Delta != nil {
		problems = append(problems, compare("delta", pages[0], pages[1], *e.Delta)...)
	}
	if len(problems) > 0 {
		problems = append(problems, fmt.Sprintf("dialect %q, counter %q, duration %q",
			last.Page.Dialect, last.Page.Counter, last.Page.Duration))
	}
	return problems
}

// compare lists where the growth from a to b (or b alone) is not what it should be.
func compare(what string, a, b *snapshot.HTTP, want totals) []string {
	var problems []string
	check := func(name string, got float64, want *float64, tolerance float64) {
		switch {
		case want == nil && !math.IsNaN(got):
			problems = append(problems, fmt.Sprintf("%s %s = %v, want none", what, name, got))
		case want != nil && !(math.Abs(got-*want) <= tolerance*math.Abs(*want)+5e-5):
			problems = append(problems, fmt.Sprintf("%s %s = %v, want %v", what, name, got, *want))
		}
	}
	all, routes := tallyOf(a, b)
	check("requests", all.n, &want.Total, 0)
	check("5xx", all.e5, &want.Errors5xx, 0)
	check("4xx", all.e4, &want.Errors4xx, 0)
	check("p50", all.quantile(0.50), want.P50, 1e-3)
	check("p95", all.quantile(0.95), want.P95, 1e-3)
	check("p99", all.quantile(0.99), want.P99, 1e-3)
	check("avg", all.avg(), want.Avg, 1e-3)
	for key, w := range want.Routes {
		y := routes[key]
		if y == nil {
			problems = append(problems, fmt.Sprintf("%s: no route %q among %d", what, key, len(routes)))
			continue
		}
		if key != "" || y.n > 0 { // a page may have durations without labels
			check(key+" requests", y.n, &w.N, 0)
		}
		check(key+" 5xx", y.e5, &w.Errors5xx, 0)
		check(key+" 4xx", y.e4, &w.Errors4xx, 0)
		check(key+" p50", y.quantile(0.50), w.P50, 1e-3)
		check(key+" p95", y.quantile(0.95), w.P95, 1e-3)
		check(key+" p99", y.quantile(0.99), w.P99, 1e-3)
		check(key+" avg", y.avg(), w.Avg, 1e-3)
	}
	return problems
}
