package scrape

import (
	"math"
	"strings"

	"apitop/collectors/snapshot"
)

// reading takes the values of the newest scan into fresh slices: what is handed
// on never changes. Its cost in allocations does not depend on the page.
// dropped is how many histograms were left out because their numbers cannot be.
func (p *plan) reading() (h *snapshot.HTTP, dropped int) {
	h = &snapshot.HTTP{}
	h.Page.Counter, h.Page.Duration, h.Page.Statuses = p.counter, p.duration, p.statuses
	h.Durations, dropped = p.durations()
	h.Requests = p.requests(h.Durations)
	if !p.statuses.IsZero() {
		h.Statuses = countsOf(p.ends)
	}
	h.InFlight = largest(p.inFlight)
	h.Work = p.workDone()
	h.Service = p.service.reading()
	for name, all := range p.process {
		if len(all) == 1 && finite(all[0].value) { // several: pages of several processes
			f := processFields[name](h)
			*f.to = snapshot.Known(all[0].value / f.per)
		}
	}
	return h, dropped
}

func (p *plan) requests(durations []snapshot.Histogram) []snapshot.Count {
	if p.counter.IsZero() {
		counts := make([]snapshot.Count, len(durations))
		for i, d := range durations {
			counts[i] = snapshot.Count{Series: d.Series, Total: d.Count, Created: d.Created}
		}
		return counts
	}
	return countsOf(p.counts)
}

// countsOf takes the values of counters, without those that cannot be.
func countsOf(list []*series) []snapshot.Count {
	counts := make([]snapshot.Count, 0, len(list))
	for _, s := range list {
		if finite(s.value) && s.value >= 0 {
			counts = append(counts, snapshot.Count{Series: s.meta, Total: s.value, Created: s.created()})
		}
	}
	return counts
}

func (p *plan) durations() (out []snapshot.Histogram, dropped int) {
	out = make([]snapshot.Histogram, 0, len(p.groups))
	room := make([]float64, p.floats)
	for _, g := range p.groups {
		n := len(g.bounds) + 1
		h := snapshot.Histogram{Series: g.meta, Bounds: g.bounds, Cumulative: room[:n:n], Created: g.count.created()}
		if g.fill(&h, p.scale) {
			out = append(out, h)
		} else {
			dropped++
		}
		room = room[n:]
	}
	return out, dropped
}

// fill takes the values of g; false when one of them cannot be. Bounds that
// differ only in how they are written are one bound, and of the count and the
// last bucket, which disagree while the page is written, the larger is taken.
func (g *group) fill(h *snapshot.Histogram, scale float64) bool {
	last, i := math.NaN(), -1
	for _, b := range g.buckets {
		if !finite(b.value) {
			return false
		}
		bound := b.le / scale
		if bound != last {
			i++
		}
		last = bound
		h.Cumulative[i] = max(h.Cumulative[i], b.value)
	}
	all := &h.Cumulative[len(g.bounds)]
	if g.count != nil {
		*all = max(*all, g.count.value)
	} else if !math.IsInf(last, 1) {
		return false // nothing says how many there were
	}
	h.Count = *all
	if g.sum == nil || !finite(*all) || *all < 0 {
		return false
	}
	h.Sum = g.sum.value / scale
	h.Native = g.nativeIn(scale)
	return finite(h.Sum) && h.Sum >= 0
}

// place is a field of a reading, and how many of the page's units make one of
// the field's.
type place struct {
	to  *snapshot.Value
	per float64
}

// processFields are the families that a process writes about itself: the usual
// ones of Prometheus' client libraries, and Micrometer's.
var processFields = map[string]func(*snapshot.HTTP) place{
	"process_start_time_seconds":    func(h *snapshot.HTTP) place { return place{&h.StartTime, 1} },
	"process_cpu_seconds_total":     func(h *snapshot.HTTP) place { return place{&h.Process.CPUSeconds, 1} },
	"process_cpu_time_ns_total":     func(h *snapshot.HTTP) place { return place{&h.Process.CPUSeconds, 1e9} },
	"process_resident_memory_bytes": func(h *snapshot.HTTP) place { return place{&h.Process.RSSBytes, 1} },
	"process_open_fds":              func(h *snapshot.HTTP) place { return place{&h.Process.OpenFDs, 1} },
	"process_files_open_files":      func(h *snapshot.HTTP) place { return place{&h.Process.OpenFDs, 1} },
}

// inFlightWords are what gauges of requests being served are called.
var inFlightWords = [...]string{
	"in_flight", "inflight", "in_progress", "inprogress", "active_requests", "requests_active",
	"requests_pending", "requests_current", "current_requests", "rq_active",
}

// inFlightName finds the gauge of requests being served, the shortest name of
// several; empty when there is none.
func inFlightName(t *table) string {
	found := ""
	for name := range t.metrics {
		norm := normal(name)
		if k := t.kind(name); k != kindGauge && k != kindUntyped || wordScore(norm) < needWords {
			continue
		}
		if unitIn(wordsOf(norm, nil)) > 0 && !strings.HasSuffix(norm, "_active_count") {
			continue // Micrometer counts and times them under one name
		}
		for _, w := range inFlightWords {
			better := found == "" || len(name) < len(found) || len(name) == len(found) && name < found
			if strings.Contains(norm, w) && better {
				found = name
			}
		}
	}
	return found
}
