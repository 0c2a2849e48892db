package load

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// stalling answers at once, but for a stall every so often.
func stalling(every, stall time.Duration) http.Handler {
	start := time.Now()
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if in := time.Since(start) % every; in < stall {
			time.Sleep(stall - in)
		}
		_, _ = io.WriteString(w, "ok")
	})
}

// TestStall: a server that stalls for 200 ms every 2 s keeps 10 % of the requests
// waiting, evenly for up to 200 ms. So by the schedule p95 is 100 ms and p99
// 180 ms, whatever the server does for the pool of a generator.
func TestStall(t *testing.T) {
	s := httptest.NewServer(stalling(2*time.Second, 200*time.Millisecond))
	defer s.Close()
	var seen string
	for range 3 { // the machine may be busy with something else
		r, err := New(Spec{Target: s.URL, Stages: steady(500, 8*time.Second), Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		rep, err := r.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p95, p99 := *rep.Response.P95*1000, *rep.Response.P99*1000
		s95, s99 := *rep.Service.P95*1000, *rep.Service.P99*1000
		seen = fmt.Sprintf("response p95 %.1f p99 %.1f ms, service p95 %.1f p99 %.1f ms, %d requests, %.1f/s", p95, p99, s95, s99, rep.OK, rep.SentRPS)
		if rep.OK == 4000 && rep.SentRPS > 499 && p95 > 97 && p95 < 109 && p99 > 177 && p99 < 189 && s95 <= p95 && s99 <= p99 {
			t.Log(seen)
			return
		}
	}
	t.Error(seen)
}
