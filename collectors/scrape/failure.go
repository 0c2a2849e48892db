package scrape

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

const fixSlow = "see whether the service is overloaded, or raise the interval"

// explain says why no HTTP answer came. What the standard library says is used
// to tell the cases apart and never shown: it can hold the URL.
func (c *Collector) explain(ctx context.Context, u *unanswered) error {
	err, took := u.err, u.took
	if f, ok := errors.AsType[*snapshot.Failure](err); ok {
		return f // made before the request was sent
	}
	first, open := u.link.first.take()
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("scrape %s: %w", c.target.name, ctx.Err())
	case timedOut(ctx, err) && !open:
		return c.unreachable(fmt.Sprintf("no connection to %s within %s", c.target.hostPort(), shortly(took)),
			"check the address, and what filters packets in between")
	case timedOut(ctx, err):
		return c.unreachable(fmt.Sprintf("%s did not answer within %s", c.target.name, shortly(took)), fixSlow)
	}
	if f := c.notConnected(err); f != nil {
		return f
	}
	if f := c.speaks(first); f != nil {
		return f
	}
	if f := c.tlsFailure(err); f != nil {
		return f
	}
	if strings.Contains(err.Error(), "response headers exceeded") { // no sentinel error exists
		return snapshot.Fail(snapshot.Unsupported,
			c.target.name+" sends more than "+size(maxHeaderBytes)+" of headers", fixPage)
	}
	if len(first) == 0 {
		return c.silent(ctx, err)
	}
	return snapshot.Fail(snapshot.Unsupported, c.target.name+" does not answer in HTTP", fixPage)
}

func (c *Collector) unreachable(what, fix string) *snapshot.Failure {
	return snapshot.Fail(snapshot.Unreachable, what, fix)
}

func timedOut(ctx context.Context, err error) bool {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

// shortly shortens a duration for people.
func shortly(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}

// notConnected explains why there is no connection; nil when there was one.
func (c *Collector) notConnected(err error) error {
	host, addr := c.target.url.Hostname(), c.target.hostPort()
	if c.proxied {
		host, addr = "the proxy or "+host, "the proxy or "+addr
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		what := "the name " + host + " cannot be resolved"
		if dns.IsNotFound {
			what = "no such host: " + host
		}
		return c.unreachable(what, "check the host name and the DNS settings")
	}
	if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" {
		return nil
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return c.unreachable("connection refused by "+addr, "see whether the service runs and listens there")
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return c.unreachable("no route to "+addr, "check the network")
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return c.unreachable("too many open files: no connection to "+addr, "raise the limit (ulimit -n) of apitop")
	}
	return c.unreachable("cannot connect to "+addr, "check the address")
}

// tlsFailure explains a failed handshake; nil when there was none.
func (c *Collector) tlsFailure(err error) error {
	name := c.target.name
	if f, ok := errors.AsType[*web.FieldError](err); ok {
		return snapshot.Fail(snapshot.Denied, f.Error(), "see the certificate that the config names")
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return c.unreachable("the certificate of "+name+" is signed by an unknown authority", "set tls_config.ca_file in the config")
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return c.unreachable("the certificate of "+name+" is for another host", "use the name in the certificate, or set tls_config.server_name")
	}
	if bad, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if bad.Reason == x509.Expired {
			return c.unreachable("the certificate of "+name+" has expired or is not valid yet", "renew the certificate, or check the clock")
		}
		return c.unreachable("the certificate of "+name+" is not valid", "renew the certificate")
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" { // crypto/tls: an alert
		return snapshot.Fail(snapshot.Denied, name+" refused the TLS handshake", "it may want a client certificate: set tls_config.cert_file and key_file")
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return snapshot.Fail(snapshot.Unsupported, name+" does not speak TLS", "use http:// instead of https://")
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return c.unreachable("the certificate of "+name+" cannot be verified", "set tls_config.ca_file in the config")
	}
	return nil
}

// silent explains a connection that was closed without a byte. Redis and Postgres
// do that to HTTP, so it is asked once in their words.
func (c *Collector) silent(ctx context.Context, err error) error {
	closed := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE)
	if closed && !c.proxied {
		if c.probe(ctx); c.foreigner != nil {
			return c.foreigner
		}
	}
	if closed {
		return c.unreachable(c.target.name+" closed the connection without an answer", fixPage)
	}
	return c.unreachable(c.target.name+" gave no answer", fixPage)
}
