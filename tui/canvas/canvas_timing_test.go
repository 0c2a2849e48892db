package canvas

import "testing"

var sink int

func BenchmarkWidth(b *testing.B) {
	for name, s := range map[string]string{
		"ascii30": "GET /api/products/{id}/reviews", "box30": "──────────────────────────────", "cjk15": "世界世界世界世界世界世界世界世",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				sink += Width(s)
			}
		})
	}
}

func BenchmarkText(b *testing.B) {
	a := New(120, 40).Area()
	for name, s := range map[string]string{
		"ascii30": "GET /api/products/{id}/reviews", "braille30": "⣀⣤⣶⣿⣿⣶⣤⣀⣀⣤⣶⣿⣿⣶⣤⣀⣀⣤⣶⣿⣿⣶⣤⣀⣀⣤⣶⣿⣿⣶", "cjk15": "世界世界世界世界世界世界世界世",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				sink += a.Text(3, 7, s, 4)
			}
		})
	}
}

func BenchmarkString(b *testing.B) {
	c := New(120, 40)
	c.Area().Fill('x', 1)
	for b.Loop() {
		sink += len(c.String())
	}
}
