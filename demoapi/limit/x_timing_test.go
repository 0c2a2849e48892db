package limit_test

import (
	"testing"

	"apitop/demoapi/limit"
	"apitop/demoapi/limit/limittest"
	"apitop/demoapi/rdb"
	"apitop/demoapi/servertest"
)

func BenchmarkShared(b *testing.B) {
	for _, a := range limit.Algorithms() {
		b.Run(string(a), func(b *testing.B) {
			client, err := rdb.Open("unix://" + servertest.StartRedis(b).Socket)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { client.Close() })
			limittest.Benchmark(b, shared(b, a, client, patient()))
		})
	}
}

func BenchmarkLocal(b *testing.B) {
	limittest.Benchmark(b, limit.NewLocal(limit.LocalOptions{}))
}

func BenchmarkClass(b *testing.B) {
	p := limit.DefaultPlan()
	for b.Loop() {
		p.Class("/orders/{id}")
	}
}
