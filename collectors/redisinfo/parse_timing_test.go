package redisinfo

import (
	"os"
	"testing"
)

// BenchmarkParse reads all of what a real server says: the work of a second.
func BenchmarkParse(b *testing.B) {
	text, err := os.ReadFile("testdata/redis-8.0.2.txt")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if r := parse(string(text)); !r.Commands.OK {
			b.Fatal("nothing was read")
		}
	}
}
