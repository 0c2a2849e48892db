package promql

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"apitop/collectors/safe"
	"apitop/collectors/scrape"
	"apitop/collectors/snapshot"
)

// finding is what is known of a service at a server.
type finding struct {
	plan     plan
	page     snapshot.Page // what was found, for people
	interval time.Duration // between two samples of a series
	up       bool          // the server has up for the service
	offset   time.Duration // of the server's clock to ours
	jobs     []string      // that the service is made of, when they are several
	size     int           // instances; 0: unknown
}

// How often it is looked again, for the first time soon, as a server or service
// that has just started has not all of it; and how many instances are looked at:
// a job may hold some that serve nothing.
const (
	findSoon  = 30 * time.Second
	findAgain = 5 * time.Minute
	mostTries = 3
)

// find looks at one instance of the service as if its page were read, and at
// how often it is scraped.
func (c *Collector) find(ctx context.Context) (*finding, error) {
	f := &finding{plan: plan{match: c.match}}
	if len(c.match) == 0 {
		return nil, c.unmatched(ctx, "no --match was given, and a server watches many services")
	}
	now, err := c.api.instant(ctx, "vector(time())", time.Time{})
	if err != nil {
		return nil, err
	}
	if len(now.rows) == 1 && now.rows[0].Value != nil {
		f.offset = time.Until(now.rows[0].Value.Timestamp.Time())
	}
	targets, err := c.targets(ctx, f)
	if err != nil {
		return nil, err
	}
	if err := c.countJobs(ctx, f); err != nil {
		return nil, err
	}
	kinds := c.kinds(ctx)
	samples := 0
	for _, target := range targets {
		p, err := c.page(ctx, target, kinds)
		if err != nil {
			return nil, err
		}
		samples = max(samples, len(p.names))
		if f.read(c.reader, p) {
			return f, c.pace(ctx, f, target, p)
		}
	}
	return nil, c.unmatched(ctx, fmt.Sprintf("no request metrics among the %d families of {%s}", samples, c.match))
}

// targets are the labels of a few instances: those that are up, or where the
// server scrapes none itself, those that send the most.
func (c *Collector) targets(ctx context.Context, f *finding) ([]map[string]string, error) {
	found, err := c.api.instant(ctx, fmt.Sprintf("topk(%d,%s)", mostTries, c.match.selector("up")), time.Time{})
	if err != nil {
		return nil, err
	}
	f.up = len(found.rows) > 0
	if !f.up {
		expr := fmt.Sprintf("topk(%d,count by (job,instance) (%s))", mostTries,
			"{"+c.match.and(matcher{"__name__", "=~", ".+_(total|count)"}).String()+"}")
		if found, err = c.api.instant(ctx, expr, time.Time{}); err != nil {
			return nil, err
		}
	}
	var list []map[string]string
	alive := 0
	for i := range found.rows {
		labels := found.rows[i].labels()
		delete(labels, "__name__")
		list = append(list, labels)
		if v, ok := number(&found.rows[i]); ok && v > 0 {
			alive++
		}
	}
	switch {
	case len(list) == 0:
		return nil, c.unmatched(ctx, "nothing at the server matches {"+c.match.String()+"}")
	case alive == 0:
		return nil, snapshot.Fail(snapshot.NoData, "no instance of {"+c.match.String()+"} is up", "see the targets of the server for why it cannot scrape them")
	}
	return list[:alive], nil
}

// countJobs finds how many instances there are, and whether --match takes in
// several jobs: they may count requests in other families than the one instance
// that is looked at.
func (c *Collector) countJobs(ctx context.Context, f *finding) error {
	if !f.up {
		return nil
	}
	got, err := c.api.instant(ctx, "count by (job) ("+c.match.selector("up")+")", time.Time{})
	if err != nil {
		return err
	}
	for i := range got.rows {
		n, _ := number(&got.rows[i])
		f.size += int(n)
	}
	if len(got.rows) < 2 {
		return nil
	}
	for i := range got.rows {
		f.jobs = append(f.jobs, got.rows[i].labels()["job"])
	}
	slices.Sort(f.jobs)
	return nil
}

// kinds are the types of families as the server knows them; few or none where it
// does not tell.
func (c *Collector) kinds(ctx context.Context) map[string]string {
	var data map[string][]struct {
		Type string `json:"type"`
	}
	kinds := map[string]string{}
	_, err := c.api.call(ctx, "metadata", url.Values{"limit_per_metric": {"1"}}, &data)
	if err != nil {
		return kinds // not every server has it; names tell then
	}
	for family, list := range data {
		if len(list) > 0 && list[0].Type != "unknown" {
			kinds[family] = list[0].Type
		}
	}
	return kinds
}

// page reads all samples of one instance, or where those are too many, those
// whose names may be about requests.
func (c *Collector) page(ctx context.Context, target, kinds map[string]string) (*page, error) {
	var own []matcher
	for name, value := range target {
		if name == "job" || name == "instance" {
			own = append(own, matcher{name, "=", value})
		}
	}
	slices.SortFunc(own, func(a, b matcher) int { return strings.Compare(a.name, b.name) })
	got, err := c.api.instant(ctx, "{"+c.match.and(own...).String()+"}", time.Time{})
	if f, ok := failure(err); ok && f == errTooLarge {
		own = append(own, matcher{"__name__", "=~", "(?i).*(http|request|response|rq|latency|duration|python_info).*"})
		got, err = c.api.instant(ctx, "{"+c.match.and(own...).String()+"}", time.Time{})
	}
	if err != nil {
		return nil, err
	}
	return newPage(target, kinds, got.rows), nil
}

