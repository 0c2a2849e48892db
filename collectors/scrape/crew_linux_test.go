package scrape

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The processes of the server under test are this test binary again. What they
// are to be like is in their environment.
const (
	workerPort  = "APITOP_TEST_WORKER_PORT"
	workerStart = "APITOP_TEST_WORKER_START" // what the page says; empty: the truth; "none": nothing
	workerIdle  = "APITOP_TEST_WORKER_IDLE"  // how long connections are kept; empty: long; "0": not at all
)

// work is one process of a server: it shares its port with others, and counts
// its own requests. The page is like one of Python's, whose clocks go in steps of
// ten milliseconds.
func work(port string) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		_ = c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		return err
	}}
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:"+port)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	start := os.Getenv(workerStart)
	if start == "" {
		start = strconv.FormatFloat(float64(time.Now().UnixMilli()/10)/100, 'f', 2, 64)
	}
	var hits, collected atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/hit", func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	mux.HandleFunc("/pid", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Getpid()) })
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		n := hits.Load()
		fmt.Fprintf(w, "# TYPE python_gc_objects_collected_total counter\npython_gc_objects_collected_total %d\n", collected.Add(7))
		fmt.Fprintf(w, "# TYPE http_requests_total counter\n")
		if n > 0 {
			fmt.Fprintf(w, "http_requests_total{method=\"GET\",route=\"/a\",status=\"200\"} %d\n", n)
		}
		fmt.Fprintf(w, "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.2f\n", float64((u.Utime.Nano()+u.Stime.Nano())/1e7)/100)
		if start != "none" {
			fmt.Fprintf(w, "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %s\n", start)
		}
	})
	server := http.Server{Handler: mux, IdleTimeout: time.Hour}
	if idle := os.Getenv(workerIdle); idle == "0" {
		server.SetKeepAlivesEnabled(false)
	} else if d, err := time.ParseDuration(idle); err == nil {
		server.IdleTimeout = d
	}
	_ = server.Serve(l)
	os.Exit(1)
}

// pool is a server of several processes.
type pool struct {
	t    *testing.T
	port string
	env  []string
	pids map[*exec.Cmd]bool
	sent int64
}

// startPool starts n processes on one port. As far as env does not say otherwise
// they began long ago, a second apart: how near to one another the system begins
// them, and how soon their first pages are read, depends on what else it does.
func startPool(t *testing.T, n int, env ...string) *pool {
	t.Helper()
	p := &pool{t: t, port: freePort(t), env: env, pids: map[*exec.Cmd]bool{}}
	t.Cleanup(func() {
		for cmd := range p.pids {
			p.kill(cmd)
		}
	})
	for i := range n {
		p.start(fmt.Sprintf("%s=%d", workerStart, time.Now().Unix()-500+int64(i)))
	}
	p.waitFor(n)
	return p
}

func (p *pool) url() string { return "http://127.0.0.1:" + p.port }

// start starts one more. What the pool's environment says wins over env.
func (p *pool) start(env ...string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = slices.Concat(os.Environ(), []string{workerPort + "=" + p.port}, env, p.env)
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.pids[cmd] = true
}

func (p *pool) kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	delete(p.pids, cmd)
}

