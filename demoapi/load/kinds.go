package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// errorKind sorts why a request has no whole answer.
func errorKind(err error) string {
	var network net.Error
	var lookup *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "timeout"
	case isTLS(err):
		return "tls"
	case errors.As(err, &lookup):
		return "dns"
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return "refused"
	case errors.As(err, &op) && op.Op == "dial":
		return "dial"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "eof"
	case isProtocol(err):
		return "protocol"
	}
	return "other"
}

func isTLS(err error) bool {
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	return errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.As(err, &unknown) || errors.As(err, &host) ||
		errors.Is(err, http.ErrSchemeMismatch)
}

// isProtocol knows answers that are not HTTP. net/http has no type for them.
func isProtocol(err error) bool {
	text := err.Error()
	for _, part := range []string{"malformed", "invalid byte in chunk", "bad Content-Length", "unsupported transfer encoding", "HTTP/1.x transport connection broken"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// classOf is the class of answers that a status belongs to; 0 is none.
func classOf(status int) string {
	switch {
	case status == 0:
		return "none"
	case status == http.StatusTooManyRequests:
		return "429"
	case status < 300:
		return "2xx"
	case status < 400:
		return "3xx"
	case status < 500:
		return "4xx"
	}
	return "5xx"
}
