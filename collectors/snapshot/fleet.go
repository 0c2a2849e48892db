package snapshot

import (
	"time"

	"apitop/collectors/safe"
)

// Rates is one reading of a Prometheus-compatible server: what it computed over
// a window, for all instances of a service together. It is the one reading that
// holds no totals, as a fleet's totals are too many to fetch.
type Rates struct {
	Target    safe.Text     // the server and the match, without secrets
	At        time.Time     // the evaluation time, by the server's clock
	Window    time.Duration // the range of the rates
	Every     time.Duration // time to the next reading, as there is nothing new before
	Page      Page          // the families that were found; Format "promql"
	Requests  []Count       // Total is requests a second
	Statuses  []Count       // as in HTTP; a second
	Durations []Histogram   // Count, Sum and Cumulative are a second
	InFlight  Value
	DataAge   Value           // seconds since the newest sample, at At
	Instances []InstanceRates // by name; empty: not told apart
	Past      []Moment        // the time before the first reading, oldest first; only there
}

// InstanceRates is one instance of the service.
type InstanceRates struct {
	Name       safe.Text
	Up         Value // 1 up, 0 down
	RPS        Value
	ErrorRatio Value     // 0..1
	P95Seconds Value     // where Durations are unknown
	Durations  Histogram // of all its requests, a second; without a Series and a Sum; Count 0: unknown, as of many instances
	AvgSeconds Value
	InFlight   Value
}

// Moment is the service at one time of the past.
type Moment struct {
	At         time.Time
	RPS        Value
	ErrorRatio Value     // 0..1
	Durations  Histogram // of all requests, a second; without a Series; Count 0: unknown
	InFlight   Value
	Throttled  Value // 429 a second
}

func (r *Rates) addTo(s *Snapshot) { s.Rates = r }

// Facts implements [Reading].
func (r *Rates) Facts() []Fact {
	f := r.Page.facts()
	return append(f, Fact{"window_seconds", Known(r.Window.Seconds())},
		Fact{"instances", len(r.Instances)}, Fact{"data_age_seconds", r.DataAge})
}
