package load

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// BenchmarkRequest is one request after another over loopback, server included.
func BenchmarkRequest(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "four") }))
	defer s.Close()
	for name, transport := range map[string]http.RoundTripper{"wire": nil, "transport": s.Client().Transport} {
		b.Run(name, func(b *testing.B) {
			r := ready(b, Spec{Target: s.URL, Transport: transport})
			w := r.newWorker(b.Context())
			defer w.close()
			b.ReportAllocs()
			for b.Loop() {
				next, _ := r.planner.next(time.Now(), 1)
				r.send(w, job{plan: next, due: r.clock(), measured: true})
			}
			if t := r.Progress().Totals; t.OK != t.Sent {
				b.Errorf("%+v", t)
			}
		})
	}
}

// ready is a runner whose load is sent by the test.
func ready(b *testing.B, spec Spec) *Runner {
	b.Helper()
	spec.Stages, spec.Seed = steady(1000, time.Hour), 1
	r, err := New(spec)
	if err != nil {
		b.Fatal(err)
	}
	r.begin(time.Now())
	return r
}

// BenchmarkPlan decides on requests of the demo and makes them.
func BenchmarkPlan(b *testing.B) {
	r := ready(b, Spec{Target: "http://shop", Scenario: DemoTraffic()})
	base := (&http.Request{}).WithContext(b.Context())
	b.ReportAllocs()
	for b.Loop() {
		next, _ := r.planner.next(time.Now(), 1000)
		r.planner.request(next, base)
	}
}

// BenchmarkCount counts answers with limits in their headers.
func BenchmarkCount(b *testing.B) {
	r := ready(b, Spec{Target: "http://shop", Scenario: DemoScenario()})
	next, _ := r.planner.next(time.Now(), 1000)
	h := http.Header{}
	h.Set("RateLimit-Policy", `"guest-default";q=100;w=3600, "guest-all";q=150;w=3600`)
	h.Set("RateLimit", `"guest-default";r=12;t=1789`)
	o := outcome{job: job{plan: next, measured: true}, status: 200, end: time.Millisecond, limits: h}
	b.ReportAllocs()
	for b.Loop() {
		r.tally.begun(&o.job, 0)
		r.tally.ended(&o)
	}
}

// BenchmarkDue finds the time of requests in a schedule of many stages.
func BenchmarkDue(b *testing.B) {
	var stages []Stage
	for i := range maxStages {
		stages = append(stages, Stage{time.Second, float64(i), float64(i + 1)})
	}
	s := newSchedule(stages)
	n := 0.0
	for b.Loop() {
		if _, ok := s.due(n); !ok {
			n = 0
		}
		n++
	}
}

// BenchmarkProgress is what a live view costs at each look.
func BenchmarkProgress(b *testing.B) {
	r := ready(b, Spec{Target: "http://shop", Scenario: DemoScenario()})
	for range 5000 {
		next, _ := r.planner.next(time.Now(), 1000)
		o := outcome{job: job{plan: next, measured: true}, status: 200, end: time.Millisecond, limits: http.Header{}}
		r.tally.begun(&o.job, 0)
		r.tally.ended(&o)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Progress()
	}
}
