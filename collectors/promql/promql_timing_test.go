package promql

import (
	"fmt"
	"testing"
)

// fleet is what a server says of 1,000 instances of a service with 200 routes,
// 3 statuses and a ladder of 14 buckets, as large as a real answer.
func fleet() map[string]string {
	const routes, instances = 200, 1000
	bounds := []string{"0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "2.5", "5", "10", "+Inf"}
	var requests, buckets, sums []string
	for i := range routes {
		route := fmt.Sprintf("route=/api/v1/accounts/{account_id}/things/{id}/%d method=GET", i)
		for _, status := range []string{"200", "404", "500"} {
			requests = append(requests, one(route+" status="+status, 1234.5678901234567))
		}
		for j, le := range bounds {
			buckets = append(buckets, one(route+" le="+le, float64(j+1)*88.183420716894))
		}
		sums = append(sums, one(route, 12.34567890123))
	}
	var up, figures []string
	for i := range instances {
		name := fmt.Sprintf("instance=10.20.%d.%d:8080", i/250, i%250)
		up = append(up, one("__name__=up job=demo namespace=production pod=demo-7d9f8b6c5-x2k4q "+name, 1))
		figures = append(figures, one(name, 0.123456789012345))
	}
	return map[string]string{
		"sum by (route,method,status) (":    vector(requests...),
		"sum by (le,route,method) (":        vector(buckets...),
		"sum by (route,method) (":           vector(sums...),
		`up{job="demo"}`:                    vector(up...),
		`up{instance="h:1",job="demo"}[5m]`: usual()["up{"],
		"sum by (instance) (":               vector(figures...),
		"histogram_quantile(0.95,sum by":    vector(figures...),
	}
}

// BenchmarkFleet reads a fleet; a server in the same process answers, and its
// part is counted too.
func BenchmarkFleet(b *testing.B) {
	for name, round := range map[string]int{"summed up": 1, "with instances": instanceRounds} {
		b.Run(name, func(b *testing.B) {
			f := &fake{say: fleet()}
			c := open(b, Config{URL: f.start(b), Match: `job="demo"`})
			r := collect(b, c)
			if len(r.Requests) != 600 || len(r.Durations) != 200 || len(r.Instances) != 1000 {
				b.Fatalf("%d requests, %d durations, %d instances", len(r.Requests), len(r.Durations), len(r.Instances))
			}
			b.ReportAllocs()
			b.ResetTimer()
			bytes := int64(0)
			for range b.N {
				c.rounds = round
				bytes += collect(b, c).Page.Bytes
			}
			b.ReportMetric(float64(bytes)/float64(b.N), "answer-bytes/op")
		})
	}
}
