package scrape

import (
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"

	"apitop/collectors/snapshot"
)

// said is what a page says of its series, in whatever order.
func said(h *snapshot.HTTP) map[string]string {
	all := map[string]string{}
	for _, c := range h.Requests {
		all[c.Series.ID] += fmt.Sprint("requests ", c.Total)
	}
	for _, d := range h.Durations {
		all[d.Series.ID] += fmt.Sprint("durations ", d.Count, d.Sum, d.Bounds, d.Cumulative)
	}
	return all
}

// TestIndex reads pages in one order without an index, and through one that is made
// in the middle of a page when a line is new, gone, bad or elsewhere: always as a
// Reader does that sees the page first.
func TestIndex(t *testing.T) {
	r := NewReader("t", Limits{})
	page := routePage([]int{1, 2, 3, 4, 5, 6, 7, 8}, 1)
	read := func(page string) {
		t.Helper()
		got, want := said(readPage(t, r, page)), said(readPage(t, NewReader("t", Limits{}), page))
		if !maps.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
		checkTable(t, r.table)
	}
	settle := func() {
		t.Helper()
		for range settledScans + 1 { // the first may look up what was otherwise
			read(page)
		}
		if r.table.byRaw != nil {
			t.Fatalf("an index of %d after %d scans of one page", len(r.table.byRaw), settledScans)
		}
	}
	read(page)
	if r.table.byRaw != nil {
		t.Fatal("an index after the first page")
	}
	lines := strings.SplitAfter(page, "\n")
	at := len(lines) / 2
	for name, other := range map[string]string{
		"born":      routePage([]int{1, 2, 3, 4, 9, 5, 6, 7, 8}, 1),
		"vanished":  routePage([]int{1, 2, 3, 5, 6, 7, 8}, 1),
		"cut short": strings.Join(lines[:at], ""),
		"moved":     routePage([]int{5, 2, 3, 1, 4, 6, 8, 7}, 1),
		"twice":     page + lines[at],
		"bad value": strings.Replace(page, lines[at], strings.TrimSpace(lines[at])+"x\n", 1),
	} {
		settle()
		read(other)
		if r.table.byRaw == nil {
			t.Errorf("%s: no index", name)
		}
	}
	settle()
	broken := io.MultiReader(strings.NewReader(strings.Join(lines[:at], "")), strings.NewReader(strings.Repeat("x", 70_000)))
	if _, err := r.Read(broken, ""); err == nil {
		t.Fatal("a line of 70,000 bytes was read")
	}
	settle()
}
