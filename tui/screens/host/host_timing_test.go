package host

import (
	"testing"

	"apitop/tui/canvas"
	"apitop/tui/screen"
	"apitop/tui/screen/screentest"
)

// BenchmarkDraw is one frame with all lists and an hour of history.
func BenchmarkDraw(b *testing.B) {
	r := screentest.Hour()
	c := canvas.New(120, 37)
	m := New()
	b.ReportAllocs()
	for b.Loop() {
		c.Clear()
		m.Draw(c.Area(), screen.Frame{Report: r})
	}
}
