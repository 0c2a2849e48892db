package limits

import (
	"fmt"
	"testing"

	"apitop/collectors/analysis"
	"apitop/collectors/safe"
	"apitop/tui/screen"
	"apitop/tui/screen/screentest"
)

// BenchmarkDraw draws as many limiter keys as are ever followed.
func BenchmarkDraw(b *testing.B) {
	r := *screentest.Throttled()
	limits := *r.Limits
	for i := range 500 {
		s := limits.Subjects[i%len(r.Limits.Subjects)]
		s.Subject = safe.New(fmt.Sprintf("user:%d", i))
		limits.Subjects = append(limits.Subjects, s)
	}
	limits.Lint = []analysis.LimiterLint{}
	r.Limits = &limits
	m := New(screen.Redis{})
	b.ReportAllocs()
	for b.Loop() {
		screentest.Drawing(m, &r, 120, 40)
	}
}
