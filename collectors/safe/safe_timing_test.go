package safe

import (
	"strings"
	"testing"
)

var sink int

func BenchmarkClean(b *testing.B) {
	for name, tt := range map[string]struct {
		s     string
		cells int
	}{
		"key29":       {"rate_limit:42:/products/searc", 0},
		"mixed":       {"Größe\t世界 \x1b[31m\u202ered\x1b[0m é", 0},
		"hostile1MB":  {strings.Repeat("\x1b]52;c;\u202e\xff", 80_000), 400},
		"sql2KB":      {strings.Repeat("select a, b from t where id = $1 ", 64), 0},
		"sql2KBcut80": {strings.Repeat("select a, b from t where id = $1 ", 64), 80},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink += len(Clean(tt.s, tt.cells))
			}
		})
	}
}
