package scrape

import (
	"bytes"
	"fmt"
	"testing"

	"apitop/collectors/snapshot"
)

// bigPage is a page of 100,000 samples: 5,000 histograms of 16 finite buckets
// and 5,000 counters, as client_golang writes them, times for all values.
func bigPage(times int) []byte {
	var b bytes.Buffer
	labels := func(i int) string {
		return fmt.Sprintf(`code="%d",handler="/api/v1/resource-%03d/{id}/items",method=%q,service="checkout"`,
			[]int{200, 201, 404, 429, 500}[i%5], i/25, []string{"get", "post", "put", "patch", "delete"}[i/5%5])
	}
	b.WriteString("# HELP http_request_duration_seconds Time to answer.\n# TYPE http_request_duration_seconds histogram\n")
	for i := range 5000 {
		l := labels(i)
		for n := range 16 {
			fmt.Fprintf(&b, "http_request_duration_seconds_bucket{%s,le=\"%g\"} %d\n", l, 0.001*float64(int(1)<<n), times*(i+n*7))
		}
		fmt.Fprintf(&b, "http_request_duration_seconds_bucket{%s,le=\"+Inf\"} %d\n", l, times*(i+200))
		fmt.Fprintf(&b, "http_request_duration_seconds_sum{%s} %g\n", l, float64(times*i)*0.0123456789)
		fmt.Fprintf(&b, "http_request_duration_seconds_count{%s} %d\n", l, times*(i+200))
	}
	b.WriteString("# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "http_requests_total{%s} %d\n", labels(i), times*(i+200))
	}
	return b.Bytes()
}

// readPage reads a page given as text.
func readPage(t testing.TB, r *Reader, page string) *snapshot.HTTP {
	t.Helper()
	h, err := r.Read(bytes.NewReader([]byte(page)), "")
	if err != nil {
		t.Fatal(err)
	}
	return h
}
