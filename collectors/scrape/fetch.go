package scrape

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"apitop/collectors/snapshot"
)

// accept asks for protobuf (it alone has native histograms), then text. No
// OpenMetrics: it says nothing that text does not, and nothing with dots in
// names, which comes as underscores then.
const accept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.9," +
	"text/plain;version=0.0.4;q=0.8,*/*;q=0.1"

// newTransport makes a transport that keeps one connection.
func (c *Collector) newTransport(first *firstBytes) *http.Transport {
	dialer := &net.Dialer{Timeout: c.timeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: c.web.Proxy,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			first.reset(false)
			if c.target.Dial != "" {
				addr = c.target.Dial
			}
			conn, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			first.reset(true)
			return &recordedConn{Conn: conn, first: first}, nil
		},
		TLSClientConfig:        c.web.TLS.Clone(),
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        2 * time.Minute,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

// get sends the request and returns when the response headers have arrived.
func (c *Collector) get(ctx context.Context, l *link) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.target.URL.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("Accept-Encoding", encodings(c.target.URL.Hostname(), c.proxied))
	req.Header.Set("User-Agent", "apitop")
	if deadline, ok := ctx.Deadline(); ok {
		req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds",
			strconv.FormatFloat(time.Until(deadline).Seconds(), 'f', 3, 64))
	}
	return c.web.Send(req, c.target.Address, l.transport)
}

// refused explains an answer that is not 200. The words are ours, as the
// server's own may hold anything.
func (c *Collector) refused(resp *http.Response) error {
	status := strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
	fail := func(kind snapshot.FailureKind, fix string) error {
		return snapshot.Fail(kind, c.target.name+" answers "+status, fix)
	}
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized && (c.target.Signs() || c.web.Signs()):
		return fail(snapshot.Denied, "check user and password, or token")
	case code == http.StatusUnauthorized:
		return fail(snapshot.Denied, "give user and password in the URL, or basic_auth or authorization in the config")
	case code == http.StatusForbidden:
		return fail(snapshot.Denied, "let this host and user read the page")
	case code == http.StatusNotFound:
		return fail(snapshot.Unsupported, "check the path: /metrics, /actuator/prometheus (Spring), /q/metrics (Quarkus), /stats/prometheus (Envoy)")
	case code == http.StatusTooManyRequests:
		return fail(snapshot.Denied, "exempt the page from rate limiting, or raise the interval")
	case code == http.StatusBadRequest && wantsTLS(resp):
		return snapshot.Fail(snapshot.Unsupported, c.target.name+" speaks TLS", "use https:// instead of http://")
	case code >= 300 && code < 400:
		return c.web.Redirected(resp, c.target.name+" answers "+status)
	case code >= http.StatusBadGateway && code <= http.StatusGatewayTimeout:
		return fail(snapshot.Unreachable, "see whether the service behind the proxy runs")
	case code >= http.StatusInternalServerError:
		return fail(snapshot.Unsupported, "see the service's log for why its metrics page fails")
	}
	return fail(snapshot.Unsupported, fixPage)
}

// wantsTLS tells the 400 of a server that got plain HTTP on a TLS port.
func wantsTLS(resp *http.Response) bool {
	var head [512]byte
	n, _ := resp.Body.Read(head[:])
	return strings.Contains(string(head[:n]), "HTTPS")
}

// firstBytes keeps what a server says first on the newest connection, to tell
// who answers when it is not HTTP.
type firstBytes struct {
	mu   sync.Mutex // guards the fields: the transport reads in a goroutine of its own
	buf  []byte
	open bool // the newest attempt to connect succeeded
	n    int  // connections made
}

// keptFirst is enough to tell protocols apart.
const keptFirst = 64

func (f *firstBytes) reset(open bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buf, f.open = nil, open
	if open {
		f.n++
	}
}

// made counts the connections.
func (f *firstBytes) made() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

func (f *firstBytes) add(b []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buf = append(f.buf, b[:min(len(b), keptFirst-len(f.buf))]...)
}

// take returns what came so far, and whether a connection was made.
func (f *firstBytes) take() (b []byte, open bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.buf, f.open
}

// recordedConn is a connection that reports its first bytes.
type recordedConn struct {
	net.Conn
	first *firstBytes
	n     int
}

func (c *recordedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.n < keptFirst {
		c.n += n
		c.first.add(b[:n])
	}
	return n, err
}
