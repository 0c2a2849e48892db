package scrape

import (
	"fmt"
	"slices"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// note lists what of a page could not be used.
func (r *Reader) note(p *protoScan, h *snapshot.HTTP, dropped int) []snapshot.Note {
	var notes []snapshot.Note
	add := func(fix, format string, args ...any) {
		notes = append(notes, snapshot.Note{What: safe.Short(fmt.Sprintf(format, args...), 200), Fix: fix})
	}
	switch {
	case p.bad > 0 && h.Page.Format == formatProtobuf:
		add("", "%s left out, the first in message %d: %s", many(p.bad, "sample"), p.first[0].Line, p.first[0].Why)
	case p.bad > 0:
		add("", "%s left out, the first is line %d: %s", many(p.bad, "bad line"), p.first[0].Line, p.first[0].Why)
	}
	if h.Page.Format == formatOpenMetrics && !p.eof {
		add("", "the page does not end in # EOF: it may be cut off")
	}
	if dropped > 0 {
		add("", "%s of %s left out: a bucket, the count or the sum cannot be", many(dropped, "histogram"), h.Page.Duration)
	}
	for _, line := range r.missing {
		add("correct the mapping in the configuration", "%s", line)
	}
	if r.plan.oversized > 0 {
		add("give the histograms fewer buckets", "%s of %s left out: more than %d buckets",
			many(r.plan.oversized, "histogram"), r.mapping.duration, maxBounds)
	}
	switch {
	case p.samples == 0:
	case h.Page.Counter.IsZero() && h.Page.Duration.IsZero():
		add("count requests by route and status, such as http_requests_total and http_request_duration_seconds",
			"no HTTP request metrics on this page")
	case h.Page.Duration.IsZero():
		add("add a histogram of request durations", "the page has no request durations: no latency is shown")
	case r.plan.summary && !slices.ContainsFunc(h.Durations, func(d snapshot.Histogram) bool { return d.Native != nil }):
		add("make it a histogram",
			"%s is a summary: averages only, as percentiles of summaries cannot be added up", h.Page.Duration)
	}
	return notes
}

// many writes "1 line" and "3 lines".
func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
