// Package limitheaders learns limits from what a service says in the headers of
// its answers (RateLimit, X-RateLimit-…). Each reading is a request to the
// service, so it is only done where the configuration asks for it, and seldom.
package limitheaders

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

// Config says whom to ask.
type Config struct {
	URL    string        // http://[user:password@]host[:port]/path
	Method string        // empty: HEAD
	Every  time.Duration // between two requests; 0: five minutes
	Web    web.Settings
}

// DefaultEvery is how often a service is asked when nobody says.
const DefaultEvery = 5 * time.Minute

// Collector asks one address. It implements collectors.Collector and
// collectors.Pacer. Its reading is nil: what it learns is there for others to
// ask, in Policies. All but Policies is for one goroutine.
type Collector struct {
	address   web.Address
	client    web.Client
	transport *http.Transport
	method    string
	every     time.Duration

	mu   sync.Mutex // guards list, which other collectors read meanwhile
	list []Policy
}

// New makes a Collector; it connects to nothing yet. The error holds nothing of
// the URL.
func New(cfg Config) (*Collector, error) {
	address, err := web.ParseAddress(cfg.URL)
	if err != nil {
		return nil, snapshot.Fail(snapshot.Unsupported, "the URL cannot be used: "+err.Error(), "write it as http://host:port/path, with "+web.FixEscapes)
	}
	client, err := cfg.Web.Open()
	if err != nil {
		return nil, err
	}
	c := &Collector{address: address, client: client, method: cfg.Method, every: cfg.Every}
	if c.method == "" {
		c.method = http.MethodHead
	}
	if c.every <= 0 {
		c.every = DefaultEvery
	}
	c.transport = &http.Transport{
		Proxy:                  client.Proxy,
		DialContext:            (&net.Dialer{}).DialContext,
		TLSClientConfig:        client.TLS.Clone(),
		DisableKeepAlives:      true, // minutes pass until the next request
		MaxResponseHeaderBytes: 64 << 10,
	}
	return c, nil
}

// Source implements collectors.Collector.
func (c *Collector) Source() snapshot.Source {
	return snapshot.Source{Name: safe.New("limits of " + c.address.String() + c.address.URL.Path), Kind: snapshot.KindLimits}
}

// Rest implements collectors.Pacer.
func (c *Collector) Rest() time.Duration { return c.every }

// Close ends what is under way.
func (c *Collector) Close() { c.transport.CloseIdleConnections() }

// Policies are the limits that the newest answer told, that in force first; what
// it told before stays while later requests fail. It is safe for concurrent use.
func (c *Collector) Policies() []Policy {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.list
}

// Collect implements collectors.Collector. Answers of any status will do: a
// refused request tells its limit, too.
func (c *Collector) Collect(ctx context.Context) (snapshot.Reading, error) {
	req, err := http.NewRequestWithContext(ctx, c.method, c.address.URL.String(), http.NoBody)
	if err != nil {
		return nil, snapshot.Fail(snapshot.Unsupported, "the method or the URL cannot be used", "set method to HEAD or GET")
	}
	req.Header.Set("User-Agent", "apitop")
	resp, err := c.client.Send(req, c.address, c.transport) //nolint:bodyclose // Discard closes it
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	defer web.Discard(resp)
	list := Parse(resp.Header, time.Now())
	if len(list) == 0 {
		return nil, c.silent(resp)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = list
	return nil, nil //nolint:nilnil // nothing of it is a part of the snapshot
}

func (c *Collector) explain(ctx context.Context, err error) error {
	name := c.address.HostPort()
	if f := snapshot.FailureOf(err); f != nil && f.Kind == snapshot.Denied {
		return f // a file with credentials that cannot be read
	}
	if web.TimedOut(ctx, err) {
		return snapshot.Fail(snapshot.Unreachable, "no answer of "+name+" in time", web.FixFiltered)
	}
	if f := c.client.NotConnected(err, c.address); f != nil {
		return f
	}
	if f := web.NotSecured(err, name); f != nil {
		return f
	}
	return snapshot.Fail(snapshot.Unreachable, "the connection to "+name+" ended before an answer", "see whether it speaks HTTP")
}

// silent explains an answer that tells no limit.
func (c *Collector) silent(resp *http.Response) error {
	what := "the answer (" + strconv.Itoa(resp.StatusCode) + ") has no RateLimit headers"
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return snapshot.Fail(snapshot.Denied, what, "give credentials: basic_auth, authorization or headers")
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return c.client.Redirected(resp, what)
	}
	if c.method == http.MethodHead {
		return snapshot.Fail(snapshot.NoData, what, "try method: GET, or say the limit in limits")
	}
	return snapshot.Fail(snapshot.NoData, what, "choose a URL that is limited, or say the limit in limits")
}
