package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"syscall"

	"apitop/collectors/snapshot"
)

// TimedOut tells whether err came of running out of time.
func TimedOut(ctx context.Context, err error) bool {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

// NotConnected explains, as a [snapshot.Failure], why there is no connection to
// a; nil when there was one. Nothing of err is shown: it can hold the URL.
func (c Client) NotConnected(err error, a Address) error {
	host, addr := a.URL.Hostname(), a.HostPort()
	if c.Proxy != nil {
		host, addr = "the proxy or "+host, "the proxy or "+addr
	}
	fail := func(what, fix string) error { return snapshot.Fail(snapshot.Unreachable, what, fix) }
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		what := "the name " + host + " cannot be resolved"
		if dns.IsNotFound {
			what = "no such host: " + host
		}
		return fail(what, "check the host name and the DNS settings")
	}
	if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" {
		return nil
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fail("connection refused by "+addr, "see whether the service runs and listens there")
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fail("no route to "+addr, "check the network")
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return fail("too many open files: no connection to "+addr, "raise the limit (ulimit -n) of apitop")
	}
	return fail("cannot connect to "+addr, FixFiltered)
}

// FixFiltered is what to look at when a connection does not come about.
const FixFiltered = "check the address, and what filters packets in between"

// NotSecured explains, as a [snapshot.Failure], a TLS handshake with name that
// failed; nil when none did. Nothing of err is shown.
func NotSecured(err error, name string) error {
	if f, ok := errors.AsType[*FieldError](err); ok {
		return snapshot.Fail(snapshot.Denied, f.Error(), "see the certificate that the config names")
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" { // crypto/tls: an alert
		return snapshot.Fail(snapshot.Denied, name+" refused the TLS handshake", "it may want a client certificate: set tls_config.cert_file and key_file")
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return snapshot.Fail(snapshot.Unsupported, name+" does not speak TLS", "use http:// instead of https://")
	}
	what, fix := distrusted(err)
	if what == "" {
		return nil
	}
	return snapshot.Fail(snapshot.Unreachable, "the certificate of "+name+" "+what, fix)
}

// distrusted says what is wrong with a certificate; empty: nothing.
func distrusted(err error) (what, fix string) {
	const fixCA = "set tls_config.ca_file in the config"
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "is signed by an unknown authority", fixCA
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "is for another host", "use the name in the certificate, or set tls_config.server_name"
	}
	if bad, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if bad.Reason == x509.Expired {
			return "has expired or is not valid yet", "renew the certificate, or check the clock"
		}
		return "is not valid", "renew the certificate"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "cannot be verified", fixCA
	}
	return "", ""
}
