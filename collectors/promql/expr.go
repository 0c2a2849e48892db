package promql

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"apitop/collectors/scrape"
)

// shape is how a duration is kept.
type shape uint8

const (
	untimed shape = iota // no duration
	summary              // count and sum
	classic              // buckets with bounds
	native               // exponential buckets in the samples themselves
)

// plan is how a service's requests are asked for.
type plan struct {
	mapping  scrape.Mapping // with label names as the server has them
	match    matchers
	shape    shape
	inFlight string // the gauge of requests being served; empty: none
	classes  bool   // statuses are classes: nobody knows the 429s
	window   time.Duration
}

// counter is the expression of the requests a second, not summed up.
func (p *plan) counter(window time.Duration, more ...matcher) string {
	switch {
	case p.mapping.Counter != "":
		return p.rate(p.mapping.Counter, window, more...)
	case p.shape == native:
		return "histogram_count(" + p.rate(p.mapping.Duration, window, more...) + ")"
	}
	return p.rate(p.mapping.Duration+"_count", window, more...)
}

func (p *plan) rate(name string, window time.Duration, more ...matcher) string {
	return "rate(" + p.series(name, more...) + "[" + seconds(window) + "])"
}

// series selects the samples of one family that are the service's requests.
func (p *plan) series(name string, more ...matcher) string {
	var also []matcher
	for _, m := range p.mapping.Only { // a series without the label has it
		also = append(also, matcher{m.Label, "=~", regexp.QuoteMeta(m.Value) + "|"})
	}
	for _, m := range p.mapping.Except {
		also = append(also, matcher{m.Label, "!=", m.Value})
	}
	return p.match.selector(name, append(also, more...)...)
}

// seconds writes a duration as PromQL does, in whole seconds or milliseconds.
func seconds(d time.Duration) string {
	if d%time.Second == 0 {
		return strconv.Itoa(int(d/time.Second)) + "s"
	}
	return strconv.Itoa(int(d/time.Millisecond)) + "ms"
}

// statuses is the answers a second by status, where another family than that
// of the requests has it; empty: none does.
func (p *plan) statuses() string {
	if p.mapping.Statuses == "" {
		return ""
	}
	return sum(p.rate(p.mapping.Statuses, p.window), names(p.mapping.Ends)...)
}

// ended is the requests a second whose status matches, the others being of, or
// empty where nobody says the status. Of another family than that of the
// requests it is as large a part of them as of its own.
func (p *plan) ended(window time.Duration, is func(scrape.Labels) matcher, by ...string) string {
	m := p.mapping
	switch {
	case m.Statuses != "":
		these, all := p.rate(m.Statuses, window, is(m.Ends)), p.rate(m.Statuses, window)
		return sum(these, by...) + "/" + sum(all, by...) + "*" + sum(p.counter(window), by...)
	case m.Counts.Status != "":
		return sum(p.counter(window, is(m.Counts)), by...)
	}
	return ""
}

// told tells whether anybody says the status of requests.
func (p *plan) told() bool { return p.mapping.Counts.Status != "" || p.mapping.Statuses != "" }

// sum sums an expression up by labels.
func sum(expr string, by ...string) string {
	if len(by) == 0 {
		return "sum(" + expr + ")"
	}
	names := make([]string, len(by))
	for i, n := range by {
		names[i] = labelName(n)
	}
	return "sum by (" + strings.Join(names, ",") + ") (" + expr + ")"
}

// names are the labels that are known, once each.
func names(l scrape.Labels, more ...string) []string {
	var list []string
	for _, n := range append(append(slices.Clone(more), l.Route...), l.Method, l.Status) {
		if n != "" && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

// requests is the requests a second by route, method and status.
func (p *plan) requests() string {
	return sum(p.counter(p.window), names(p.mapping.Counts)...)
}

// durations are the expressions of the duration's parts by route and method:
// buckets, sum and count; an empty one is not needed.
func (p *plan) durations() (buckets, sums, counts string) {
	times := p.mapping.Times
	times.Status = ""
	d := p.mapping.Duration
	switch p.shape {
	case native:
		buckets = sum(p.rate(d, p.window), names(times)...)
	case classic:
		buckets = sum(p.rate(d+"_bucket", p.window), names(times, "le")...)
		sums = sum(p.rate(d+"_sum", p.window), names(times)...)
	case summary:
		sums = sum(p.rate(d+"_sum", p.window), names(times)...)
		counts = sum(p.rate(d+"_count", p.window), names(times)...)
	}
	return buckets, sums, counts
}

// ladder is the distribution of all durations together; empty: none.
func (p *plan) ladder(window time.Duration) string {
	switch p.shape {
	case native:
		return sum(p.rate(p.mapping.Duration, window))
	case classic:
		return sum(p.rate(p.mapping.Duration+"_bucket", window), "le")
	}
	return ""
}

// served is the requests being served now; empty: nobody says.
func (p *plan) served(by ...string) string {
	if p.inFlight == "" {
		return ""
	}
	return sum(p.match.selector(p.inFlight), by...)
}

// failed is the answers a second that say the service failed: 500, 5xx, 5, or
// what the mapping takes for it.
func (p *plan) failed(window time.Duration, by ...string) string {
	return p.ended(window, func(l scrape.Labels) matcher { return matcher{l.Status, "=~", l.Failures()} }, by...)
}

// throttled is the 429s a second; empty: nobody knows.
func (p *plan) throttled(window time.Duration) string {
	if p.classes {
		return ""
	}
	return p.ended(window, func(l scrape.Labels) matcher { return matcher{l.Status, "=", "429"} })
}

// instanceLabel tells the instances apart.
const instanceLabel = "instance"

// instances are the expressions of what is told of each instance; an empty one
// is unknown. With ladders, their whole distributions are asked for and not only
// a percentile.
func (p *plan) instances(ladders bool) (q instanceQueries) {
	q.up = p.match.selector("up")
	q.rps = sum(p.counter(p.window), instanceLabel)
	q.errors = p.failed(p.window, instanceLabel)
	q.inFlight = p.served(instanceLabel)
	d := p.mapping.Duration
	switch p.shape {
	case native:
		h := sum(p.rate(d, p.window), instanceLabel)
		q.p95, q.ladder = "histogram_quantile(0.95,"+h+")", h
		q.average = fmt.Sprintf("histogram_sum(%s)/histogram_count(%s)", h, h)
	case classic:
		q.ladder = sum(p.rate(d+"_bucket", p.window), "le", instanceLabel)
		q.p95 = "histogram_quantile(0.95," + q.ladder + ")"
	}
	if ladders && q.ladder != "" {
		q.p95 = ""
	} else {
		q.ladder = ""
	}
	if p.shape == classic || p.shape == summary {
		q.average = sum(p.rate(d+"_sum", p.window), instanceLabel) + "/" + sum(p.rate(d+"_count", p.window), instanceLabel)
	}
	return q
}

// instanceQueries are expressions by instance.
type instanceQueries struct{ up, rps, errors, p95, ladder, average, inFlight string }
