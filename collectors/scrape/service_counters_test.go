package scrape

import (
	"fmt"
	"strings"
	"testing"
)

// TestCounters: what remains when all that is known is taken away.
func TestCounters(t *testing.T) {
	runServiceCases(t, map[string]serviceCase{
		"business": {metrics(`counter orders_total{status="paid",zone=""} 5`, "counter order_value_cents_total 900", `counter user_requests_total{tier="basic"} 7`),
			[]string{`counter orders_total{status="paid"} 5`, "counter order_value_cents_total{} 900", `counter user_requests_total{tier="basic"} 7`}},
		"without a type": {"signups_total 3\nnot_a_total_of_anything 4\n", []string{"counter signups_total{} 3"}},
		"openmetrics":    {"# TYPE signups counter\nsignups_total 3\nsignups_created 1.7e9\n# EOF\n", []string{"counter signups_total{} 3"}},
		"not counters": {metrics("gauge users_total 3", "summary checkout_seconds_count 3", "summary checkout_seconds_sum 1", `histogram basket_bucket{le="+Inf"} 1`, "histogram basket_sum 1", "histogram basket_count 1"),
			nil},
		"impossible": {metrics("counter orders_total -1", "counter visits_total NaN"), nil},
		"machinery": {metrics("counter process_cpu_seconds_total 1", "counter go_memstats_frees_total 5", "counter promhttp_metric_handler_requests_total 5", "counter python_gc_objects_collected_total 5",
			"counter http_response_bytes_total 5", "counter shop_http_retries_total 5", "gauge orders_created 1.7e9"), nil},
		"the requests": {metrics(`counter shop_requests_total{method="GET",path="/a",status="200"} 5`, "counter sold_total 1"), []string{"counter sold_total{} 1"}},
	})
}

// TestManyCounters: a family whose labels hold ids costs a bounded part of the
// reading, and those that move are the ones that are shown.
func TestManyCounters(t *testing.T) {
	page := func(n, moving int, by float64) string {
		var b strings.Builder
		b.WriteString("# TYPE clicks_total counter\n")
		for i := range n {
			v := float64(n - i)
			if i >= n-moving {
				v += by
			}
			fmt.Fprintf(&b, "clicks_total{item=\"%d\"} %g\n", i, v)
		}
		return b.String()
	}
	r := NewReader("t", Limits{})
	s := readPage(t, r, page(900, 0, 0)).Service
	if len(s.Counters) != mostCounters || !s.CountersCut {
		t.Fatalf("%d counters, cut %v", len(s.Counters), s.CountersCut)
	}
	if c := s.Counters[0]; c.Total != 900 {
		t.Errorf("at first the largest: %+v", c)
	}
	for i := range 2 * chooseEvery {
		s = readPage(t, r, page(900, 3, float64(i+1)*10)).Service
	}
	for i, c := range s.Counters[:3] {
		if !strings.HasPrefix(c.Labels.Raw(), `item="89`) {
			t.Errorf("counter %d of those that move is %v", i, c.Labels)
		}
	}
	if s := readPage(t, r, page(20_000, 0, 0)).Service; len(s.Counters) != mostCounters || !s.CountersCut {
		t.Errorf("of 20,000: %d counters, cut %v", len(s.Counters), s.CountersCut)
	}
	if s := readPage(t, r, page(mostCounters, 0, 0)).Service; len(s.Counters) != mostCounters || s.CountersCut {
		t.Errorf("of as many as there is room for: %d counters, cut %v", len(s.Counters), s.CountersCut)
	}
}
