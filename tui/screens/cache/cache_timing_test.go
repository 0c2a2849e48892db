package cache

import (
	"testing"

	"apitop/tui/canvas"
	"apitop/tui/screen"
	"apitop/tui/screen/screentest"
)

// BenchmarkDraw is one frame, with an hour of history.
func BenchmarkDraw(b *testing.B) {
	r := screentest.Cache()
	r.History = screentest.Hour().History
	for name, keys := range map[string][]string{"keys": nil, "filtered": {"/", "p"}, "spread": {"V", "V"}, "page": {"enter"}} {
		s, _ := press(New(screen.Redis{Inspect: lamp}), r, keys...)
		b.Run(name, func(b *testing.B) {
			c := canvas.New(120, 37)
			b.ReportAllocs()
			for b.Loop() {
				c.Clear()
				s.Draw(c.Area(), screen.Frame{Report: r})
			}
		})
	}
}
