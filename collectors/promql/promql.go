// Package promql reads a service's requests from a Prometheus-compatible server:
// Prometheus, Thanos, Mimir, Cortex, VictoriaMetrics. This is how a fleet is
// watched: the server adds its instances up, and one reading costs a few queries
// whatever their number.
//
// Which families count and time the requests is found as on a metrics page: the
// samples of one instance are read as the page that they came from. The figures
// are the server's rates over a window of four scrapes or more. They lose what
// rate() loses, such as the first value of a series that was just born, and a
// server with rules of its own for rate (VictoriaMetrics) gives its own figures.
//
// The package name is that of the language: it holds a client, no engine.
package promql

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/scrape"
	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

// Config says which server is asked for what, and how.
type Config struct {
	// URL is http://[user:password@]host:port[/prefix][?parameters]. The scheme
	// may be left out. The parameters go along with each query (dedup,
	// partial_response), user and password as basic auth.
	URL string
	// Match is a PromQL matcher list, such as job="api", with or without braces.
	// Without one, Collect fails and names the jobs to choose from.
	Match string
	// Web says who asks and over what. Credentials in it beat those in the URL.
	Web web.Settings
	// Pin fixes parts of how the requests are found; nil: nothing.
	Pin *scrape.Pin
	// Window is the least time that figures cover; 0: 10 s. It is longer where
	// the server scrapes too seldom for it.
	Window time.Duration
	// Past is how far back the history goes that an early reading brings; 0: none.
	Past time.Duration
}

// String keeps the secrets of a Config out of %v.
func (c Config) String() string { return "promql.Config" }

// GoString keeps the secrets of a Config out of %#v.
func (c Config) GoString() string { return c.String() }

// Collector reads one service from one server. It is for one goroutine.
type Collector struct {
	api    *api
	match  matchers
	source snapshot.Source
	target safe.Text
	window time.Duration
	past   time.Duration

	reader    *scrape.Reader // remembers the mapping, so that it stays
	found     *finding
	look      time.Time // when to look again
	places    *answers
	rounds    int           // readings since the start
	rest      time.Duration // until the next one is worth its cost
	instances []snapshot.InstanceRates
	notes     []snapshot.Note

	history chan []snapshot.Moment // what the search for the past came to
	cancel  context.CancelFunc     // ends that search; nil: none was begun
	running sync.WaitGroup
}

// answers are where the rows of each query belong.
type answers struct{ counts, ends, times *places }

// New makes a Collector. The error is a [snapshot.Failure] or a
// *[web.FieldError], and holds nothing of the URL. New reads the certificates
// that Web names and does not connect.
func New(cfg Config) (*Collector, error) {
	a, err := parseAddress(cfg.URL)
	if err != nil {
		return nil, err
	}
	match, err := parseMatch(cfg.Match)
	if err != nil {
		return nil, err
	}
	client, err := cfg.Web.Open()
	if err != nil {
		return nil, err
	}
	c := &Collector{
		api: newAPI(a, client), match: match, window: cfg.Window, past: cfg.Past,
		source:  snapshot.Source{Name: safe.New("prometheus " + a.name), Kind: snapshot.KindMetrics},
		target:  safe.New(a.name + " {" + match.String() + "}"),
		reader:  scrape.NewReader(a.name, scrape.Limits{}),
		history: make(chan []snapshot.Moment, 1),
	}
	if cfg.Pin != nil {
		c.reader.Pin(*cfg.Pin)
	}
	if c.window <= 0 {
		c.window = defaultWindow
	}
	return c, nil
}

// defaultWindow is the least time that figures cover, as for metrics pages.
const defaultWindow = 10 * time.Second

// String names the Collector and keeps secrets out of all printing.
func (c *Collector) String() string { return c.source.Name.String() }

// Source names the server.
func (c *Collector) Source() snapshot.Source { return c.source }