// read finds how the requests on a page are read; false when it has none.
func (f *finding) read(reader *scrape.Reader, p *page) bool {
	h, err := reader.Read(strings.NewReader(p.text()), "text/plain; version=0.0.4")
	if err != nil {
		return false // an empty page
	}
	m, ok := reader.Mapping()
	if !ok {
		return false
	}
	if m.PerSecond == 0 {
		m.PerSecond = 1
	}
	m.Counts, m.Times, m.Ends = p.renameAll(m.Counts), p.renameAll(m.Times), p.renameAll(m.Ends)
	m.Only, m.Except = p.renameEach(m.Only), p.renameEach(m.Except)
	f.plan.mapping, f.plan.shape, f.plan.inFlight = m, p.shape(m.Duration), m.InFlight
	f.plan.classes = slices.ContainsFunc(slices.Concat(h.Requests, h.Statuses), func(c snapshot.Count) bool {
		s := c.Series.Status.Raw()
		return len(s) == 1 || strings.HasSuffix(strings.ToLower(s), "xx")
	})
	f.page = h.Page
	f.page.Format, f.page.BadLines, f.page.FirstBad = "promql", 0, nil
	return true
}

func (p *page) renameAll(l scrape.Labels) scrape.Labels {
	out := l // with how its statuses are read
	out.Status, out.Method, out.Route = p.back(l.Status), p.back(l.Method), nil
	for _, name := range l.Route {
		out.Route = append(out.Route, p.back(name))
	}
	return out
}

func (p *page) renameEach(list []scrape.Match) []scrape.Match {
	var out []scrape.Match
	for _, m := range list {
		out = append(out, scrape.Match{Label: p.back(m.Label), Value: m.Value})
	}
	return out
}

// shape is how the samples of a duration are kept. Native buckets are finer.
func (p *page) shape(duration string) shape {
	switch {
	case duration == "":
		return untimed
	case p.native[duration]:
		return native
	case p.names[duration+"_bucket"]:
		return classic
	}
	return summary
}

// pace learns how far the samples of a series are apart, and how long the window
// must be for it: Prometheus advises four scrapes, so that one may be missing.
func (c *Collector) pace(ctx context.Context, f *finding, target map[string]string, p *page) error {
	name, labels := "up", target
	if !f.up {
		name = f.plan.mapping.Counter
		if name == "" {
			name = f.plan.mapping.Duration + "_count"
		}
		labels = p.raw[name]
	}
	var own matchers
	for label, value := range labels {
		own = append(own, matcher{label, "=", value})
	}
	slices.SortFunc(own, func(a, b matcher) int { return strings.Compare(a.name, b.name) })
	f.interval = defaultInterval
	for _, back := range [...]string{"5m", "1h"} {
		got, err := c.api.instant(ctx, own.selector(name)+"["+back+"]", time.Time{})
		if err != nil {
			return err
		}
		if len(got.rows) > 0 {
			if d := spacing(got.rows[0].Values); d > 0 {
				f.interval = d
				break
			}
		}
	}
	scrapes := 4 * f.interval
	f.plan.window = max(c.window, (scrapes+time.Second-1)/time.Second*time.Second)
	return nil
}

// defaultInterval is Prometheus' own scrape interval.
const defaultInterval = time.Minute

// spacing is the median of the times between samples; 0 with fewer than two.
func spacing(samples []model.SamplePair) time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(samples); i++ {
		gaps = append(gaps, samples[i].Timestamp.Sub(samples[i-1].Timestamp))
	}
	if len(gaps) == 0 {
		return 0
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2]
}

// unmatched is an error about a --match that finds nothing; its fix lists the
// jobs that would do.
func (c *Collector) unmatched(ctx context.Context, what string) error {
	var jobs []string
	_, err := c.api.call(ctx, "label/job/values", url.Values{
		"match[]": {`{__name__=~".*http.*(request|response|duration|latency).*(_total|_count)"}`},
		"start":   {unix(time.Now().Add(-10 * time.Minute))},
		"end":     {unix(time.Now())},
	}, &jobs)
	switch {
	case err != nil && len(c.match) == 0:
		return err // the server itself is the trouble
	case err != nil || len(jobs) == 0:
		return snapshot.Fail(snapshot.NoData, what, fixMatch)
	}
	return snapshot.Fail(snapshot.NoData, what, "jobs with request metrics there: "+listed(jobs)+
		`; give one as --match 'job="`+safe.Clean(jobs[0], 60)+`"'`)
}

// listed writes the first few of a list.
func listed(all []string) string {
	const most = 8
	var shown []string
	for _, s := range all[:min(len(all), most)] {
		shown = append(shown, safe.Clean(s, 40))
	}
	text := strings.Join(shown, ", ")
	if more := len(all) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
