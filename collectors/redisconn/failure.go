package redisconn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// ReplyError is an error that the server sent for one command.
type ReplyError struct {
	Code string    // its first word: "NOPERM", "WRONGTYPE", "ERR"
	Text safe.Text // the whole of it
}

// Error is the server's text, safe to draw.
func (e *ReplyError) Error() string { return e.Text.String() }

// Denied tells that the user may not run the command at all.
func (e *ReplyError) Denied() bool {
	return e.Code == "NOPERM" && strings.Contains(e.Text.Raw(), "permissions to run")
}

// KeyDenied tells that the user may not read this key.
func (e *ReplyError) KeyDenied() bool { return e.Code == "NOPERM" && !e.Denied() }

// Unknown tells that the server does not have the command: too old, renamed or
// taken away.
func (e *ReplyError) Unknown() bool {
	s := strings.ToLower(e.Text.Raw())
	return e.Code == "ERR" && (strings.HasPrefix(s, "err unknown command") ||
		strings.HasPrefix(s, "err unknown subcommand") || strings.Contains(s, "command is not available"))
}

// elsewhere tells that another node of the cluster holds the key, or will soon.
func (e *ReplyError) elsewhere() bool {
	return e.Code == "MOVED" || e.Code == "ASK" || e.Code == "TRYAGAIN"
}

func newReplyError(s string) *ReplyError {
	code, _, _ := strings.Cut(s, " ")
	if len(code) > 32 || strings.ToUpper(code) != code {
		code = "ERR"
	}
	return &ReplyError{Code: code, Text: safe.Short(s, 200)}
}

// state is the Failure that a reply stands for when it says something about the
// whole server or login rather than one command; nil otherwise.
func (e *ReplyError) state() *snapshot.Failure {
	raw := e.Text.Raw()
	switch {
	case e.Code == "NOAUTH":
		return snapshot.Fail(snapshot.Denied, "the server wants a password", "put it in the address: redis://user:password@host; a user for us: "+aclFix)
	case e.Code == "WRONGPASS", strings.HasPrefix(raw, "ERR invalid password"), strings.HasPrefix(raw, "ERR AUTH"), strings.HasPrefix(raw, "ERR Client sent AUTH"):
		return snapshot.Fail(snapshot.Denied, "wrong user or password", aclFix)
	case e.Code == "DENIED":
		return snapshot.Fail(snapshot.Denied, "the server is in protected mode and talks to its own host only", "give it a user and a password: "+aclFix)
	case e.Code == "LOADING":
		return snapshot.Fail(snapshot.NoData, "the server is loading its data", "nothing to do: it answers when it is done")
	case e.Code == "CLUSTERDOWN":
		return snapshot.Fail(snapshot.NoData, "the cluster is down: some of its keys have no node", "wait for the failover, or look at CLUSTER NODES for a master without a replica")
	case e.Code == "MASTERDOWN":
		return snapshot.Fail(snapshot.NoData, "a replica that lost its master and does not answer", "look at the master, or set replica-serve-stale-data yes")
	case strings.HasPrefix(raw, "ERR max number of clients"):
		return snapshot.Fail(snapshot.Unreachable, "the server has as many clients as it allows", "raise maxclients, or close idle clients")
	case strings.HasPrefix(raw, "ERR DB index is out of range"), strings.HasPrefix(raw, "ERR SELECT is not allowed"):
		return snapshot.Fail(snapshot.Unsupported, "the server has no such database", "give another number after the / of the address")
	}
	return nil
}

// failure turns any error of a connection into what a person can act on. It
// repeats nothing of the library's text.
func failure(err error) *snapshot.Failure {
	if f, ok := errors.AsType[*snapshot.Failure](err); ok {
		return f
	}
	if f := tlsFailure(err); f != nil {
		return f
	}
	if f := wrongProtocol(err); f != nil {
		return f
	}
	_, unresolved := errors.AsType[*net.DNSError](err)
	netErr, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return snapshot.Fail(snapshot.Unreachable, "stopped while waiting for the answer", "")
	case unresolved:
		return snapshot.Fail(snapshot.Unreachable, "the host name is not known", "check the host in the address and the name server")
	case errors.Is(err, syscall.ECONNREFUSED):
		return snapshot.Fail(snapshot.Unreachable, "connection refused", "start the server, or give its address: --redis redis://host:port")
	case errors.Is(err, fs.ErrNotExist):
		return snapshot.Fail(snapshot.Unreachable, "there is no such socket", "start the server, or give its unixsocket path")
	case errors.Is(err, fs.ErrPermission):
		return snapshot.Fail(snapshot.Denied, "no permission to open the socket", "join the socket's group, or set unixsocketperm")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), isNet && netErr.Timeout():
		return snapshot.Fail(snapshot.Unreachable, "no answer in time", "the server is busy, paused, or a firewall drops the packets")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return snapshot.Fail(snapshot.Unreachable, "the connection was closed", "is it Redis? with TLS the address is rediss://, and some servers want a certificate: ?cert_file=FILE&key_file=FILE")
	}
	return snapshot.Fail(snapshot.Unreachable, "the connection failed", "check the address")
}

func tlsFailure(err error) *snapshot.Failure {
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, otherHost := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	alert, alerted := errors.AsType[*net.OpError](err)
	alerted = alerted && alert.Op == "remote error" // how crypto/tls names an alert
	switch {
	case noTLS:
		return snapshot.Fail(snapshot.Unreachable, "the server does not speak TLS", "use redis:// instead of rediss://")
	case unknown:
		return snapshot.Fail(snapshot.Unreachable, "the server's certificate is signed by an unknown authority", "add ?ca_file=FILE with its CA to the address, or ?skip_verify=true")
	case otherHost:
		return snapshot.Fail(snapshot.Unreachable, "the server's certificate is for another host", "use the host name in the certificate, or add ?skip_verify=true")
	case invalid:
		return snapshot.Fail(snapshot.Unreachable, "the server's certificate has expired or may not be used", "renew it, or add ?skip_verify=true")
	case alerted:
		return snapshot.Fail(snapshot.Denied, "the server refused the TLS handshake: "+alert.Err.Error(), "if it wants a certificate, add ?cert_file=FILE&key_file=FILE to the address")
	}
	return nil
}

// wrongProtocol recognises what answers on a port that is not Redis. The parser
// of go-redis has no error type for it, only a text that quotes the line.
func wrongProtocol(err error) *snapshot.Failure {
	s := err.Error()
	_, quoted, found := strings.Cut(s, "can't parse ")
	if !found {
		_, quoted, found = strings.Cut(s, "redis: invalid reply: ")
	}
	_, quoted, _ = strings.Cut(quoted, `"`) // behind what was expected: map reply: "HTTP/1.1 ..."
	switch {
	case !found:
		return nil
	case strings.HasPrefix(quoted, `HTTP/`), strings.HasPrefix(quoted, `<!`), strings.HasPrefix(quoted, `<html`):
		return snapshot.Fail(snapshot.Unsupported, "answers as HTTP, not Redis", "for a metrics page use --metrics URL")
	case strings.HasPrefix(quoted, `\x15\x03`):
		return snapshot.Fail(snapshot.Unreachable, "the server speaks TLS", "use rediss:// instead of redis://")
	default:
		return snapshot.Fail(snapshot.Unsupported, "answers, but not as Redis", "check host and port")
	}
}
