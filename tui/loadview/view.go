// Package loadview is the screen of a load test while it runs: how far it is,
// what it sends, how the target answers, and whether the objectives hold so far.
//
// It draws a [View], plain data that the caller makes anew once or twice a
// second; it knows nothing of how load is made.
package loadview

import (
	"time"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/theme"
)

// View is a load test at one moment. Its texts must be safe to draw. A View
// never changes once it was handed over.
type View struct {
	At      time.Time
	Target  string         // what is tested
	Phase   string         // what happens now: "warm-up", "measuring", "step 3: 400/s"
	Elapsed time.Duration  // since the start, warm-up included
	Planned time.Duration  // of the whole test; 0: not known
	Done    analysis.Value // share of the test that is over, 0..1, where the time is not planned

	IntendedRPS analysis.Value // now; unknown in a closed loop
	SentRPS     analysis.Value // in the last second
	InFlight    int
	Lag         analysis.Value // seconds that requests begin after they are due, p95 of the last second
	Warning     string         // what makes the figures doubtful; "" for nothing

	Outcomes   []Outcome
	Recent     []Second // the last seconds, oldest first
	Objectives []Objective
	Routes     []Route
}

// Outcome is how many requests ended in one way.
type Outcome struct {
	Label string
	Count uint64
	Share analysis.Value // of all requests, 0..1
	Bad   bool           // there should be none
}

// Second is one second of the test: latencies in seconds, unknown when nothing
// was answered in it.
type Second struct {
	At            time.Time
	P50, P95, P99 analysis.Value // response: from the intended start
	ServiceP95    analysis.Value // from the send
}

// Standing is how an objective stands.
type Standing int

// The standings. The zero value is Open.
const (
	Open   Standing = iota // too few requests to tell
	Kept                   // holds so far
	Broken                 // does not hold
)

// Objective is one objective and how it stands.
type Objective struct {
	Text     string // "p95<200ms"
	Value    string // the figure now, written out
	Standing Standing
}

// Route is a row of the table of routes.
type Route struct {
	Method, Route        string
	Requests             uint64
	P50, P95, ServiceP95 analysis.Value // seconds
	Errors, ClientErrors analysis.Value // shares of Requests, 0..1: 5xx or no answer; 4xx but 429
	Throttled            analysis.Value // the same: 429
}

// mark is a standing as a character and a look: never by colour alone.
func (s Standing) mark() (rune, canvas.Style) {
	switch s {
	case Kept:
		return '✓', theme.Good
	case Broken:
		return '✗', theme.Bad
	}
	return '…', theme.Dim
}
