package analysis

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"apitop/collectors/snapshot"
)

// world is some series that come, go, are reset and change places, and what each
// really grew by in every step.
type world struct {
	rnd    *rand.Rand
	width  int
	series []*snapshot.Series
	totals []float64
	there  []bool
	seen   []int // step
	began  []float64
	added  [][]float64 // by series, by step
}

func newWorld(n, width int) *world {
	w := &world{rnd: rand.New(rand.NewPCG(7, 7)), width: width}
	for i := range n {
		w.series = append(w.series, series("GET", fmt.Sprintf("/r%d", i), "200"))
	}
	w.totals, w.began, w.added = make([]float64, n), make([]float64, n), make([][]float64, n)
	w.there, w.seen = make([]bool, n), make([]int, n)
	return w
}

// turn lets a second pass and lists the series of the page, in an order of its
// own now and then. Those that are not on the page do nothing.
func (w *world) turn(step int) []int {
	var page []int
	for i := range w.series {
		added := 0.0
		if w.rnd.IntN(12) == 0 || step == 0 {
			w.there[i] = w.rnd.IntN(3) > 0
		}
		if w.there[i] || step-w.seen[i] == keepSteps {
			w.there[i], w.seen[i] = true, step
			added = float64(w.rnd.IntN(5))
			if w.rnd.IntN(25) == 0 { // it begins anew, perhaps with more than before
				w.totals[i], w.began[i], added = 0, float64(step+1), float64(w.rnd.IntN(100))
			}
			w.totals[i] += added
			page = append(page, i)
		}
		if step == 0 {
			added = 0 // it is the baseline
		}
		w.added[i] = append(w.added[i], added)
	}
	if w.rnd.IntN(4) == 0 {
		w.rnd.Shuffle(len(page), func(a, b int) { page[a], page[b] = page[b], page[a] })
	}
	return page
}

// TestLinesAgainstAWorld: whatever happens to a page, the growth of each series
// in the window is what really was added on the pages, and what is remembered is
// bounded.
func TestLinesAgainstAWorld(t *testing.T) {
	w := newWorld(60, 40)
	clock := newSteps(Options{Window: 5 * time.Second, Interval: time.Second})
	l := newLines(&clock)
	var buf []float64
	for step := range 600 {
		clock.open(at(float64(step)))
		l.begin()
		for _, i := range w.turn(step) {
			values := make([]float64, w.width)
			for j := range values {
				values[j] = w.totals[i] * float64(j+1)
			}
			l.add(totals{series: w.series[i], values: values, strict: w.width, created: 1000 + w.began[i]}, goesOn)
		}
		l.end(false)
		if step == 0 {
			continue
		}
		back := clock.base()
		grown := map[*snapshot.Series]float64{}
		l.each(func(at *line) {
			buf = l.since(&at.track, clock.slot(back), buf)
			for j, v := range buf {
				if v != buf[0]*float64(j+1) {
					t.Fatalf("step %d: total %d of %s grew by %v, the first by %v", step, j, at.series.ID, v, buf[0])
				}
			}
			grown[at.series] += buf[0]
		})
		for i, s := range w.series {
			want := 0.0
			for _, v := range w.added[i][step+1-back:] {
				want += v
			}
			if grown[s] != want {
				t.Fatalf("step %d: %s grew by %v, want %v", step, s.ID, grown[s], want)
			}
		}
	}
	if n := len(l.list) + len(l.gone); n > len(w.series) || len(l.last) > 2*len(w.series)*w.width {
		t.Errorf("%d lines and %d totals are kept", n, len(l.last))
	}
}

// TestLinesCompact: vectors that are moved together keep their past.
func TestLinesCompact(t *testing.T) {
	clock := newSteps(Options{Window: 5 * time.Second, Interval: time.Second})
	l := newLines(&clock)
	stays := series("GET", "/stays", "200")
	for step := range 300 {
		clock.open(at(float64(step)))
		l.begin()
		for j := range 20 { // others on each page, before it and behind it
			if j == 10 {
				l.add(totals{series: stays, values: []float64{float64(step * step)}, strict: 1}, goesOn)
			}
			l.add(totals{series: series("GET", fmt.Sprint(step, " ", j), ""), values: make([]float64, 30), strict: 30}, goesOn)
		}
		l.end(false)
		if back := clock.base(); back > 0 {
			then := float64(step - back)
			if got := l.one(&l.byID[stays.ID].track, clock.slot(back)); got != float64(step*step)-then*then {
				t.Fatalf("step %d: grew by %v since step %v", step, got, then)
			}
		}
	}
	if most := 2 * 30 * 20 * (keepSteps + 2); len(l.last) > most {
		t.Errorf("%d totals are kept, want at most %d", len(l.last), most)
	}
}
