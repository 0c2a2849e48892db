package redislive

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"

	"apitop/collectors/redisconn/redistest"
)

// TestRecall: a burst of 2,000 lines finds the keys that are read most, with
// names of equal length in Zipf's distribution.
func TestRecall(t *testing.T) {
	srv := redistest.Start(t)
	conn, err := new(net.Dialer).DialContext(t.Context(), "unix", srv.Sock)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in, zipf := bufio.NewReader(conn), rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.1, 1, 99_999)
	stop := meanwhile(func() {
		const depth = 16
		for range depth {
			_, _ = fmt.Fprintf(conn, "GET key:%06d\r\n", zipf.Uint64())
		}
		for range depth {
			if _, err := in.ReadString('\n'); err != nil {
				t.Error(err)
				return
			}
		}
	})
	s, err := Burst(t.Context(), open(t, srv.URL()), Limits{Time: mostTracked})
	stop()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, k := range s.Keys[:min(16, len(s.Keys))] {
		for rank := range 16 {
			if k.Key == fmt.Sprintf("key:%06d", rank) {
				found++
			}
		}
	}
	t.Logf("%d of the top 16 in %d lines, %v, cut by %s: %.0f/s", found, s.Lines, s.Span, s.Cut, float64(s.Lines)/s.Span.Seconds())
	if s.Cut != cutLines || found < 12 { // it is 13 or 14; the last of them are read nearly alike
		t.Errorf("%d of the top 16 in %d lines, cut by %s", found, s.Lines, s.Cut)
	}
}
