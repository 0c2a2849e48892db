package redisconn

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"syscall"
	"time"

	"apitop/collectors/snapshot"
)

const (
	dialTimeout = time.Second
	ioTimeout   = time.Second // one read or write; the caller's context may end it sooner
)

// dial opens a connection to t. It never fails: when nothing can be reached the
// connection it returns fails at its first use. The pool of go-redis would
// otherwise stop dialling after a failure, for a second at a time in a
// goroutine of its own, and so find a server late that came back.
func (t Target) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	d := net.Dialer{KeepAlive: 15 * time.Second}
	conn, err := d.DialContext(ctx, t.network, t.addr)
	if err != nil && t.fallback != "" {
		if _, unknown := errors.AsType[*net.DNSError](err); unknown {
			conn, err = d.DialContext(ctx, t.network, t.fallback)
		}
	}
	if err != nil {
		return unreached{failure(err)}, nil
	}
	if !t.tls {
		return lastWords{conn}, nil
	}
	secured := tls.Client(conn, t.tlsConfig())
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return unreached{failure(err)}, nil
	}
	return secured, nil
}

func (t Target) tlsConfig() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.secure != nil {
		c = t.secure.Clone()
	}
	if c.ServerName == "" {
		c.ServerName = t.host
	}
	if t.trustAny {
		c.InsecureSkipVerify = true // the address says skip_verify=true
	}
	return c
}

// lastWords is a connection whose server may say why before it closes it at once,
// as one with too many clients does. A write that comes after that fails, and
// nobody would read the reason.
type lastWords struct{ net.Conn }

func (c lastWords) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		return n, err
	}
	said := make([]byte, 256)
	_ = c.SetReadDeadline(time.Now().Add(ioTimeout)) // it is closed: nothing is waited for
	m, _ := c.Read(said)
	line, whole := strings.CutSuffix(string(said[:m]), "\r\n")
	if text, isError := strings.CutPrefix(line, "-"); whole && isError {
		if why := newReplyError(text).state(); why != nil {
			return n, why
		}
	}
	return n, err
}

// SyscallConn lets the pool see that a connection was closed before it uses it.
func (c lastWords) SyscallConn() (syscall.RawConn, error) {
	s, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return s.SyscallConn()
}

// unreached is the connection that could not be made: using it gives the
// reason.
type unreached struct{ why *snapshot.Failure }

func (u unreached) Read([]byte) (int, error)       { return 0, u.why }
func (u unreached) Write([]byte) (int, error)      { return 0, u.why }
func (unreached) Close() error                     { return nil }
func (unreached) LocalAddr() net.Addr              { return &net.UnixAddr{} }
func (unreached) RemoteAddr() net.Addr             { return &net.UnixAddr{} }
func (unreached) SetDeadline(time.Time) error      { return nil }
func (unreached) SetReadDeadline(time.Time) error  { return nil }
func (unreached) SetWriteDeadline(time.Time) error { return nil }
