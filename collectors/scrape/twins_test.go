package scrape

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"apitop/collectors/snapshot"
)

// TestTwins: processes that started at the same moment and have nothing to do are
// told apart by their memory, before the first request comes. One whose memory
// trembles stays one.
func TestTwins(t *testing.T) {
	own := func(n int) func(int) int { return func(int) int { return 28<<20 + n*4096 } }
	trembling := func(scrapes int) int { return 28<<20 + scrapes%3*4096 }
	tests := map[string]struct {
		memory []func(int) int
		found  int
	}{
		"own memory":       {[]func(int) int{own(1), own(25), own(7)}, 3},
		"two alike":        {[]func(int) int{own(1), own(1), own(7)}, 2},
		"trembling memory": {[]func(int) int{trembling}, 1},
		"no memory":        {[]func(int) int{nil, nil}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var sims []*sim
			for _, memory := range tt.memory {
				sims = append(sims, &sim{start: 1.7e9, memory: memory, quiet: true})
			}
			s := newSite(t, sims...)
			w := observe(t, s.URL)
			for range 15 {
				w.step(0)
			}
			if got := len(w.c.crew.list); got != tt.found {
				t.Errorf("%d processes before the first request, want %d", got, tt.found)
			}
			sent := s.hit(5)
			if tt.found < len(sims) {
				return // the others are found by what moves now
			}
			w.step(0)
			if got := w.report.HTTP.Requests.V; got != float64(sent) {
				t.Errorf("%v requests, %d were sent", got, sent)
			}
		})
	}
}

// TestFoundLate: what a process had counted before it was found is missing, and
// that is said, also when all are known.
func TestFoundLate(t *testing.T) {
	met := time.Unix(1_800_000_000, 0)
	page := func(requests float64, at time.Time, start float64) reply {
		h := &snapshot.HTTP{StartTime: snapshot.Known(start), Requests: []snapshot.Count{{Total: requests}}}
		return reply{HTTP: h, marks: &marks{start: start}, date: at}
	}
	old := seconds(met) - 100
	tests := map[string]struct {
		second reply
		said   bool
	}{
		"at first":      {page(50, met.Add(time.Second), old), false},
		"late":          {page(50, met.Add(8*time.Second), old), true},
		"late and idle": {page(0, met.Add(8*time.Second), old), false},
		"new":           {page(50, met.Add(8*time.Second), seconds(met)+5), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := &crew{}
			c.join("a", page(10, met, old))
			c.join("a", tt.second)
			c.sure = true
			if said := strings.Contains(fmt.Sprint(c.notes()), "found late"); said != tt.said {
				t.Errorf("notes %v", c.notes())
			}
		})
	}
}
