// Package rediskeys finds the keys of a Redis that matter, and keeps looking at
// them: cache keys with their size, lifetime and use, the state of every
// rate-limit key, and what a sample of all keys looks like.
//
// It is made for a production server with millions of keys: SCAN with a kept
// cursor, pipelines of at most 100 commands, one in flight, all of it within a
// small share of the server's time (2 % by default), less when the server slows
// down. It keeps a bounded number of keys. What is in a cached value it reads
// only where a person asks for one ([Inspect]), and no more than its beginning.
package rediskeys

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"apitop/collectors/ratelimit"
	"apitop/collectors/redisconn"
	"apitop/collectors/redislive"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Config sets up a Collector; the zero value is ready to use.
type Config struct {
	// Duty is the share of one core, 0..1, that our requests may take of the
	// server, averaged over a minute; 0 is 2 %. It is measured by the server's
	// own account of its time where INFO may be asked, else by round trips.
	Duty float64
	// Layouts are what rate-limit keys look like, in the order in which they are
	// tried; nil: those that [ratelimit.Layouts] knows.
	Layouts []ratelimit.Layout
	// Limits is what is known of limits from elsewhere.
	Limits Limits
	// Live says how a node may be listened to.
	Live redislive.Options
}

// Collector explores a Redis: each of its nodes with a walker of its own. It
// implements collectors.Collector and collectors.Noter.
type Collector struct {
	name    safe.Text
	nodes   func(context.Context) ([]node, error)
	cfg     Config
	hearing *hearing
	walkers []*walker       // one for each node
	failed  []snapshot.Note // of this round
}

// node is a server with keys; *[redisconn.Conn] is one.
type node interface {
	Name() safe.Text
	Gate() *redisconn.Gate
}

// walker explores one node.
type walker struct {
	node     safe.Text
	gate     gate
	explorer explorer
	cache    cacheKeys
	limiters limiters
	other    dull // keys that are called like limiters and are none
	ears     ears
	idle     cpuClock  // at the end of the last round
	head     head      // of this round
	answered bool      // in this round
	lost     time.Time // when the server last failed: what was seen before is not shown
}

// New makes a Collector on server, which it shares and does not close.
func New(server *redisconn.Server, cfg Config) *Collector {
	return newCollector(server.Name(), cfg, func(ctx context.Context) ([]node, error) {
		conns, err := server.Nodes(ctx)
		nodes := make([]node, len(conns))
		for i, c := range conns {
			nodes[i] = c
		}
		return nodes, err
	})
}

func newCollector(name safe.Text, cfg Config, nodes func(context.Context) ([]node, error)) *Collector {
	if cfg.Duty <= 0 {
		cfg.Duty = 0.02
	}
	cfg.Duty = min(cfg.Duty, 1)
	return &Collector{name: name, nodes: nodes, cfg: cfg, hearing: newHearing(cfg.Live)}
}

func newWalker(name safe.Text, g *redisconn.Gate, cfg Config) *walker {
	layouts := cfg.Layouts
	if layouts == nil {
		layouts = ratelimit.Layouts()
	}
	return &walker{
		node:     name,
		gate:     newGate(g, cfg.Duty),
		cache:    newCacheKeys(),
		limiters: newLimiters(layouts, cfg.Limits),
		other:    newDull(otherKey),
	}
}

// Source implements collectors.Collector.
func (c *Collector) Source() snapshot.Source {
	return snapshot.Source{Name: safe.New("redis " + c.name.Raw() + " keys"), Kind: snapshot.KindRedis}
}

// Notes implements collectors.Noter: what the connection's user may not do, and
// what there is too much of. What several nodes say alike is said once.
func (c *Collector) Notes() []snapshot.Note {
	list := slices.Clone(c.failed)
	for _, w := range c.walkers {
		for _, n := range slices.Concat(w.gate.notes(), w.limiters.notes(), w.explorer.notes()) {
			if !slices.Contains(list, n) {
				list = append(list, n)
			}
		}
	}
	return list
}

// Collect implements collectors.Collector; it gives a [snapshot.Keys] of all
// nodes that answered. When something fails underway, what was read before is
// given with the error.
func (c *Collector) Collect(ctx context.Context) (snapshot.Reading, error) {
	nodes, err := c.nodes(ctx)
	c.follow(nodes)
	if len(c.walkers) == 0 {
		return nil, err
	}
	errs := make([]error, len(c.walkers))
	var wg sync.WaitGroup
	for i, w := range c.walkers {
		wg.Go(func() { errs[i] = w.round(ctx) })
	}
	wg.Wait()
	return merge(c.walkers), cmp.Or(c.excuse(errs), err)
}

// follow keeps a walker for each node that there is.
func (c *Collector) follow(nodes []node) {
	walkers := make([]*walker, len(nodes))
	for i, n := range nodes {
		at := slices.IndexFunc(c.walkers, func(w *walker) bool { return w.gate.Gate == n.Gate() })
		if at >= 0 {
			walkers[i] = c.walkers[at]
			continue
		}
		walkers[i] = newWalker(n.Name(), n.Gate(), c.cfg)
		walkers[i].ears = newEars(c.hearing, n)
	}
	c.walkers = walkers
}

