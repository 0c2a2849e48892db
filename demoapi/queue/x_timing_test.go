package queue_test

import (
	"context"
	"testing"

	"apitop/demoapi/queue"
)

func BenchmarkQueue(b *testing.B) {
	q := queue.New(queue.Config{Capacity: 1 << 16})
	job := func(context.Context) error { return nil }
	b.ReportAllocs()
	for b.Loop() {
		p, err := q.Reserve()
		if err != nil {
			continue
		}
		p.Submit(job)
	}
	if err := q.Close(context.Background()); err != nil {
		b.Error(err)
	}
}
