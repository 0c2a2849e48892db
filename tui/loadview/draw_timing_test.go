package loadview

import (
	"fmt"
	"testing"

	"apitop/tui/canvas"
	"apitop/tui/screen/screentest"
)

// BenchmarkDraw is paid four times a second, by the machine that makes the load.
func BenchmarkDraw(b *testing.B) {
	for _, size := range screentest.Sizes {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			m, c := showing(busy()), canvas.New(size[0], size[1])
			for b.Loop() {
				c.Clear()
				m.Draw(c.Area())
			}
		})
	}
}