// ask makes a request over a connection of its own.
func (p *pool) ask(path string) (string, error) {
	transport := &http.Transport{DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url()+path, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// waitFor waits until n processes answer.
func (p *pool) waitFor(n int) {
	p.t.Helper()
	seen := map[string]bool{}
	for end := time.Now().Add(20 * time.Second); len(seen) < n; {
		if pid, err := p.ask("/pid"); err == nil {
			seen[pid] = true
		} else if time.Now().After(end) {
			p.t.Fatalf("%d of %d processes answer: %v", len(seen), n, err)
		}
	}
}

// traffic sends requests for a while.
func (p *pool) traffic(d time.Duration) (wait func()) {
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	for range 2 {
		wg.Go(func() {
			for time.Now().Before(end) {
				if _, err := p.ask("/hit"); err != nil {
					continue // of a process that was just killed: it was not counted
				}
				atomic.AddInt64(&p.sent, 1)
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	return wg.Wait
}

func (w *observer) check(p *pool, processes int) {
	w.t.Helper()
	sent := float64(atomic.LoadInt64(&p.sent))
	if w.counted != sent {
		w.t.Errorf("%v requests, %v were sent", w.counted, sent)
	}
	if h := w.report.HTTP; load() <= time.Second && (h == nil || h.Requests.V != sent) { // all in its window
		w.t.Errorf("the analysis says %v requests, %v were sent", h.Requests, sent)
	}
	if n := len(w.c.crew.list); n != processes {
		w.t.Errorf("%d processes, want %d", n, processes)
	}
	w.t.Logf("%v requests, %d processes, %d leads, roams %v, sure %v after %d rounds; notes %v", w.counted, len(w.c.crew.list),
		len(w.c.crew.leads), w.c.crew.roams, w.c.crew.sure, w.rounds, w.notes)
}

// load is for how long requests are sent: a second, or as many as the environment
// says.
func load() time.Duration {
	if n, err := strconv.Atoi(os.Getenv("APITOP_LOAD_SECONDS")); err == nil {
		return time.Duration(n) * time.Second
	}
	return time.Second
}

// TestWorkers counts the requests of a server of three processes on one port.
func TestWorkers(t *testing.T) {
	tests := map[string]struct {
		env      []string
		busy     bool // before: those that did nothing yet look alike where no start time tells them apart
		interval time.Duration
	}{
		"keep-alive":   {nil, false, 100 * time.Millisecond},
		"idle timeout": {[]string{workerIdle + "=200ms"}, false, 300 * time.Millisecond},
		"closes":       {[]string{workerIdle + "=0"}, false, 100 * time.Millisecond},
		"equal start":  {[]string{workerStart + "=1700000000.12"}, true, 100 * time.Millisecond},
		"no start":     {[]string{workerStart + "=none"}, true, 100 * time.Millisecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := startPool(t, 3, tt.env...)
			if tt.busy {
				p.traffic(300 * time.Millisecond)()
				p.sent = 0
			}
			w := observe(t, p.url())
			w.pace = 100 * time.Millisecond
			w.until(100, func() bool { return len(w.c.crew.list) == 3 })
			wait := p.traffic(load())
			w.during(load(), tt.interval)
			wait()
			w.during(0, tt.interval)
			w.check(p, 3)
			if want := "worker 2"; len(w.report.HTTP.Instances) > 0 {
				t.Errorf("instances %v, want one address, %s is a part of it", w.report.HTTP.Instances, want)
			}
		})
	}
}

// TestWorkerReplaced kills one of three processes and starts another: what the
// new one counts is counted from zero.
func TestWorkerReplaced(t *testing.T) {
	for name, env := range map[string]string{"held": workerIdle + "=", "closes": workerIdle + "=0"} {
		t.Run(name, func(t *testing.T) {
			p := startPool(t, 3, env)
			w := observe(t, p.url())
			w.pace = 100 * time.Millisecond
			w.until(100, func() bool { return len(w.c.crew.list) == 3 && w.rounds > 12 })
			p.traffic(load() / 2)()
			w.during(0, 100*time.Millisecond)
			for cmd := range p.pids {
				p.kill(cmd)
				break
			}
			p.start()
			p.waitFor(3)
			p.traffic(load() / 2)()
			w.until(100, func() bool { return w.report.HTTP.Requests.V == float64(p.sent) && len(w.c.crew.list) == 3 })
			w.check(p, 3)
		})
	}
}

// TestWorkersAlike are processes that nothing tells apart, and of which each
// answer comes from another one: then it is said, and no request invented.
func TestWorkersAlike(t *testing.T) {
	p := startPool(t, 3, workerIdle+"=0", workerStart+"=none")
	w := observe(t, p.url())
	w.pace = 100 * time.Millisecond
	w.step(0)
	wait := p.traffic(load())
	w.during(load(), 100*time.Millisecond)
	wait()
	h := w.report.HTTP
	if h != nil && h.Requests.V > float64(p.sent) {
		t.Errorf("%v requests, %d were sent", h.Requests, p.sent)
	}
	if len(w.notes) == 0 || !strings.Contains(fmt.Sprint(w.notes), "totals are incomplete") && !strings.Contains(fmt.Sprint(w.err), "cannot be told apart") {
		t.Errorf("notes %v, error %v", w.notes, w.err)
	}
	t.Logf("%d requests: %+v counted, notes %v, error %v", p.sent, h.Requests, w.notes, w.err)
}
