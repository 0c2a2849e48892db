package promql

import (
	"cmp"
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"apitop/collectors/snapshot"
)

// instanceRounds is how often the instances are told apart: their rows are many.
const instanceRounds = 5

// mostInstances bounds what is kept of them.
const mostInstances = 2000

// question is an expression and the answer to it.
type question struct {
	expr   string // empty: not asked
	answer answer
}

// askAll asks all questions at one time, a few at once.
func (c *Collector) askAll(ctx context.Context, at time.Time, all ...*question) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxConnections)
	for _, q := range all {
		if q.expr == "" {
			continue
		}
		g.Go(func() error {
			got, err := c.api.instant(ctx, q.expr, at)
			q.answer = got
			return err
		})
	}
	return g.Wait()
}

// read asks for the figures of one moment, all with the same time.
func (c *Collector) read(ctx context.Context) (*snapshot.Rates, error) {
	f := c.found
	at := time.Now().Add(f.offset).Truncate(time.Millisecond)
	requests, served, newest := &question{expr: f.plan.requests()}, &question{expr: f.plan.served()}, &question{}
	buckets, sums, counts := &question{}, &question{}, &question{}
	buckets.expr, sums.expr, counts.expr = f.plan.durations()
	ends := &question{expr: f.plan.statuses()}
	if f.up {
		newest.expr = "max(timestamp(" + c.match.selector("up") + "))"
	}
	all := []*question{requests, ends, buckets, sums, counts, served, newest}
	if err := c.askAll(ctx, at, all...); err != nil {
		return nil, err
	}
	if len(f.jobs) > 1 {
		c.note("narrow --match to one job, if they are not alike", "--match takes in several jobs (%s): all are asked for the families of one", listed(f.jobs))
	}
	r := &snapshot.Rates{Target: c.target, At: at, Window: f.plan.window, Page: f.page}
	for _, q := range all {
		r.Page.Bytes += int64(q.answer.bytes)
		c.warn(q.answer.notes)
	}
	r.Page.Samples = len(requests.answer.rows) + len(buckets.answer.rows)
	r.DataAge = c.age(at, newest.answer.rows)
	if len(requests.answer.rows) == 0 {
		return nil, c.empty(r)
	}
	r.Requests = c.places.counts.counts(requests.answer.rows)
	r.Statuses = c.places.ends.counts(ends.answer.rows)
	r.Durations = c.durations(buckets.answer.rows, sums.answer.rows, counts.answer.rows)
	r.InFlight = single(served.answer.rows)
	if c.rounds%instanceRounds == 0 {
		c.readInstances(ctx, r)
	}
	r.Instances = c.instances
	return r, nil
}

// durations puts the parts of histograms together.
func (c *Collector) durations(buckets, sums, counts []row) (all []snapshot.Histogram) {
	dropped := 0
	switch p := c.places.times; c.found.plan.shape {
	case native:
		all, dropped = p.natives(buckets)
	case classic:
		all, dropped = p.classic(buckets, sums)
	case summary:
		all = p.averages(sums, counts)
	case untimed:
	}
	if dropped > 0 {
		c.note("", "%d histograms cannot be used: they lack a sum, or the bucket for all", dropped)
	}
	return all
}

// age is how old the newest sample of the service is, in seconds.
func (c *Collector) age(at time.Time, newest []row) snapshot.Value {
	v := single(newest)
	if !v.OK {
		return v
	}
	age := max(float64(at.UnixMilli())/1000-v.V, 0)
	if limit := 5 * c.found.interval / 2; age > limit.Seconds() {
		c.note("see whether the server still scrapes the service",
			"the newest sample is %s old", round(time.Duration(age*float64(time.Second))))
	}
	return snapshot.Known(age)
}

// empty explains a service without rates.
func (c *Collector) empty(r *snapshot.Rates) error {
	what := "no requests of {" + c.match.String() + "} in the last " + r.Window.String()
	if r.DataAge.OK && r.DataAge.V > r.Window.Seconds() {
		return snapshot.Fail(snapshot.NoData, what+": the server has no new samples",
			"see the targets of the server for why it cannot scrape the service")
	}
	return snapshot.Fail(snapshot.NoData, what+": its series are younger than that, or gone", "wait for two scrapes")
}

// single is the only value of an answer.
func single(rows []row) snapshot.Value {
	if len(rows) != 1 {
		return snapshot.Value{}
	}
	v, ok := number(&rows[0])
	return snapshot.Value{V: v, OK: ok}
}

// Whole distributions are asked for of so many instances at most, and so many
// rows of them.
const (
	mostLadderInstances = 100
	mostLadderRows      = 5000
)

// affordable tells whether the distributions of all instances are few enough to
// be asked for.
func (c *Collector) affordable(r *snapshot.Rates) bool {
	n, steps := cmp.Or(c.found.size, len(c.instances)), 0
	for i := range r.Durations {
		steps = max(steps, len(r.Durations[i].Bounds)+1)
	}
	return n > 0 && n <= mostLadderInstances && n*steps <= mostLadderRows
}

// readInstances tells the instances apart. It is no failure when that fails: the
// service as a whole is known.
func (c *Collector) readInstances(ctx context.Context, r *snapshot.Rates) {
	q := c.found.plan.instances(c.affordable(r))
	ladder := &question{expr: q.ladder}
	up, rps, errors := &question{}, &question{expr: q.rps}, &question{expr: q.errors}
	p95, average, inFlight := &question{expr: q.p95}, &question{expr: q.average}, &question{expr: q.inFlight}
	if c.found.up {
		up.expr = q.up
	}
	all := []*question{up, rps, errors, p95, ladder, average, inFlight}
	if err := c.askAll(ctx, r.At, all...); err != nil {
		c.note("", "the instances cannot be told apart: %v", snapshot.FailureOf(err))
		return
	}
	for _, q := range all {
		r.Page.Bytes += int64(q.answer.bytes)
	}
	t := instanceTable{byName: map[string]*snapshot.InstanceRates{}}
	t.fill(up, 1, func(i *snapshot.InstanceRates) *snapshot.Value { return &i.Up })
	t.fill(rps, 1, func(i *snapshot.InstanceRates) *snapshot.Value { return &i.RPS })
	t.fill(errors, 1, func(i *snapshot.InstanceRates) *snapshot.Value { return &i.ErrorRatio })
	scale := c.found.plan.mapping.PerSecond
	t.fill(p95, scale, func(i *snapshot.InstanceRates) *snapshot.Value { return &i.P95Seconds })
	t.fill(average, scale, func(i *snapshot.InstanceRates) *snapshot.Value { return &i.AvgSeconds })
	t.fill(inFlight, 1, func(i *snapshot.InstanceRates) *snapshot.Value { return &i.InFlight })
	t.spread(ladder, c.places.times)
	c.instances = t.list(errors.expr != "")
	if n := len(c.instances) - mostInstances; n > 0 {
		c.instances = c.instances[:mostInstances]
		c.note("narrow --match", "%d instances more are not shown one by one", n)
	}
}