// Notes says what of the newest reading is missing, and what the server warned of.
func (c *Collector) Notes() []snapshot.Note { return c.notes }

// Mapping is how the requests were found, with label names as the server has
// them; false when they were not, or not yet.
func (c *Collector) Mapping() (scrape.Mapping, bool) {
	if c.found == nil {
		return scrape.Mapping{}, false
	}
	return c.found.plan.mapping, true
}

// Close ends what runs in the background and gives the connections back.
func (c *Collector) Close() {
	if c.cancel != nil {
		c.cancel()
	}
	c.running.Wait()
	c.api.transport.CloseIdleConnections()
}

// Rest is how long a server that answered has nothing new, as it has new samples
// only as often as it scrapes.
func (c *Collector) Rest() time.Duration { return c.rest }

// Collect asks the server once. The reading is a *[snapshot.Rates].
func (c *Collector) Collect(ctx context.Context) (snapshot.Reading, error) {
	now := time.Now()
	c.notes, c.rest = nil, 0
	if err := c.search(ctx, now); err != nil {
		return nil, err
	}
	r, err := c.read(ctx)
	if err != nil {
		if f, ok := failure(err); ok && f.Kind == snapshot.NoData {
			c.found = nil // what was found is gone, so look again
		}
		return nil, err
	}
	c.rounds++
	took := time.Since(now)
	c.rest = c.pause(took)
	r.Every = c.rest
	if c.rest > longestPause {
		c.note(fixLoad, "the server needed %s for a reading, so that one comes every %s", round(took), round(c.rest))
	}
	c.addPast(r)
	return r, nil
}

// search finds the service's families, at first and now and then, and starts
// anew where they are others.
func (c *Collector) search(ctx context.Context, now time.Time) error {
	if c.found != nil && now.Before(c.look) {
		return nil
	}
	c.look = now.Add(findAgain)
	if c.found == nil {
		c.look = now.Add(findSoon)
	}
	f, err := c.find(ctx)
	if err != nil {
		if c.found != nil {
			return nil // what was found may serve on; if not, the reading says so
		}
		return err
	}
	if c.places == nil || !sameLabels(c.found, f) {
		m := f.plan.mapping
		times := m.Times
		times.Status = ""
		c.places = &answers{counts: newPlaces(m.Counts, m.PerSecond), ends: newPlaces(m.Ends, m.PerSecond), times: newPlaces(times, m.PerSecond)}
	}
	c.found = f
	return nil
}

// sameLabels tells whether rows of one finding read as those of another.
func sameLabels(a, b *finding) bool {
	if a == nil || b == nil {
		return false
	}
	x, y := a.plan.mapping, b.plan.mapping
	return x.PerSecond == y.PerSecond && slices.Equal(names(x.Counts), names(y.Counts)) &&
		slices.Equal(names(x.Times), names(y.Times)) && slices.Equal(names(x.Ends), names(y.Ends))
}

// longestPause keeps the figures moving where scrapes are rare.
const longestPause = 5 * time.Second

// pause is how long to wait with the next reading, after one that took so long:
// a third of a scrape interval, as more often there is nothing new, and long
// enough that the server works for us a fifth of the time at most.
func (c *Collector) pause(took time.Duration) time.Duration {
	return max(min(c.found.interval/3, longestPause), 5*took)
}

// warn adds what a server said beside its answers, each once, and not too much.
func (c *Collector) warn(said []string) {
	const most = 5
	for _, s := range said {
		n := snapshot.Note{What: safe.Short("the server warns: "+s, 200)}
		if len(c.notes) < most && !slices.Contains(c.notes, n) {
			c.notes = append(c.notes, n)
		}
	}
}

// note adds a limitation of this reading.
func (c *Collector) note(fix, format string, args ...any) {
	c.notes = append(c.notes, snapshot.Note{What: safe.Short(fmt.Sprintf(format, args...), 200), Fix: fix})
}