// round is what a walker does each time: what is known comes first, the search
// for more with what is left of the budget.
func (w *walker) round(ctx context.Context) error {
	now := time.Now()
	w.gate.budget.refill(now)
	w.cache.dull.age(now)
	w.limiters.dull.age(now)
	w.other.age(now)
	err := w.lookAround(ctx)
	w.hear()
	if w.answered = err == nil; w.answered && !w.ears.bursting() {
		err = w.readKnown(ctx)
	}
	if err == nil {
		err = w.listen(ctx)
	}
	if err == nil && !w.ears.bursting() {
		err = w.explore(ctx)
	}
	if err == nil {
		err = w.meterCPU(ctx)
	}
	if err != nil {
		w.fail()
	}
	return err
}

// readKnown looks again at the keys that are followed.
func (w *walker) readKnown(ctx context.Context) error {
	if _, err := w.readLimiters(ctx, w.limiters.due(w.head.at, w.lost)); err != nil {
		return err
	}
	if err := w.learnGauge(ctx); err != nil {
		return err
	}
	if err := w.probe(ctx, w.cache.due(w.head, w.lost)); err != nil {
		return err
	}
	w.cache.fitPace()
	return nil
}

// fail prepares for a server that may be another one when it answers again.
func (w *walker) fail() {
	w.lost = time.Now()
	w.explorer.restart()
	w.cache.how.asked = time.Time{}
	w.idle = cpuClock{}
	clear(w.cache.dull.keys)
	clear(w.limiters.dull.keys)
	clear(w.other.keys)
}

// head is what a round begins with.
type head struct {
	at     time.Time // when it was read, by our clock
	server float64   // the server's clock then, in unix seconds
	size   float64   // keys in the database; 0 when that may not be asked
	cpu    cpuClock  // how long the server had worked then
}

// now is the server's clock now, in unix seconds.
func (h head) now() float64 { return h.server + time.Since(h.at).Seconds() }

// appCounts is the sorted set in which an app may count the reads of its cache
// keys: member = key, score = reads so far.
const appCounts = "access_frequency"

const (
	topCounted = 50                     // of its members are followed
	whenNone   = 5 * time.Second        // how often it is looked for where there is none
	mostRound  = 400 * time.Millisecond // of round trips that need not be, in one round
)

// lookAround asks for the clock, the size and the app's own counts.
func (w *walker) lookAround(ctx context.Context) error {
	asks := [][]string{{"time"}, {"dbsize"}, {"info", "cpu"}}
	counts := w.cache.askCounts(time.Now())
	if counts {
		// From the end and not REV, which servers before 6.2 do not know.
		asks = append(asks, []string{"zrange", appCounts, strconv.Itoa(-topCounted), "-1", "withscores"})
	}
	start := time.Now()
	replies, err := w.gate.do(ctx, asks)
	if err != nil {
		return err
	}
	w.head = head{at: time.Now()}
	w.gate.budget.look(w.head.at.Sub(start))
	w.head.server = clock(replies[0], w.head.at)
	if n, ok := replies[1].(int64); ok {
		w.head.size = float64(n)
		w.cache.dull.off = w.head.size > bothAtOnce
	}
	w.head.cpu = readCPU(replies[2])
	if counts {
		w.cache.counts(pairs(replies[3]), w.head.at)
	}
	return nil
}

// hasTime tells whether a round may still do what need not be done in it.
func (w *walker) hasTime(ctx context.Context) bool {
	return time.Since(w.head.at) <= mostRound && w.gate.budget.enough() && w.inTime(ctx)
}

// inTime tells whether another answer will come before the round has to end.
func (w *walker) inTime(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	end, limited := ctx.Deadline()
	return !limited || time.Until(end) > 2*w.gate.budget.baseline+noise
}

// clock reads the reply to TIME, seconds and microseconds, as unix seconds.
// Where that is not permitted our own clock has to do.
func clock(reply any, at time.Time) float64 {
	own := float64(at.UnixMicro()) / 1e6
	list, ok := reply.([]any)
	if !ok || len(list) != 2 {
		return own
	}
	s, _ := list[0].(string)
	us, _ := list[1].(string)
	seconds, err := strconv.ParseInt(s, 10, 64)
	micros, err2 := strconv.ParseInt(us, 10, 64)
	if err != nil || err2 != nil {
		return own
	}
	return float64(seconds) + float64(micros)/1e6
}

// counted is a key and how often the app says that it was read.
type counted struct {
	key   string
	reads float64
}

// pairs reads a reply of members with scores.
func pairs(reply any) []counted {
	list, ok := reply.([]any)
	if !ok {
		return nil
	}
	var out []counted
	for i := 0; i+1 < len(list); i += 2 {
		key, ok := list[i].(string)
		score, ok2 := list[i+1].(string)
		n, err := strconv.ParseFloat(score, 64)
		if ok && ok2 && err == nil && len(key) <= mostName {
			out = append(out, counted{key, n})
		}
	}
	return out
}
