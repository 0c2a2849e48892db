// Package analysis turns snapshots of raw totals into reports: rates, windowed
// percentiles, shares. It is the only place that subtracts. It reads no clock
// and does no I/O: the same snapshots give the same reports, live or recorded.
package analysis

import (
	"slices"
	"time"

	"apitop/collectors/snapshot"
)

// Options set up an Engine; the zero value is ready to use.
type Options struct {
	Window   time.Duration // figures cover this much time; 0 = 10 s
	Interval time.Duration // time between rounds; 0 = 1 s
	// ByInstance lists the instances of the service with their routes, even if
	// there is only one.
	ByInstance bool
}

// Engine keeps what it takes to turn one snapshot after another into reports.
// It is not safe for concurrent use; the reports are.
type Engine struct {
	opt     Options
	sources sources
	parts   parts
	http    httpState
	cache   cacheState
	limits  limitState
	db      dbState
	host    hostState
	history tail[Point]
	events  tail[Event]
}

// historyPoints and historyEvents bound what charts can go back to.
const (
	historyPoints = 3600
	historyEvents = 200
)

// New makes an Engine without a past.
func New(opt Options) *Engine {
	if opt.Window <= 0 {
		opt.Window = 10 * time.Second
	}
	if opt.Interval <= 0 {
		opt.Interval = time.Second
	}
	return &Engine{
		opt:     opt,
		parts:   newParts(opt.Interval),
		http:    newHTTPState(opt),
		cache:   newCacheState(opt),
		limits:  newLimitState(opt),
		db:      newDBState(opt),
		host:    newHostState(opt),
		history: tail[Point]{keep: historyPoints},
		events:  tail[Event]{keep: historyEvents},
	}
}

// Step takes the next snapshot and says what is known now. Parts without a new
// reading keep their last values; Age and Stale tell.
func (e *Engine) Step(s snapshot.Snapshot) *Report {
	e.sources.step(s)
	e.parts.step(s)
	e.stepSections(s)
	r := &Report{
		Schema:        Schema,
		At:            s.At,
		WindowSeconds: e.window(),
		Sources:       e.sources.report(s.At),
		HTTP:          e.http.section,
		Service:       e.http.service.section,
		Cache:         e.cache.section,
		Limits:        e.limits.section,
		Database:      e.db.section,
		Host:          e.host.section,
		Findings:      []Finding{},
		Self:          e.host.self,
		Age:           e.parts.age(s.At),
		Stale:         e.parts.stale(s.At),
	}
	e.bringPast(s)
	r.History = e.history.push(point(r))
	r.Events = e.events.all()
	return r
}

// stepSections brings every section up to date; order matters only where one
// uses another's figures.
func (e *Engine) stepSections(s snapshot.Snapshot) {
	events := e.http.step(s)
	e.http.pushTrends(e.parts.stale(s.At)[PartHTTP])
	events = append(events, e.cache.step(s, e.http)...)
	e.limits.step(s, e.http.section)
	events = append(events, e.db.step(s, e.http.rps())...)
	for _, ev := range events {
		e.events.push(ev)
	}
	e.host.step(s, e.http.process())
}

// window is the time that the HTTP figures cover, or that of another source
// when there is no metrics page.
func (e *Engine) window() Value {
	for _, v := range []Value{e.http.elapsed(), e.cache.elapsed(), e.db.rows.elapsed(), e.host.totals.elapsed()} {
		if v.OK {
			return v
		}
	}
	return Value{}
}

// tail is a list that forgets its oldest elements beyond keep. What push and
// all return never changes: elements are only ever appended behind it.
type tail[T any] struct {
	buf  []T
	keep int
}

func (t *tail[T]) push(v T) []T {
	t.buf = append(t.buf, v)
	if n := len(t.buf) - t.keep; n > 0 {
		t.buf = t.buf[n:]
	}
	return t.all()
}

func (t *tail[T]) all() []T { return slices.Clip(t.buf) }

// point is r in the history: unknown where the source is not up to date.
func point(r *Report) Point {
	p := Point{At: r.At}
	if h := r.HTTP; h != nil && !r.Stale[PartHTTP] {
		p.RPS, p.ErrorRatio, p.InFlight = h.RPS, h.ErrorRatio, h.InFlight
		p.P50, p.P95, p.P99, p.Measured = h.P50, h.P95, h.P99, h.Measured
		p.Throttled = over(h.Throttled, r.WindowSeconds)
	}
	if c := r.Cache; c != nil && !r.Stale[PartRedis] {
		p.HitRatio, p.RedisOps = c.HitRatio, c.OpsPerSecond
	}
	if d := r.Database; d != nil && !r.Stale[PartStatements] {
		p.DBLoad, p.DBCalls = d.Load, d.CallsPerSecond
	}
	if h := r.Host; h != nil && !r.Stale[PartHost] {
		p.CPURatio = h.CPURatio
	}
	return p
}
