package main

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"apitop/collectors"
	"apitop/collectors/safe"
	"apitop/collectors/scrape"
	"apitop/collectors/snapshot"
)

// witness is a collector that remembers what it read last, and how.
type witness struct {
	collectors.Collector

	mu      sync.Mutex       // guards what follows: a late Collect may still run
	last    snapshot.Reading // nil: none came
	mapping *scrape.Mapping  // nil: no metrics page, or nothing recognised on it
}

// mapped is a collector of pages whose request metrics are found out.
type mapped interface{ Mapping() (scrape.Mapping, bool) }

// Collect implements [collectors.Collector].
func (w *witness) Collect(ctx context.Context) (snapshot.Reading, error) {
	r, err := w.Collector.Collect(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	if r != nil {
		w.last = r
	}
	if m, ok := w.Collector.(mapped); ok && r != nil {
		w.mapping = nil
		if found, ok := m.Mapping(); ok {
			w.mapping = &found
		}
	}
	return r, err
}

// Close closes the collector, if that is something it wants.
func (w *witness) Close() {
	if c, ok := w.Collector.(interface{ Close() }); ok {
		c.Close()
	}
}

// Notes implements [collectors.Noter].
func (w *witness) Notes() []snapshot.Note {
	if n, ok := w.Collector.(collectors.Noter); ok {
		return n.Notes()
	}
	return nil
}

// Rest implements [collectors.Pacer].
func (w *witness) Rest() time.Duration {
	if p, ok := w.Collector.(collectors.Pacer); ok {
		return p.Rest()
	}
	return 0
}

// seen is what was read last.
func (w *witness) seen() (snapshot.Reading, *scrape.Mapping) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last, w.mapping
}

// witnesses are those of all jobs, by the order of the jobs.
type witnesses []*witness

// watch puts a witness before each collector of w.
func watch(w *watched) witnesses {
	var all witnesses
	for i := range w.jobs {
		one := &witness{Collector: w.jobs[i].Collector}
		w.jobs[i].Collector = one
		all = append(all, one)
	}
	if w.pages != nil {
		w.pages.wrap = func(c collectors.Collector) collectors.Collector { return &witness{Collector: c} }
	}
	return all
}

// found are the witnesses of pages that were found since watch; call it when
// nobody polls any more.
func (all witnesses) found(w *watched) witnesses {
	if w.pages == nil {
		return all
	}
	for _, p := range w.pages.pages {
		if one, ok := p.collector.(*witness); ok {
			all = append(all, one)
		}
	}
	return all
}

// howRead says how a metrics page was understood.
type howRead struct {
	Processes int       `json:"processes"`          // that answer at the address
	Dialect   string    `json:"dialect"`            // library; empty: recognised without knowing it
	Requests  string    `json:"requests"`           // counter, with its labels; empty: none
	Durations string    `json:"durations"`          // the same for durations; empty: none
	Statuses  string    `json:"statuses,omitempty"` // another counter of the same requests, that has their status
	Unit      string    `json:"unit"`               // of the durations; empty: none
	Buckets   string    `json:"buckets"`            // "native", "classic", "summary", "none"
	Why       []string  `json:"why"`                // what was decided by what
	BadLines  []badLine `json:"bad_lines"`          // the first few
}

type badLine struct {
	Line int    `json:"line"`
	Why  string `json:"why"`
}

// reading is how the source called name was understood; nil when it is no metrics
// page, or none came.
func (all witnesses) reading(name safe.Text) *howRead {
	for _, w := range all {
		if w.Source().Name != name {
			continue
		}
		if r, mapping := w.seen(); r != nil {
			return understood(r, mapping)
		}
	}
	return nil
}

func understood(r snapshot.Reading, m *scrape.Mapping) *howRead {
	pages := pagesOf(r)
	if len(pages) == 0 {
		return nil
	}
	h := &howRead{Processes: len(pages), Buckets: bucketsOf(pages), Why: []string{}, BadLines: []badLine{}}
	for _, l := range pages[0].Page.FirstBad {
		h.BadLines = append(h.BadLines, badLine{Line: l.Line, Why: l.Why.String()})
	}
	h.Unit = pages[0].Page.Unit
	if m == nil {
		return h
	}
	h.Dialect = m.Dialect
	h.Durations, h.Statuses = family(m.Duration, m.Times), family(m.Statuses, m.Ends)
	if h.Requests = family(m.Counter, m.Counts); m.Counter == "" && m.Duration != "" {
		h.Requests = family(m.Duration+"_count", m.Counts)
	}
	for _, line := range m.Why {
		h.Why = append(h.Why, safe.Clean(line, 200))
	}
	return h
}

// pagesOf are the pages in a reading: several processes give several, and a
// server's figures count as one.
func pagesOf(r snapshot.Reading) []*snapshot.HTTP {
	switch r := r.(type) {
	case *snapshot.HTTP:
		return []*snapshot.HTTP{r}
	case snapshot.Pages:
		return r
	case *snapshot.Rates:
		return []*snapshot.HTTP{{Page: r.Page, Requests: r.Requests, Durations: r.Durations, InFlight: r.InFlight}}
	}
	return nil
}

// family is a name with the labels that say what: "x (route=path status=code)".
func family(name string, l scrape.Labels) string {
	if name == "" {
		return ""
	}
	var parts []string
	for _, p := range [...][2]string{{"route", strings.Join(l.Route, "|")}, {"method", l.Method}, {"status", l.Status}} {
		if p[1] != "" {
			parts = append(parts, p[0]+"="+p[1])
		}
	}
	if len(parts) > 0 {
		name += " (" + strings.Join(parts, " ") + ")"
	}
	return safe.Clean(name, 200)
}

// bucketsOf is the kind of the histograms, the finest that there is.
func bucketsOf(pages []*snapshot.HTTP) string {
	kind := "none"
	for _, p := range pages {
		for i := range p.Durations {
			switch d := &p.Durations[i]; {
			case d.Native != nil:
				return "native"
			case len(d.Bounds) > 0:
				kind = "classic"
			case kind == "none":
				kind = "summary"
			}
		}
	}
	return kind
}

// hasRoutes and hasStatus tell what the series of requests say.
func hasRoutes(pages []*snapshot.HTTP) bool {
	return anySeries(pages, func(s *snapshot.Series) bool { return !s.Route.IsZero() })
}

func hasStatus(pages []*snapshot.HTTP) bool {
	return anySeries(pages, func(s *snapshot.Series) bool { return !s.Status.IsZero() })
}

func anySeries(pages []*snapshot.HTTP, has func(*snapshot.Series) bool) bool {
	return slices.ContainsFunc(pages, func(p *snapshot.HTTP) bool {
		return slices.ContainsFunc(p.Requests, func(c snapshot.Count) bool { return c.Series != nil && has(c.Series) })
	})
}
