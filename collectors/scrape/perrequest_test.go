package scrape

import (
	"fmt"
	"testing"

	"apitop/collectors/snapshot"
)

// TestStatementsPerRequest: what a page says of the database statements of its
// requests belongs to the same routes as their durations.
func TestStatementsPerRequest(t *testing.T) {
	work := func(name string) string {
		labels := `method="GET",route="/a"`
		return fmt.Sprintf("# TYPE %s histogram\n%[1]s_bucket{%s,le=\"1\"} 2\n%[1]s_bucket{%[2]s,le=\"+Inf\"} 5\n"+
			"%[1]s_sum{%[2]s} 64\n%[1]s_count{%[2]s} 5\n", name, labels)
	}
	requests := "# TYPE http_requests_total counter\nhttp_requests_total{method=\"GET\",route=\"/a\",status=\"200\"} 5\n" +
		hist("http_request_duration_seconds", `method="GET",route="/a"`, 5, 1, "1")
	one := []snapshot.Work{{Requests: 5, Statements: 64}}
	tests := map[string]struct {
		page string
		want []snapshot.Work
	}{
		"none":              {requests, nil},
		"histogram":         {requests + work("db_queries_per_request"), one},
		"with a prefix":     {requests + work("shop_sql_queries_per_request"), one},
		"something else":    {requests + work("cache_lookups_per_request"), nil},
		"no requests":       {work("db_queries_per_request"), one},
		"summary":           {requests + "# TYPE db_calls_per_request summary\ndb_calls_per_request_sum{method=\"GET\",route=\"/a\"} 64\ndb_calls_per_request_count{method=\"GET\",route=\"/a\"} 5\n", one},
		"no sum":            {requests + "# TYPE db_calls_per_request histogram\ndb_calls_per_request_count{route=\"/a\"} 5\n", nil},
		"an impossible one": {requests + "# TYPE db_calls_per_request summary\ndb_calls_per_request_sum -1\ndb_calls_per_request_count 5\n", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := readPage(t, NewReader("t", Limits{}), tt.page)
			if len(h.Work) != len(tt.want) {
				t.Fatalf("read %+v, want %+v", h.Work, tt.want)
			}
			for i, w := range h.Work {
				if w.Requests != tt.want[i].Requests || w.Statements != tt.want[i].Statements {
					t.Errorf("read %+v, want %+v", w, tt.want[i])
				}
				if len(h.Requests) > 0 && (w.Series.Route != h.Requests[0].Series.Route || w.Series.Method != h.Requests[0].Series.Method) {
					t.Errorf("of %v %v, the requests of %v", w.Series.Method, w.Series.Route, h.Requests[0].Series.Route)
				}
			}
		})
	}
}
