package load

import (
	"bufio"
	"compress/gzip"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// once asks a target n times, one after another, with a pause between.
func once(t *testing.T, target string, n int, pause time.Duration, change func(*Spec)) *Report {
	t.Helper()
	spec := Spec{Target: target, Closed: Closed{Users: 1, Requests: n}, Timeout: 5 * time.Second}
	if pause > 0 {
		spec.Closed = Closed{}
		spec.Stages = []Stage{{pause * time.Duration(n), float64(time.Second) / float64(pause), float64(time.Second) / float64(pause)}}
	}
	if change != nil {
		change(&spec)
	}
	r, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := r.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// answers are ways in which a server may answer; long is a long body.
func answers(long string) map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"/plain": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "four") },
		"/empty": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"/long":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long) },
		"/chunked": func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, "four")
		},
		"/interim": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			_, _ = io.WriteString(w, "four")
		},
		"/last": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			_, _ = io.WriteString(w, "four")
		},
		"/packed": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") != "gzip" {
				w.WriteHeader(http.StatusNotAcceptable)
			}
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, long)
			_ = z.Close()
		},
		"/secret": func(w http.ResponseWriter, r *http.Request) {
			if u, p, _ := r.BasicAuth(); u != "bob" || p != "hunter2" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		},
	}
}

func TestWire(t *testing.T) {
	long := strings.Repeat("all work and no play ", 50_000)
	handlers := answers(long)
	mux := http.NewServeMux()
	for path, h := range handlers {
		mux.Handle(path, h)
	}
	for _, secure := range []bool{false, true} {
		s := httptest.NewUnstartedServer(mux)
		if secure {
			s.StartTLS()
		} else {
			s.Start()
		}
		for path := range handlers {
			target := strings.Replace(s.URL, "://", "://bob:hunter2@", 1) + path
			rep := once(t, target, 10, 0, func(spec *Spec) {
				if secure {
					spec.Transport = s.Client().Transport // it knows the test's certificate
				}
			})
			conns := map[bool]uint64{false: 1, true: 10}[path == "/last"]
			if rep.OK != 10 || !secure && rep.Connections.New != conns || rep.Connections.New+rep.Connections.Reused != 10 || strings.Contains(rep.Target, "hunter2") {
				t.Errorf("%s: %+v", target, rep)
			}
			want := map[string]uint64{"/plain": 40, "/chunked": 40, "/interim": 40, "/last": 40, "/long": uint64(10 * len(long)), "/empty": 0, "/secret": 0}
			if n, known := want[path]; known && rep.Bytes != n || path == "/packed" && (rep.Bytes == 0 || rep.Bytes > uint64(len(long))) {
				t.Errorf("%s: %d bytes, want %d", path, rep.Bytes, n)
			}
		}
		s.Close()
	}
}

// TestUnknownCertificate: it is an error of its own kind, and never accepted.
func TestUnknownCertificate(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	if rep := once(t, s.URL, 3, 0, nil); rep.ErrorKinds["tls"] != 3 || rep.Errors != 3 {
		t.Errorf("%+v", rep)
	}
	if rep := once(t, strings.Replace(s.URL, "https:", "http:", 1), 1, 0, nil); rep.ClientErrors != 1 {
		t.Errorf("without TLS: %+v", rep)
	}
}

// raw is a server that speaks as it likes, one connection after another.
func raw(t *testing.T, serve func(n int, c net.Conn, in *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(n, c, bufio.NewReader(c))
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return "http://" + l.Addr().String()
}

const fine = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour"

// TestServerClosesIdle: a server may close an idle connection at any time; that
// is nobody's error, with or without a body to send.
func TestServerClosesIdle(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		target := raw(t, func(_ int, c net.Conn, in *bufio.Reader) {
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(c, fine)
		})
		body := map[string]string{"GET": "", "POST": "{}"}[method]
		s := &Scenario{Name: "x", Requests: []Request{{Method: method, Path: "/", Body: body, Weight: 1}}}
		rep := once(t, target, 3, staleAfter+200*time.Millisecond, func(spec *Spec) { spec.Scenario = s })
		if rep.OK != 3 || rep.Errors != 0 || rep.Connections.New != 3 {
			t.Errorf("%s: %+v", method, rep)
		}
	}
}

