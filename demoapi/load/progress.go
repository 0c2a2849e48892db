package load

import "time"

// Progress is how a run stands. The caller owns what it gets.
type Progress struct {
	Phase   Phase
	Elapsed time.Duration // since the first request was due, warm-up included; 0 before
	Planned time.Duration // of the schedule; 0: without end, or a closed loop

	IntendedRPS float64 // by the schedule, now; 0 in a closed loop
	SentRPS     float64 // in the last whole second
	InFlight    int
	Totals      Totals // since the start, warm-up included

	Response, Service Recent // of the requests that were OK in the last whole second
	Lag               Recent // from due to begun, in the last whole second
	Routes            []RouteProgress
}

// Phase of a run.
type Phase string

// The phases of a run, in their order.
const (
	Ready   Phase = "ready"   // Run was not called yet
	LogIn   Phase = "login"   // users get their tokens
	Warmup  Phase = "warm-up" // not in the report
	Measure Phase = "measure"
	Drain   Phase = "drain" // nothing more is sent, the last answers are awaited
	Done    Phase = "done"
)

// Totals are counts since the start. Sent = OK + ClientErrors + Errors +
// Throttled + Abandoned + those in flight.
type Totals struct {
	Sent         uint64
	OK           uint64            // answered below 400
	ClientErrors uint64            // 4xx but 429
	Errors       uint64            // 5xx, and without a whole answer
	Throttled    uint64            // 429
	Abandoned    uint64            // under way when the run was told to stop
	Late         uint64            // begun over 100 ms after they were due, or after waiting for a place
	Dropped      uint64            // not sent: no place, or over 10 s behind
	Held         uint64            // not sent: all callers of the tier were told to wait
	Status       map[int]uint64    // answers by status
	Kinds        map[string]uint64 // requests without a whole answer, by kind
	Bytes        uint64            // of bodies
	NewConns     uint64            // connections opened
}

// Answered is the number of whole answers, whatever their status.
func (t Totals) Answered() uint64 {
	var n uint64
	for _, k := range t.Status {
		n += k
	}
	return n
}

// Unanswered is the number of requests that failed without a whole answer.
func (t Totals) Unanswered() uint64 {
	var n uint64
	for _, k := range t.Kinds {
		n += k
	}
	return n
}

// Recent is what a short time showed; nil without enough samples.
type Recent struct {
	Count         uint64
	P50, P95, P99 *float64 // seconds
}

// RouteProgress is one route since the start of the measured time, in the order
// of the scenario. P95 of the requests that were OK is nil with fewer than 200.
type RouteProgress struct {
	Method, Route                                 string
	Requests, OK, ClientErrors, Errors, Throttled uint64
	ResponseP50, ResponseP95, ServiceP95          *float64 // seconds
}
