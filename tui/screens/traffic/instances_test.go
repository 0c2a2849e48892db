package traffic

import (
	"fmt"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/collectors/safe"
	"apitop/tui/screen"
	"apitop/tui/screen/screentest"
)

// fleet is the calm report with so many instances, of which the third is down.
func fleet(n int) *analysis.Report {
	r := *screentest.Calm()
	h := *r.HTTP
	known := func(v float64) analysis.Value { return analysis.Value{V: v, OK: true} }
	for i := range n {
		h.Instances = append(h.Instances, analysis.Instance{
			Name: safe.New(fmt.Sprintf("10.0.0.%d:8000", i+1)), Up: i != 2, Processes: 1 + i%2,
			RPS: known(float64(10 * (i + 1))), ErrorRatio: known(float64(i%2) * 0.02), InFlight: known(float64(i)),
			P50: known(0.012), P95: known(0.043), P99: known(0.2), Measured: float64(100 * (i + 1)),
			P50Bucket: &analysis.Bucket{Lo: 0.01, Hi: 0.015}, P95Bucket: &analysis.Bucket{Lo: 0.025, Hi: 0.05}, P99Bucket: &analysis.Bucket{Lo: 0.1, Hi: 0.25},
		})
	}
	h.Instances[1].InFlight = analysis.Value{}
	r.HTTP = &h
	return &r
}

func press(s screen.Screen, r *analysis.Report, keys ...string) screen.Screen {
	for _, k := range keys {
		s, _ = s.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}, r)
	}
	return s
}

func TestGoldenInstances(t *testing.T) {
	few, many := fleet(4), fleet(300)
	t.Run("few", func(t *testing.T) { screentest.GoldenSizes(t, press(New(), few, "i"), few) })
	stale := fleet(4)
	stale.Stale = map[analysis.Part]bool{analysis.PartHTTP: true}
	t.Run("stale", func(t *testing.T) { screentest.GoldenSizes(t, press(New(), stale, "i"), stale) })
	t.Run("many", func(t *testing.T) { screentest.GoldenSizes(t, press(New(), many, "i", "G"), many) })
	t.Run("one", func(t *testing.T) {
		screentest.GoldenSizes(t, press(New(), screentest.Calm(), "i"), screentest.Calm())
	})
	screentest.FitsEverywhere(t, press(New(), few, "i"), few, screentest.Empty())
}

// TestInstances: the one that is down comes first, then the busiest; the cursor
// stays on its instance; i and Esc lead back to the routes.
func TestInstances(t *testing.T) {
	r := fleet(4)
	rows := instanceRows(r)
	if rows[0].Up || rows[1].Name.String() != "10.0.0.4:8000" {
		t.Errorf("first %s, then %s", rows[0].Name, rows[1].Name)
	}
	m := press(New(), r, "i", "j").(Model)
	r.HTTP.Instances[0].RPS.V = 1000 // moves up, past the selected one
	rows = instanceRows(r)
	if got := rows[m.instances.cursor.Index(instanceNames(rows))].Name.String(); got != "10.0.0.4:8000" {
		t.Errorf("the cursor went over to %s", got)
	}
	if back, ok := m.Back(); !ok || back.(Model).perInstance {
		t.Error("Esc does not lead back")
	}
	if press(m, r, "i").(Model).perInstance {
		t.Error("i does not lead back")
	}
}
