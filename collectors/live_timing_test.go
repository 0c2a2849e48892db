package collectors

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"apitop/collectors/snapshot"
)

// BenchmarkRound is what one round costs beside the collectors themselves.
func BenchmarkRound(b *testing.B) {
	for _, n := range []int{5, 100, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			jobs := make([]Job, n)
			for i := range jobs {
				name := fmt.Sprintf("10.0.%d.%d:9100", i/250, i%250)
				reading := target(name)
				jobs[i] = Job{Collector: &scripted{name: name, do: func(context.Context, int) (snapshot.Reading, error) {
					return reading, nil
				}}}
			}
			l := New(time.Second)
			l.Watch(func() []Job { return jobs })
			b.ReportAllocs()
			for b.Loop() {
				l.round = 0 // no moments and no waiting
				l.next = time.Time{}
				s, err := l.Next(b.Context())
				if err != nil || len(s.Polls) < n { // more when an answer came late
					b.Fatalf("%d polls, %v", len(s.Polls), err)
				}
			}
		})
	}
}
