package promql

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// What to do about servers that do not answer as hoped.
const (
	fixPrefix = "give the address of a Prometheus API; behind a prefix try /prometheus (Mimir), /select/0/prometheus (VictoriaMetrics cluster)"
	fixLoad   = "narrow --match, raise --interval, or let the server answer from recording rules"
	fixTenant = "set the header X-Scope-OrgID to the tenant, in headers of the config"
	fixServer = "check the address, and see whether the server runs"
)

// failure tells whether err is one that is shown, and not the end of a context.
func failure(err error) (*snapshot.Failure, bool) {
	return errors.AsType[*snapshot.Failure](err)
}

// explain says why no answer came. What the standard library says is used to
// tell the cases apart and never shown: it can hold the URL.
func (a *api) explain(ctx context.Context, err error, took time.Duration) error {
	if f, ok := failure(err); ok {
		return f // a file with a secret cannot be read
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("ask %s: %w", a.name, ctx.Err())
	}
	if f := a.notConnected(err); f != nil {
		return f
	}
	if f := a.tlsFailure(err); f != nil {
		return f
	}
	if timedOut(ctx, err) {
		return snapshot.Fail(snapshot.Unreachable, fmt.Sprintf("%s did not answer within %s", a.name, round(took)), fixLoad)
	}
	if strings.Contains(err.Error(), "malformed HTTP") { // no sentinel error exists
		return snapshot.Fail(snapshot.Unsupported, a.name+" does not answer in HTTP", fixServer)
	}
	return snapshot.Fail(snapshot.Unreachable, a.name+" closed the connection without an answer", fixServer)
}

func timedOut(ctx context.Context, err error) bool {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

// round shortens a duration for people.
func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}

// notConnected explains why there is no connection; nil when there was one.
func (a *api) notConnected(err error) error {
	host, addr := a.base.Hostname(), a.hostPort()
	if a.web.Proxy != nil {
		host, addr = "the proxy or "+host, "the proxy or "+addr
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		what := "the name " + host + " cannot be resolved"
		if dns.IsNotFound {
			what = "no such host: " + host
		}
		return snapshot.Fail(snapshot.Unreachable, what, "check the host name and the DNS settings")
	}
	if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" {
		return nil
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return snapshot.Fail(snapshot.Unreachable, "connection refused by "+addr, "see whether the server runs and listens there")
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return snapshot.Fail(snapshot.Unreachable, "no route to "+addr, "check the network")
	}
	return snapshot.Fail(snapshot.Unreachable, "cannot connect to "+addr, "check the address, and what filters packets in between")
}

// tlsFailure explains a failed handshake; nil when there was none.
func (a *api) tlsFailure(err error) error {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return snapshot.Fail(snapshot.Unsupported, a.name+" does not speak TLS", "use http:// instead of https://")
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" { // crypto/tls: an alert
		return snapshot.Fail(snapshot.Denied, a.name+" refused the TLS handshake", "it may want a client certificate: set tls_config.cert_file and key_file")
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return snapshot.Fail(snapshot.Unreachable, "the certificate of "+a.name+" is for another host", "use the name in the certificate, or set tls_config.server_name")
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return snapshot.Fail(snapshot.Unreachable, "the certificate of "+a.name+" cannot be verified", "set tls_config.ca_file in the config")
	}
	return nil
}

// refused explains an answer in the API's form that says no. The server's own
// words are shown: they speak of the query, which holds no secret.
func (a *api) refused(resp *http.Response, e envelope) error {
	said := safe.Clean(strings.TrimSpace(e.Error), 120)
	switch {
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		return a.denied(resp, e.Error)
	case resp.StatusCode == http.StatusTooManyRequests, e.ErrorType == "too_many_requests":
		return snapshot.Fail(snapshot.Denied, a.name+" limits the queries: "+said, "raise --interval, or the server's limit")
	case e.ErrorType == "timeout", e.ErrorType == "canceled":
		return snapshot.Fail(snapshot.Unreachable, a.name+" gave the query up: "+said, fixLoad)
	case e.ErrorType == "bad_data":
		return snapshot.Fail(snapshot.Unsupported, a.name+" does not take the query: "+said, "check the expressions in --match")
	case e.ErrorType == "execution", resp.StatusCode == http.StatusUnprocessableEntity: // VictoriaMetrics says "422"
		return snapshot.Fail(snapshot.Unsupported, a.name+" cannot run the query: "+said, fixLoad)
	case e.ErrorType == "unavailable", resp.StatusCode == http.StatusServiceUnavailable:
		return snapshot.Fail(snapshot.Unreachable, a.name+" is not ready: "+said, "wait until the server has started")
	}
	return snapshot.Fail(snapshot.Unsupported, a.name+" answers with an error: "+said, "see the server's log")
}

// denied explains a 401 or 403; said is what the server says of it.
func (a *api) denied(resp *http.Response, said string) error {
	what := a.name + " answers " + status(resp)
	switch {
	case strings.Contains(said, "no org id"): // Mimir, Cortex
		return snapshot.Fail(snapshot.Denied, what+": no tenant was named", fixTenant)
	case resp.StatusCode == http.StatusForbidden:
		return snapshot.Fail(snapshot.Denied, what, "let this host and user ask the server")
	case a.sign != nil || a.web.Signs():
		return snapshot.Fail(snapshot.Denied, what, "check user and password")
	}
	return snapshot.Fail(snapshot.Denied, what, "give user and password in the URL, or authorization in the config")
}

func status(resp *http.Response) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
}

// foreign explains an answer that is not in the API's form.
func (a *api) foreign(resp *http.Response, body []byte) error {
	head := string(body[:min(len(body), 512)])
	what := a.name + " answers " + status(resp)
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized, code == http.StatusForbidden, strings.Contains(head, "no org id"):
		return a.denied(resp, head)
	case code >= 300 && code < 400:
		return a.redirected(resp)
	case code == http.StatusBadRequest && strings.Contains(head, "HTTPS"):
		return snapshot.Fail(snapshot.Unsupported, a.name+" speaks TLS", "use https:// instead of http://")
	case code == http.StatusNotFound:
		return snapshot.Fail(snapshot.Unsupported, what, fixPrefix)
	case code == http.StatusTooManyRequests:
		return snapshot.Fail(snapshot.Denied, what, "raise --interval, or the server's limit")
	case code >= http.StatusBadGateway && code <= http.StatusGatewayTimeout:
		return snapshot.Fail(snapshot.Unreachable, what, "see whether the server behind the proxy runs")
	case code >= http.StatusInternalServerError:
		return snapshot.Fail(snapshot.Unsupported, what, "see the server's log")
	case code != http.StatusOK:
		return snapshot.Fail(snapshot.Unsupported, what, fixPrefix)
	}
	kind := "something else than the Prometheus API"
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		kind = "with a web page"
	}
	return snapshot.Fail(snapshot.Unsupported, a.name+" answers "+kind, fixPrefix)
}

// redirected names only the host of the other address: the rest may be secret.
func (a *api) redirected(resp *http.Response) error {
	to := "an unreadable address"
	if u, err := url.Parse(resp.Header.Get("Location")); err == nil {
		to = a.base.ResolveReference(u).Host
	}
	fix := "redirects are not followed: give the final address"
	if a.web.FollowRedirects {
		fix = "redirects are followed within one host only, and not in circles: give the final address"
	}
	return snapshot.Fail(snapshot.Unsupported, a.name+" answers "+status(resp)+" -> "+to, fix)
}
