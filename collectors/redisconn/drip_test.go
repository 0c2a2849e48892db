package redisconn

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

// proxy stands before a server. What it does with answers can be changed while
// it runs.
type proxy struct {
	addr string
	mode atomic.Int32
}

const (
	passes  = iota
	drips   // a byte a second
	breaks  // closes in the middle of the first answer
	garbles // answers that are not Redis'
)

func startProxy(t *testing.T, to string) *proxy {
	t.Helper()
	p := &proxy{addr: filepath.Join(t.TempDir(), "p")}
	l, err := net.Listen("unix", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := new(net.Dialer).DialContext(ctx, "unix", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			context.AfterFunc(ctx, func() { _, _ = client.Close(), server.Close() })
			go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
			go func() { p.answers(ctx, client, server); _, _ = client.Close(), server.Close() }()
		}
	}()
	t.Cleanup(func() { stop(); _ = l.Close(); <-done })
	return p
}

// answers passes them on until either side ends.
func (p *proxy) answers(ctx context.Context, client io.Writer, server io.Reader) {
	b := make([]byte, 4096)
	for {
		n, err := server.Read(b)
		if err != nil {
			return
		}
		part := b[:n]
		switch p.mode.Load() {
		case breaks:
			_, _ = client.Write(part[:n/2])
			return
		case garbles:
			part = []byte("\x00\xff$-9\r\n*99999999999\r\n")
		case drips:
			for len(part) > 1 {
				if _, err := client.Write(part[:1]); err != nil {
					return
				}
				part = part[1:]
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Second):
				}
			}
		}
		if _, err := client.Write(part); err != nil {
			return
		}
	}
}

// TestBadAnswers: answers that stop in the middle, come a byte a second or make
// no sense end in time and with a reason, and the next good one counts.
func TestBadAnswers(t *testing.T) {
	srv := redistest.Start(t)
	p := startProxy(t, srv.Sock)
	c := open(t, "unix://"+p.addr)
	ask := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		_, _, err := c.Info(ctx)
		return err
	}
	tests := map[string]struct {
		mode int32
		want string
	}{
		"cut":     {breaks, "the connection was closed"},
		"slow":    {drips, "no answer in time"},
		"garbled": {garbles, "answers, but not as Redis"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p.mode.Store(passes)
			if err := ask(); err != nil {
				t.Fatalf("before: %v", err)
			}
			p.mode.Store(tt.mode)
			for range 2 { // on a connection that worked, and on a new one
				start := time.Now()
				f := snapshot.FailureOf(ask())
				if f == nil || f.What.String() != tt.want {
					t.Errorf("failure %v, want %q", f, tt.want)
				}
				if took := time.Since(start); took > 3*time.Second {
					t.Errorf("it took %v", took)
				}
			}
			p.mode.Store(passes)
			if err := ask(); err != nil {
				t.Errorf("after: %v", err)
			}
		})
	}
}
