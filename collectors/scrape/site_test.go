package scrape

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// sim is a process that answers behind a simulated address.
type sim struct {
	start   float64 // 0: its page does not say
	hits    int
	scrapes int
	memory  func(scrapes int) int // bytes; nil: its page does not say
	quiet   bool                  // nothing but requests moves
}

// site is an address behind which several processes answer.
type site struct {
	*httptest.Server
	closes bool // after each answer
	mixes  bool // a proxy spreads requests, not connections

	mu       sync.Mutex // guards what follows
	sims     []*sim
	chance   *rand.Rand
	requests int
	open     map[net.Conn]bool
	most     int // connections at once
}

type simKey struct{}

func newSite(t *testing.T, sims ...*sim) *site {
	t.Helper()
	s := &site{sims: sims, open: map[net.Conn]bool{}, chance: rand.New(rand.NewPCG(1, 2))}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open[conn] = true
		s.most = max(s.most, len(s.open))
		return context.WithValue(ctx, simKey{}, s.pick())
	}
	state := s.Config.ConnState
	s.Config.ConnState = func(conn net.Conn, st http.ConnState) {
		if st == http.StateClosed {
			s.mu.Lock()
			delete(s.open, conn)
			s.mu.Unlock()
		}
		if state != nil {
			state(conn, st)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// pick takes a process by chance, the same at each run.
func (s *site) pick() *sim { return s.sims[s.chance.IntN(len(s.sims))] }

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	p := r.Context().Value(simKey{}).(*sim)
	if s.mixes {
		p = s.pick()
	}
	p.scrapes++
	if s.closes {
		w.Header().Set("Connection", "close")
	}
	fmt.Fprintf(w, "# TYPE http_requests_total counter\nhttp_requests_total{method=\"GET\",route=\"/a\",status=\"200\"} %d\n", p.hits)
	if !p.quiet {
		fmt.Fprintf(w, "# TYPE python_gc_objects_collected_total counter\npython_gc_objects_collected_total %d\n", 1000+7*p.scrapes)
	}
	if p.memory != nil {
		fmt.Fprintf(w, "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %d\n", p.memory(p.scrapes))
	}
	if p.start > 0 {
		fmt.Fprintf(w, "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %.2f\n", p.start)
	}
}

// hit counts n requests in each process.
func (s *site) hit(n int) (total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, p := range s.sims {
		p.hits += n + i
		total += n + i
	}
	return total
}
