package web

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"apitop/collectors/snapshot"
)

// TestFailures: each failure of a connection is told apart, and nothing of the
// library's error, which can hold the URL, is shown.
func TestFailures(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Err: err} }
	verify := func(err error) error { return &tls.CertificateVerificationError{Err: err} }
	tests := map[string]struct {
		err   error
		proxy bool
		kind  snapshot.FailureKind
		want  string // empty: no failure of a connection
	}{
		"no host":       {&net.DNSError{Name: canary, IsNotFound: true}, false, snapshot.Unreachable, "no such host: a: check the host name"},
		"no DNS":        {&net.DNSError{Name: canary}, false, snapshot.Unreachable, "the name a cannot be resolved"},
		"refused":       {dial(syscall.ECONNREFUSED), false, snapshot.Unreachable, "connection refused by a:1: see whether the service runs"},
		"proxy refused": {dial(syscall.ECONNREFUSED), true, snapshot.Unreachable, "connection refused by the proxy or a:1"},
		"no route":      {dial(syscall.EHOSTUNREACH), false, snapshot.Unreachable, "no route to a:1"},
		"out of files":  {dial(syscall.EMFILE), false, snapshot.Unreachable, "too many open files: no connection to a:1: raise the limit (ulimit -n)"},
		"other":         {dial(errors.New(canary)), false, snapshot.Unreachable, "cannot connect to a:1"},
		"own key gone":  {fmt.Errorf("tls: %w", wrong("tls_config.key_file", "no such file")), false, snapshot.Denied, "tls_config.key_file: no such file"},
		"alert":         {&net.OpError{Op: "remote error", Err: errors.New(canary)}, false, snapshot.Denied, "name refused the TLS handshake"},
		"no TLS":        {tls.RecordHeaderError{Msg: canary}, false, snapshot.Unsupported, "name does not speak TLS"},
		"authority":     {verify(x509.UnknownAuthorityError{}), false, snapshot.Unreachable, "the certificate of name is signed by an unknown authority"},
		"other name":    {verify(x509.HostnameError{Certificate: &x509.Certificate{}, Host: canary}), false, snapshot.Unreachable, "the certificate of name is for another host"},
		"expired":       {verify(x509.CertificateInvalidError{Reason: x509.Expired}), false, snapshot.Unreachable, "the certificate of name has expired"},
		"invalid":       {verify(x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}), false, snapshot.Unreachable, "the certificate of name is not valid"},
		"unverified":    {verify(errors.New(canary)), false, snapshot.Unreachable, "the certificate of name cannot be verified"},
		"broken off":    {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, false, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a, err := ParseAddress("http://a:1/metrics?token=" + canary)
			if err != nil {
				t.Fatal(err)
			}
			c := Client{}
			if tt.proxy {
				c.Proxy = http.ProxyFromEnvironment
			}
			got := c.NotConnected(tt.err, a)
			if got == nil {
				got = NotSecured(tt.err, "name")
			}
			if tt.want == "" {
				if got != nil {
					t.Errorf("%v, want nothing", got)
				}
				return
			}
			if f, ok := errors.AsType[*snapshot.Failure](got); !ok || f.Kind != tt.kind || !strings.Contains(f.Error(), tt.want) {
				t.Errorf("%v, want kind %v and %q", got, tt.kind, tt.want)
			}
			noCanary(t, got)
		})
	}
}
