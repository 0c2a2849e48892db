package sources

import (
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/tui/screen/screentest"
)

func TestGolden(t *testing.T) {
	t.Run("empty", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Empty()) })
	t.Run("calm", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Calm()) })
	t.Run("stale", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Stale()) })
	t.Run("unconfigured", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Unconfigured()) })
	t.Run("fleet", func(t *testing.T) { screentest.GoldenSizes(t, New(), screentest.Fleet(100, 50)) })
	screentest.NoOrphans(t, "TestGolden")
}

func TestFitsEverywhere(t *testing.T) {
	screentest.FitsEverywhere(t, New(), screentest.Empty(), screentest.Stale(), screentest.Hostile(), screentest.Fleet(1000, 3))
}

// TestLongList: those that fail are on top, in their order, and the last row can
// be reached.
func TestLongList(t *testing.T) {
	r := screentest.Fleet(100, 50)
	rows := ordered(r)
	for i, want := range []string{"metrics 10.0.0.1:9100", "metrics 10.0.0.51:9100", "targets file /etc/prometheus/shop.json", "metrics 10.0.0.0:9100"} {
		if got := rows[i].Name.String(); got != want {
			t.Errorf("row %d is %s, want %s", i, got, want)
		}
	}
	s, _ := New().Update(tea.KeyMsg{Type: tea.KeyEnd}, r)
	if text := screentest.Drawing(s, r, 80, 20).String(); !strings.Contains(text, "metrics 10.0.0.99:9100") {
		t.Errorf("the last row is out of sight:\n%s", text)
	}
}
