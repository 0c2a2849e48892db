package snapshot

import (
	"strings"
	"time"

	"apitop/collectors/safe"
)

// HTTP is one reading of a metrics page: what the service says about its own
// requests. All totals count since the service's process started.
type HTTP struct {
	Target   safe.Text // unique: the address without secrets, "localhost:8000", and the process where several answer there
	Instance safe.Text // the address that people know; the same for all processes behind it; empty: Target
	At       time.Time // when the response headers arrived; zero for a saved page
	Page     Page      // how the page was read
	FromZero bool      // the process started after its address was first read: its totals count from zero

	StartTime Value // process_start_time_seconds, unix seconds
	InFlight  Value // requests being served now

	Requests  []Count     // one per series that counts requests
	Statuses  []Count     // the same requests by status, of all routes together; only where Requests have none
	Durations []Histogram // one per series that measures them

	Work    []Work // one per series that counts the statements of requests
	Process ProcessTotals
	Service Service
}

// Page says how a metrics page was read.
type Page struct {
	Format   string    // "text", "openmetrics", "protobuf"
	Bytes    int64     // after decompression
	Samples  int       // samples kept
	BadLines int       // lines that could not be read
	FirstBad []BadLine // the first few of them
	Dialect  string    // "prometheus-fastapi-instrumentator"; empty: none known
	Counter  safe.Text // family that counts requests; empty: Duration's count
	Duration safe.Text // family that measures durations; empty: none
	Statuses safe.Text // family that has the statuses; empty: the one that counts

	Mapping int         // rises when other families are read, whose totals are no growth of those before
	Labels  safe.Text   // which labels were taken for what: "route=handler method=method status=code"
	Unit    string      // of the durations on the page: "seconds", "milliseconds"; empty: none
	Ignored []safe.Text // families that count the same requests again
}

// BadLine is one line of a metrics page that could not be read.
type BadLine struct {
	Line int       // from 1
	Why  safe.Text // what was expected
}

// Series is the identity of one request-counting series. It is shared between
// readings and never changes.
type Series struct {
	ID     string    // family and labels as on the page; identity only, never shown
	Method safe.Text // "GET"; empty when the page does not say
	Route  safe.Text // "/users/{id}"; empty for requests without a route
	Status safe.Text // "200", "2xx"; empty when the page does not say
}

// Count is a counter's total.
type Count struct {
	Series  *Series
	Total   float64 // requests since the process started
	Created float64 // unix seconds when the counter began; 0: unknown
}

// Histogram is the total state of a histogram, classic or native. A native one
// with custom bounds is written as a classic one.
type Histogram struct {
	Series     *Series
	Bounds     []float64 // finite upper bounds in seconds, rising; shared, never changed
	Cumulative []float64 // observations <= Bounds[i]; one more at the end for +Inf
	Count      float64   // all observations
	Sum        float64   // seconds
	Native     *Native   // its exponential buckets; nil: it has none
	Created    float64   // unix seconds when the histogram began; 0: unknown
}

// Work is how many database statements requests made, since the process started.
type Work struct {
	Series     *Series
	Requests   float64
	Statements float64
}

// ProcessTotals is what the page says about its own process (process_* families).
type ProcessTotals struct {
	CPUSeconds Value // process_cpu_seconds_total
	RSSBytes   Value // process_resident_memory_bytes
	OpenFDs    Value // process_open_fds
}

func (h *HTTP) addTo(s *Snapshot) {
	for i, old := range s.HTTP {
		if old.Target == h.Target {
			s.HTTP[i] = h
			return
		}
	}
	s.HTTP = append(s.HTTP, h)
}

// Facts implements [Reading].
func (h *HTTP) Facts() []Fact {
	f := h.Page.facts()
	if found := h.Service.found(); found != "" {
		f = append(f, Fact{"service", found})
	}
	return f
}

func (p *Page) facts() []Fact {
	f := []Fact{
		{"format", p.Format},
		{"bytes", int(p.Bytes)},
		{"samples", p.Samples},
		{"bad_lines", p.BadLines},
		{"dialect", p.Dialect},
	}
	f = append(f, text("counter", p.Counter)...)
	f = append(f, text("duration", p.Duration)...)
	f = append(f, text("statuses", p.Statuses)...)
	f = append(f, text("labels", p.Labels)...)
	if p.Unit != "" {
		f = append(f, Fact{"unit", p.Unit})
	}
	if len(p.Ignored) > 0 {
		f = append(f, Fact{"counted_again_by", joined(p.Ignored)})
	}
	return f
}

func joined(list []safe.Text) safe.Text {
	names := make([]string, len(list))
	for i, t := range list {
		names[i] = t.Raw()
	}
	return safe.New(strings.Join(names, " "))
}
