package load

import (
	"math"
	"testing"
	"time"
)

// evenly is a Latency of n samples, evenly from d/n to d.
func evenly(n int, d time.Duration) Latency {
	t := newTimings(precise)
	for i := range n {
		t.record(time.Duration(float64(d) * float64(i+1) / float64(n)))
	}
	return t.latency()
}

// sample is a report of 2000 requests in 10 s, 1900 of them well: from 0 to
// 100 ms.
func sample() *Report {
	return &Report{
		Seconds: 10, Requests: 2000, OK: 1900, Errors: 20, Throttled: 60, ClientErrors: 20, Late: 10, Dropped: 500,
		Response: evenly(1900, 100*time.Millisecond), Service: evenly(1900, 50*time.Millisecond), TTFB: evenly(1900, 40*time.Millisecond),
		Routes: []RouteReport{
			{Method: "GET", Route: "/products/{id}", Requests: 1700, OK: 1700, Response: evenly(1700, 80*time.Millisecond), Service: evenly(1700, 10*time.Millisecond)},
			{Method: "GET", Route: "/orders", Requests: 100, OK: 100, Response: evenly(100, 100*time.Millisecond)},
			{Method: "POST", Route: "/orders", Requests: 100, OK: 50, Errors: 20, Response: evenly(50, 300*time.Millisecond)},
			{Method: "GET", Route: "/down", Requests: 100, Errors: 100},
		},
	}
}

func TestJudge(t *testing.T) {
	const pass, fail, open = "pass", "fail", "open"
	r := sample()
	tests := map[string]struct {
		want  string
		value float64
	}{
		"p95<200ms":                     {pass, 0.095},
		"p95<90ms":                      {fail, 0.095},
		"p99.9<1s":                      {open, 0}, // 1900 of 10000
		"p99>10ms":                      {pass, 0.099},
		"service.p95<48ms":              {pass, 0.0475},
		"ttfb.p95<39ms":                 {pass, 0.038},
		"max<=101ms":                    {pass, 0.1},
		"mean<49ms":                     {fail, 0.05},
		"errors<=1%":                    {pass, 0.01},
		"errors<1%":                     {fail, 0.01},
		"client_errors<2%":              {pass, 0.01},
		"throttled<2%":                  {fail, 0.03},
		"late<1%":                       {fail, 510.0 / 2500},
		"rps>100":                       {pass, 190},
		"rps>190":                       {fail, 190},
		"rps>=190":                      {pass, 190},
		"/products/{id}.p95<80ms":       {pass, 0.076},
		"products/{id}.p95<80ms":        {pass, 0.076},
		"GET /products/{id}.p95<80ms":   {pass, 0.076},
		"products/{id}.service.p95<9ms": {fail, 0.0095},
		"/orders.p95<1s":                {open, 0},    // 100 of 200 and 50 of 200
		"/orders.p50<60ms":              {fail, 0.15}, // the POST
		"GET /orders.p50<60ms":          {pass, 0.05},
		"/orders.errors<10%":            {fail, 0.2},
		"/orders.rps>4":                 {pass, 10}, // both are above
		"/down.p50<1s":                  {open, 0},  // errors have no latency
		"/down.errors<50%":              {fail, 1},
		"/nothing.p95<1s":               {open, 0},
	}
	for expr, tt := range tests {
		t.Run(expr, func(t *testing.T) {
			s, err := ParseSLO(expr)
			if err != nil {
				t.Fatal(err)
			}
			got := s.Judge(r)
			verdict := open
			if got.Pass != nil {
				verdict = map[bool]string{true: pass, false: fail}[*got.Pass]
			}
			if verdict != tt.want || (got.Reason != "") != (tt.want == open) {
				t.Errorf("%s (%q), want %s", verdict, got.Reason, tt.want)
			}
			if tt.want != open && (got.Value == nil || math.Abs(*got.Value-tt.value) > 0.002*tt.value) {
				t.Errorf("value %v, want %v", got.Value, tt.value)
			}
		})
	}
}

// TestJudgeNothing: a report without anything breaks no objective and keeps
// none.
func TestJudgeNothing(t *testing.T) {
	for _, s := range DefaultSLOs() {
		if got := s.Judge(&Report{}); got.Pass != nil || got.Value != nil || got.Reason == "" {
			t.Errorf("%s of nothing is %+v", s.Expr, got)
		}
	}
}

func TestSamplesFor(t *testing.T) {
	for q, want := range map[float64]uint64{0.5: 20, 0.9: 100, 0.95: 200, 0.99: 1000, 0.999: 10_000, 0.9999: 100_000} {
		n := samplesFor(q)
		if n != want || !enoughSamples(q, n) || enoughSamples(q, n-1) {
			t.Errorf("the quantile %v takes %d samples, want %d", q, n, want)
		}
	}
}

func TestGateOf(t *testing.T) {
	yes, no := SLOResult{Pass: new(true)}, SLOResult{Pass: new(false)}
	open := SLOResult{}
	tests := map[string]struct {
		results []SLOResult
		want    Gate
	}{
		"none":              {nil, Kept},
		"all kept":          {[]SLOResult{yes, yes}, Kept},
		"one open":          {[]SLOResult{yes, open}, Unmeasured},
		"broken after open": {[]SLOResult{open, no, yes}, Broken},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := GateOf(tt.results); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
