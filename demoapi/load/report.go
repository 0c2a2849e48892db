package load

import "time"

// Schema names the format of a [Report] as JSON. A later format has another
// number.
const Schema = "apitop.load/1"

// Report is what a run measured, and its JSON the schema apitop.load/1. The
// warm-up is not in it. A nil pointer, null in JSON, means unknown.
//
// Requests = OK + ClientErrors + Errors + Throttled. Response counts from the
// intended start to the end of the body, Service from the send to the end of
// the body, TTFB from the send to the header; all three hold the requests that
// are OK and no others, so that a quick refusal does not improve them.
type Report struct {
	Schema   string    `json:"schema"`
	At       time.Time `json:"at"`               // the start of the measured time
	Target   string    `json:"target"`           // without user and password
	Scenario string    `json:"scenario"`         // its name; "url" for a single URL
	Mode     Mode      `json:"mode"`             // open or closed
	Arrivals string    `json:"arrivals"`         // "constant" or "poisson"; "" in a closed loop
	Seed     uint64    `json:"seed"`             // gives the same requests again
	Seconds  float64   `json:"duration_seconds"` // measured time; 0 if the run ended during the warm-up
	Warmup   float64   `json:"warmup_seconds"`   // before it
	Users    int       `json:"users,omitempty"`  // of a closed loop
	Logins   Logins    `json:"logins"`           // before the start
	CPU      *float64  `json:"cpu_seconds"`      // processor time of this process in the measured time

	IntendedRPS *float64 `json:"intended_rps"` // of the schedule; null in a closed loop
	SentRPS     float64  `json:"sent_rps"`     // begun in the measured time

	Requests     uint64 `json:"requests"`      // with an outcome
	OK           uint64 `json:"ok"`            // answered below 400, to the end
	ClientErrors uint64 `json:"client_errors"` // 4xx but 429
	Errors       uint64 `json:"errors"`        // 5xx, and without a whole answer
	Throttled    uint64 `json:"throttled"`     // 429
	Late         uint64 `json:"late"`          // begun over 100 ms after they were due, or after waiting for a place
	Dropped      uint64 `json:"dropped"`       // not sent: no place, or over 10 s behind
	Held         uint64 `json:"held"`          // not sent: all callers of the tier were told to wait
	Abandoned    uint64 `json:"abandoned"`     // under way when the run was interrupted

	Interrupted      bool     `json:"interrupted"`
	GeneratorLimited bool     `json:"generator_limited"` // the figures show the generator's limits
	Verdict          []string `json:"verdict"`           // a sentence for each thing to know about the figures; may be empty

	Lag      Latency `json:"lag"` // from due to begun
	Response Latency `json:"response"`
	Service  Latency `json:"service"`
	TTFB     Latency `json:"ttfb"`

	Status      map[string]uint64 `json:"status"`      // answers by status code
	ErrorKinds  map[string]uint64 `json:"error_kinds"` // requests without a whole answer: dns, dial, refused, tls, timeout, reset, eof, protocol, other
	Classes     []ClassReport     `json:"classes"`     // by class of status
	Bytes       uint64            `json:"bytes"`       // of the bodies, as sent
	Connections Connections       `json:"connections"`

	Routes []RouteReport  `json:"routes"` // by route, the most requested first
	Tiers  []TierReport   `json:"tiers"`  // in the order of the scenario; empty without tiers
	Course []CourseResult `json:"course"` // of a closed loop, endpoint after endpoint
	SLO    []SLOResult    `json:"slo"`    // of the gate; empty without one
}

// Mode is how a run decides when to send.
type Mode string

// The modes of a run.
const (
	OpenLoop   Mode = "open"   // by the clock
	ClosedLoop Mode = "closed" // each user when the answer before has come
)

// Logins are the logins before the start, which are in no other figure.
type Logins struct {
	OK     int `json:"ok"`
	Failed int `json:"failed"` // after their retries
}

// Connections to the target.
type Connections struct {
	New    uint64 `json:"new"`    // opened in the measured time
	Reused uint64 `json:"reused"` // requests that needed no new one
}

// ClassReport is a class of answers.
type ClassReport struct {
	Class    string  `json:"class"` // "2xx", "3xx", "4xx" without 429, "429", "5xx", "none" for no whole answer
	Requests uint64  `json:"requests"`
	Response Latency `json:"response"` // to 1 %; of "none": until it failed
	Service  Latency `json:"service"`
}

// RouteReport is one route; its latencies hold the requests that are OK.
type RouteReport struct {
	Method       string            `json:"method"`
	Route        string            `json:"route"` // the template: "/products/{id}"
	Requests     uint64            `json:"requests"`
	OK           uint64            `json:"ok"`
	ClientErrors uint64            `json:"client_errors"`
	Errors       uint64            `json:"errors"`
	Throttled    uint64            `json:"throttled"`
	Status       map[string]uint64 `json:"status"`
	Response     Latency           `json:"response"`
	Service      Latency           `json:"service"`
	Classes      []ClassReport     `json:"classes"`
}

// TierReport is what the callers of one tier got.
type TierReport struct {
	Tier        string        `json:"tier"`
	Admitted    uint64        `json:"admitted"`             // answered with anything but 429
	Denied      uint64        `json:"denied"`               // 429
	FirstDenial *float64      `json:"first_denial_seconds"` // since the start, warm-up included; null: none
	Conformance []Conformance `json:"conformance"`          // by policy; empty when the answers advertise none
}

// Conformance compares a limit with what was admitted. It covers the warm-up
// too, for limits do not know of it.
type Conformance struct {
	Policy     string  `json:"policy"`         // its name in RateLimit-Policy; the route where the answers name none
	Limit      uint64  `json:"limit"`          // advertised requests
	Window     float64 `json:"window_seconds"` // advertised; 0: not advertised
	Identities int     `json:"identities"`     // that asked under it
	Denying    int     `json:"identities_denied"`
	Most       uint64  `json:"most_admitted"` // by one identity
	Denied     uint64  `json:"denied"`
	Conforms   *bool   `json:"conforms"`       // null: never reached, or used before the run
	Note       string  `json:"note,omitempty"` // why, in a sentence
}

// CourseResult is the closed loop's result for one endpoint, with the fields of
// the course notes' benchmark: times in milliseconds, the rate in percent, all
// rounded to two places. A nil time is unknown: no answer, or too few of them
// for the percentile.
type CourseResult struct {
	Endpoint string            `json:"endpoint"`
	Total    uint64            `json:"total_requests"`
	Seconds  float64           `json:"total_time"`
	RPS      float64           `json:"rps"`
	Avg      *float64          `json:"avg_response_time"`
	Min      *float64          `json:"min_response_time"`
	Max      *float64          `json:"max_response_time"`
	P95      *float64          `json:"p95_response_time"`
	Errors   uint64            `json:"errors"` // 4xx, 5xx and without a whole answer
	Rate     float64           `json:"error_rate"`
	Status   map[string]uint64 `json:"status_distribution"`
	Kinds    map[string]uint64 `json:"error_kinds"`
	Error    string            `json:"error,omitempty"` // "No successful requests"
}

// SLOResult is one condition of a gate.
type SLOResult struct {
	Expr   string   `json:"expr"`             // as it was given: "p95<200ms"
	Pass   *bool    `json:"pass"`             // null: not enough samples to say
	Value  *float64 `json:"value"`            // seconds, a ratio or requests a second; null: unknown
	Reason string   `json:"reason,omitempty"` // for a null
}
