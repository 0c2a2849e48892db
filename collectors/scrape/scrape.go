// Package scrape reads the metrics pages of services: the text format 0.0.4,
// OpenMetrics and delimited protobuf, of any instrumentation library whose
// request metrics can be recognised.
//
// A page goes one way: bytes are bounded and cut into lines (source), lines
// become values of remembered series (scan or protoScan, table), the families
// that count and time requests are recognised (mapping), as are those about the
// rest of the service (servicePlan), and the recognised ones fill the reading
// (plan). Recognising happens again only when the page's series change.
//
// Several processes may answer at one address. Then each page is given to the
// process that it is of (crew, compare), and each process has its own [Reader].
package scrape

import (
	"sync"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

// Config says which page is read, and how.
type Config struct {
	// URL is http://[user:password@]host:port/path. The scheme may be left out,
	// and the path then is /metrics. User and password are sent as basic auth.
	URL string
	// Target is the name that readings carry; empty: host:port of the URL, and
	// its path when that is not /metrics.
	Target string
	// Dial is host:port to connect to instead of the URL's, which still says what
	// Host and certificate are asked for; empty: none. It excludes a proxy.
	Dial string
	// Timeout is for a whole scrape; 0: until the context ends.
	Timeout time.Duration
	// Web says who asks and over what. Credentials in it beat those in the URL.
	Web web.Settings
	// Limits bound the page.
	Limits Limits
	// Pin fixes parts of how the page is read; nil: nothing.
	Pin *Pin
}

// String keeps the secrets of a Config out of %v.
func (c Config) String() string { return "scrape.Config" }

// GoString keeps the secrets of a Config out of %#v.
func (c Config) GoString() string { return c.String() }

// Collector reads one metrics page again and again: over one connection, or one
// for each of the processes behind the address. It is for one goroutine, except
// Close.
type Collector struct {
	target  target
	source  snapshot.Source
	timeout time.Duration
	web     web.Client
	reader  *Reader // of the first process
	notes   []snapshot.Note
	crew    crew

	mu    sync.Mutex // guards links, as Close may come at any time
	links map[*link]bool

	proxied   bool
	foreigner *snapshot.Failure // who answers there instead; nil: nobody known
	question  string            // what it answers to
}

// New makes a Collector. The error is a [snapshot.Failure] or a
// *[web.FieldError], and holds nothing of the URL. New reads the certificates
// that Web names and does not connect.
func New(cfg Config) (*Collector, error) {
	t, err := parseTarget(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.Target != "" {
		t.name = cfg.Target
	}
	client, err := cfg.Web.Open()
	if err != nil {
		return nil, err
	}
	if t.Dial = cfg.Dial; t.Dial != "" && client.Proxy != nil {
		return nil, snapshot.Fail(snapshot.Unsupported, "an address to connect to and a proxy exclude each other", "leave out one of them")
	}
	c := &Collector{
		target:  t,
		source:  snapshot.Source{Name: safe.New("metrics " + t.name), Kind: snapshot.KindMetrics},
		timeout: cfg.Timeout,
		web:     client,
		links:   map[*link]bool{},
		reader:  NewReader(t.name, cfg.Limits),
		proxied: client.Proxy != nil,
	}
	if cfg.Pin != nil {
		c.reader.Pin(*cfg.Pin)
	}
	return c, nil
}

// String names the Collector. Without it, %s would print the URL's query.
func (c *Collector) String() string { return c.source.Name.String() }

// Source names the page.
func (c *Collector) Source() snapshot.Source { return c.source }

// Notes says what of the newest page could not be used.
func (c *Collector) Notes() []snapshot.Note { return c.notes }

// Close gives the connections back. It does not end a Collect.
func (c *Collector) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for l := range c.links {
		l.transport.CloseIdleConnections()
	}
}
