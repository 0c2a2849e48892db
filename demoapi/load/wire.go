package load

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// wire is the one connection of one worker: HTTP/1.1 with keep-alive. It uses
// net/http's reading and writing of messages, but not its Transport, whose two
// goroutines for each connection cost more processor time at the rates of a
// load test than all the rest of a request. It belongs to its worker; only
// abort may be called by others.
type wire struct {
	dial   func(context.Context) (net.Conn, error)
	opened *atomic.Uint64

	conn   net.Conn // nil: none
	in     *bufio.Reader
	out    *bufio.Writer
	usedAt time.Time

	mu      sync.Mutex // guards the next two
	current net.Conn   // conn, for abort
	aborted bool
}

// staleAfter is how long a connection may be idle before a look whether the
// server has closed it: servers keep idle ones for seconds at least.
const staleAfter = 500 * time.Millisecond

// maxInterim is how many interim answers (1xx) may come before the answer.
const maxInterim = 5

// newDial makes what opens connections to a target.
func newDial(target *url.URL, timeout time.Duration) func(context.Context) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second}
	port := target.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[target.Scheme]
	}
	address := net.JoinHostPort(target.Hostname(), port)
	if target.Scheme != "https" {
		return func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", address) }
	}
	secure := &tls.Dialer{NetDialer: dialer, Config: &tls.Config{
		MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(0), NextProtos: []string{"http/1.1"},
	}}
	return func(ctx context.Context) (net.Conn, error) { return secure.DialContext(ctx, "tcp", address) }
}

// RoundTrip sends a request and reads the head of its answer. The body must be
// read and closed before the next one. What ends it early is abort.
func (x *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	reused := x.conn != nil && !x.stale()
	if !reused {
		if err := x.open(req.Context()); err != nil {
			return nil, err
		}
	}
	resp, err := x.exchange(req)
	if err != nil && reused && x.in.Buffered() == 0 && closedIdle(err) && replayable(req) && req.Context().Err() == nil {
		// The server closed the connection while the request was on its way.
		if err = x.open(req.Context()); err == nil {
			resp, err = x.exchange(req)
		}
	}
	if err != nil {
		x.close()
		return nil, err
	}
	resp.Body = &wireBody{ReadCloser: resp.Body, wire: x, last: resp.Close || req.Close}
	return resp, nil
}

// closedIdle says whether a connection ended before any of the answer came.
func closedIdle(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op) && !op.Timeout()
}

// replayable says whether a request may be sent twice.
func replayable(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return req.Body == nil
	}
	return false
}

func (x *wire) exchange(req *http.Request) (*http.Response, error) {
	if err := req.Write(x.out); err != nil {
		return nil, err
	}
	if err := x.out.Flush(); err != nil {
		return nil, err
	}
	for range maxInterim {
		resp, err := http.ReadResponse(x.in, req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
	}
	return nil, errInterim
}

var errInterim = errors.New("malformed answer: too many interim ones")

// open replaces the connection by a new one.
func (x *wire) open(ctx context.Context) error {
	x.close()
	c, err := x.dial(ctx)
	if err != nil {
		return err
	}
	x.opened.Add(1)
	x.mu.Lock()
	x.current = c
	aborted := x.aborted
	x.mu.Unlock()
	x.conn = c
	if aborted {
		x.close()
		return context.Canceled
	}
	if x.in == nil {
		x.in, x.out = bufio.NewReaderSize(c, 4<<10), bufio.NewWriterSize(c, 4<<10)
	} else {
		x.in.Reset(c)
		x.out.Reset(c)
	}
	return nil
}

// close ends the connection, if there is one.
func (x *wire) close() {
	if x.conn == nil {
		return
	}
	x.mu.Lock()
	x.current = nil
	x.mu.Unlock()
	_ = x.conn.Close() // nothing is lost with it
	x.conn = nil
}

// abort ends what is under way, and what is begun before resume.
func (x *wire) abort() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.aborted = true
	if x.current != nil {
		_ = x.current.Close()
	}
}

// resume allows requests after an abort.
func (x *wire) resume() {
	x.close()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.aborted = false
}

// stale says whether an idle connection has been closed by the server.
func (x *wire) stale() bool {
	return x.in.Buffered() > 0 || time.Since(x.usedAt) > staleAfter && !alive(x.conn)
}

// wireBody is the body of an answer; when it was read to its end, the connection
// can be used again.
type wireBody struct {
	io.ReadCloser
	wire *wire
	last bool // the connection ends with this answer
	done bool // it was read to its end
}

func (b *wireBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.done = b.done || err == io.EOF
	return n, err
}

// Close never waits for the rest of a body.
func (b *wireBody) Close() error {
	b.wire.usedAt = time.Now()
	if b.last || !b.done {
		b.wire.close()
	}
	return nil
}
