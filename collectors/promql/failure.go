package promql

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
	"apitop/collectors/web"
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
	if f := a.web.NotConnected(err, a.Address); f != nil {
		return f
	}
	if f := web.NotSecured(err, a.name); f != nil {
		return f
	}
	if web.TimedOut(ctx, err) {
		return snapshot.Fail(snapshot.Unreachable, fmt.Sprintf("%s did not answer within %s", a.name, round(took)), fixLoad)
	}
	if strings.Contains(err.Error(), "malformed HTTP") { // no sentinel error exists
		return snapshot.Fail(snapshot.Unsupported, a.name+" does not answer in HTTP", fixServer)
	}
	return snapshot.Fail(snapshot.Unreachable, a.name+" closed the connection without an answer", fixServer)
}

// round shortens a duration for people.
func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
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
	case a.Signs() || a.web.Signs():
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
		return a.web.Redirected(resp, what)
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
