package theme

import (
	"testing"
)

// BenchmarkNew is paid once, before the first frame.
func BenchmarkNew(b *testing.B) {
	for name, p := range profiles {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := New("dark", p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
