package limit_test

import (
	"testing"

	"apitop/demoapi/limit"
	"apitop/demoapi/limit/limittest"
	"apitop/demoapi/servertest"
)

func BenchmarkWindow(b *testing.B) {
	client := servertest.StartRedis(b).Client()
	b.Cleanup(func() { client.Close() })
	limittest.Benchmark(b, limit.NewWindow(client, patient()))
}

func BenchmarkClass(b *testing.B) {
	p := limit.DefaultPlan()
	for b.Loop() {
		p.Class("/orders/{id}")
	}
}
