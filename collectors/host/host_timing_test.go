package host

import (
	"os"
	"testing"
)

// BenchmarkCollect is a whole round with a watched process.
func BenchmarkCollect(b *testing.B) {
	c := New(Config{PID: os.Getppid()})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Collect(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