func TestBrokenAnswers(t *testing.T) {
	tests := map[string]struct{ answer, kind string }{
		"nothing":          {"", "eof"},
		"half a head":      {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n", "eof"},
		"half a body":      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour", "eof"},
		"no HTTP":          {"220 smtp.example.com ESMTP\r\n", "protocol"},
		"broken chunk":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "protocol"},
		"interim for ever": {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 10), "protocol"},
		"silence":          {"wait", "timeout"},
		"silence in body":  {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nwait", "timeout"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			target := raw(t, func(n int, c net.Conn, in *bufio.Reader) {
				if req, err := http.ReadRequest(in); err != nil || req == nil {
					return
				}
				if n > 0 {
					_, _ = io.WriteString(c, fine)
					return
				}
				text, waits := strings.CutSuffix(tt.answer, "wait")
				_, _ = io.WriteString(c, text)
				if waits {
					<-release
				}
			})
			time.AfterFunc(time.Second, func() { close(release) })
			rep := once(t, target, 2, 0, func(spec *Spec) { spec.Timeout = 300 * time.Millisecond })
			// The next request has a connection of its own.
			if rep.ErrorKinds[tt.kind] < 1 || rep.Requests != 2 || tt.kind != "timeout" && rep.OK != 1 {
				t.Errorf("%+v, want an error %q and a good answer", rep, tt.kind)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if rep := once(t, "http://"+l.Addr().String(), 3, 0, nil); rep.ErrorKinds["refused"] != 3 || rep.Connections.New != 0 {
		t.Errorf("%+v", rep)
	}
	if rep := once(t, "http://no-such-host.invalid", 1, 0, nil); rep.ErrorKinds["dns"]+rep.ErrorKinds["timeout"] != 1 {
		t.Errorf("%+v", rep)
	}
}

// TestAbandoned: the end of the context ends what is under way at once.
func TestAbandoned(t *testing.T) {
	var begun atomic.Int64
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { begun.Add(1); <-release }))
	defer s.Close()
	defer close(release)
	r, err := New(Spec{Target: s.URL, Stages: []Stage{{0, 100, 100}}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for begun.Load() < 10 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	start := time.Now()
	rep, err := r.Run(ctx)
	if err != nil || !rep.Interrupted || rep.Abandoned < 10 || rep.Errors != 0 {
		t.Errorf("%+v, %v", rep, err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("the end took %v", took)
	}
}

func TestIsLoopback(t *testing.T) {
	tests := map[string]bool{
		"http://127.0.0.1:8000": true, "http://[::1]:8000/a": true, "https://localhost": true, "http://127.9.9.9": true,
		"http://10.0.0.1": false, "http://0.0.0.0:8000": false, "http://192.0.2.1": false, "http://no-such-host.invalid": false,
		"localhost:8000": false, "": false, "http://": false, "http://[::]:80": false, "http://127.0.0.1.nip.invalid": false,
	}
	for target, want := range tests {
		if got := IsLoopback(target); got != want {
			t.Errorf("IsLoopback(%q) = %v", target, got)
		}
	}
}

// TestAlarms: they wake in time, at once when they ring, and never sleep over a
// ring that came before.
func TestAlarms(t *testing.T) {
	kinds := map[string]func() alarm{"timer": func() alarm { return newTimerAlarm() }}
	if a, err := newFineAlarm(); err == nil {
		a.close()
		a.ring() // after the end it does nothing
		kinds["fine"] = func() alarm { a, _ := newFineAlarm(); return a }
	}
	for name, make := range kinds {
		a := make()
		start := time.Now()
		for time.Since(start) < 20*time.Millisecond {
			a.wait(20*time.Millisecond - time.Since(start))
		}
		a.ring()
		a.wait(time.Minute)
		time.AfterFunc(10*time.Millisecond, a.ring)
		for _, d := range []time.Duration{-1, time.Minute} {
			if d < 0 {
				time.AfterFunc(20*time.Millisecond, a.ring)
			}
			a.wait(d)
			a.ring()
		}
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("%s: %v for a wait of 20 ms and three rings", name, took)
		}
		a.close()
	}
}
