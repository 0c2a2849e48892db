package analysis

import (
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Schema names the JSON form of a Report. Fields are only ever added.
const Schema = "apitop.report/1"

// Value is a number that may be unknown; see [snapshot.Value].
type Value = snapshot.Value

// Text is a string from outside, safe to draw; see [safe.Text].
type Text = safe.Text

// Kind groups sources; see [snapshot.Kind].
type Kind = snapshot.Kind

// The kinds of source.
const (
	KindMetrics  = snapshot.KindMetrics
	KindTargets  = snapshot.KindTargets
	KindRedis    = snapshot.KindRedis
	KindPostgres = snapshot.KindPostgres
	KindHost     = snapshot.KindHost
	KindLimits   = snapshot.KindLimits
)

// Report is what the last window says. Its JSON form is the contract of
// "apitop once --format json". Durations are in seconds, ratios 0..1, an unknown
// number is null. A Report never changes once it is handed on.
type Report struct {
	Schema        string    `json:"schema"`
	At            time.Time `json:"at"`
	WindowSeconds Value     `json:"window_seconds"` // of the HTTP figures

	Sources  []Source  `json:"sources"`
	HTTP     *HTTP     `json:"http"` // nil: no metrics source, or no answer yet; so for all sections
	Service  *Service  `json:"service"`
	Cache    *Cache    `json:"cache"`
	Limits   *Limits   `json:"limits"`
	Database *Database `json:"database"`
	Host     *Host     `json:"host"`
	Findings []Finding `json:"findings"` // worst first; never nil
	Self     Self      `json:"self"`

	History []Point        `json:"-"` // one a round, oldest first, an hour at most
	Events  []Event        `json:"-"` // oldest first
	Age     map[Part]Value `json:"-"` // seconds since each part's last reading
	Stale   map[Part]bool  `json:"-"` // the part is older than its rhythm allows
}

// Part names a part of a Report with an age of its own.
type Part string

// The parts, each filled by one kind of reading.
const (
	PartHTTP       Part = "http"
	PartRedis      Part = "redis"
	PartKeys       Part = "keys" // hot keys and limits
	PartStatements Part = "statements"
	PartActivity   Part = "activity"
	PartHost       Part = "host"
)

// State says how a source is doing.
type State string

// The states of a source.
const (
	StateOK      State = "ok"
	StateWaiting State = "waiting" // no answer yet since the start
	StateLate    State = "late"    // the current attempt takes long
	StateFailed  State = "failed"
)

// Source is one polled thing.
type Source struct {
	Name           Text    `json:"name"`
	Kind           Kind    `json:"kind"`
	State          State   `json:"state"`
	Error          *string `json:"error"` // why it failed; null when it did not
	Fix            string  `json:"fix,omitempty"`
	AgeSeconds     Value   `json:"age_seconds"` // since the last success
	TookSeconds    Value   `json:"took_seconds"`
	RetryInSeconds Value   `json:"retry_in_seconds,omitzero"`
	Detail         Facts   `json:"detail"`
	Notes          []Note  `json:"notes,omitempty"`
}

// Note is a limitation that does not fail a source.
type Note struct {
	What Text   `json:"what"`
	Fix  string `json:"fix,omitempty"`
}

// HTTP is what the service says about its requests, all instances together.
type HTTP struct {
	Requests         Value   `json:"requests"` // in the window
	RPS              Value   `json:"rps"`
	ErrorRatio       Value   `json:"error_ratio"`        // 5xx / all
	ClientErrorRatio Value   `json:"client_error_ratio"` // 4xx / all, 429 included
	Throttled        Value   `json:"throttled"`          // 429 in the window
	InFlight         Value   `json:"in_flight"`
	P50              Value   `json:"p50_seconds"`
	P95              Value   `json:"p95_seconds"`
	P99              Value   `json:"p99_seconds"`
	Avg              Value   `json:"avg_seconds"`
	P50Bucket        *Bucket `json:"p50_bucket_seconds"`
	P95Bucket        *Bucket `json:"p95_bucket_seconds"`
	P99Bucket        *Bucket `json:"p99_bucket_seconds"`
	Measured         float64 `json:"measured"` // durations in the window behind the percentiles
	// Status is the requests in the window by status, where another family than
	// the routes' says it, so that no route has any; else nil.
	Status    map[string]float64 `json:"status,omitempty"`
	BoundsCut bool               `json:"bounds_cut,omitempty"`
	AvgBeyond bool               `json:"avg_beyond_buckets,omitempty"`
	// Routes are the rows as the pages name them, most requests first. With more
	// than 100 of them they are the templates, if there are any, and beyond 500
	// the smallest are one row "(other)".
	Routes []Route `json:"routes"`
	// Templates are the routes with ids in their paths taken out, most requests
	// first; nil when no two routes are one that way. Tables show them instead.
	Templates []Route    `json:"templates,omitempty"`
	Instances []Instance `json:"instances,omitempty"` // by name; only with several, or on request
	Restarts  int        `json:"-"`                   // seen since the start
	Targets   []string   `json:"-"`
}

// Instance is one instance of the service: an address, or what a server calls
// one, with all processes behind it.
type Instance struct {
	Name       Text    `json:"name"`
	Up         bool    `json:"up"` // its newest reading is not stale
	Processes  int     `json:"processes"`
	Requests   Value   `json:"requests"`
	RPS        Value   `json:"rps"`
	ErrorRatio Value   `json:"error_ratio"`
	InFlight   Value   `json:"in_flight"`
	P50        Value   `json:"p50_seconds"`
	P50Bucket  *Bucket `json:"p50_bucket_seconds"`
	P95        Value   `json:"p95_seconds"`
	P95Bucket  *Bucket `json:"p95_bucket_seconds"`
	P99        Value   `json:"p99_seconds"`
	P99Bucket  *Bucket `json:"p99_bucket_seconds"`
	Avg        Value   `json:"avg_seconds"`
	Measured   float64 `json:"measured"`
	BoundsCut  bool    `json:"bounds_cut,omitempty"`
	AvgBeyond  bool    `json:"avg_beyond_buckets,omitempty"`
	Routes     []Route `json:"routes,omitempty"` // only on request
}

// Rows are the routes as tables show them.
func (h *HTTP) Rows() []Route {
	if h.Templates != nil {
		return h.Templates
	}
	return h.Routes
}

// Route is one method and path template.
type Route struct {
	Method           Text               `json:"method"`
	Route            Text               `json:"route"` // empty: requests without a route
	Requests         Value              `json:"requests"`
	RPS              Value              `json:"rps"`
	ErrorRatio       Value              `json:"error_ratio"`
	ClientErrorRatio Value              `json:"client_error_ratio"`
	Throttled        Value              `json:"throttled"`
	Status           map[string]float64 `json:"status"` // requests in the window
	P50              Value              `json:"p50_seconds"`
	P50Bucket        *Bucket            `json:"p50_bucket_seconds"`
	P95              Value              `json:"p95_seconds"`
	P95Bucket        *Bucket            `json:"p95_bucket_seconds"`
	P99              Value              `json:"p99_seconds"`
	P99Bucket        *Bucket            `json:"p99_bucket_seconds"`
	Avg              Value              `json:"avg_seconds"`
	TimeShare        Value              `json:"time_share"`        // of all time spent in requests, 0..1
	CallsPerRequest  Value              `json:"calls_per_request"` // database statements; unknown unless the page counts them
	Measured         float64            `json:"measured"`          // durations behind the percentiles
	// BoundsCut: histograms with unlike buckets were added up; only the bounds
	// that they share are left.
	BoundsCut bool `json:"bounds_cut,omitempty"`
	// AvgBeyond: the average lies above the highest finite bucket, so that the
	// percentiles say only "at least".
	AvgBeyond bool      `json:"avg_beyond_buckets,omitempty"`
	Trend     []float32 `json:"-"` // rps a round, oldest first; NaN is a gap

	durations ladder
}

// Distribution is how the durations of the window spread over the histogram's
// buckets, lowest first; nil when none were measured. Native buckets, of which
// there are many, are put together to at most so many rows, 40 if it is 0.
func (r *Route) Distribution(most int) []BucketCount { return r.durations.counts(most) }

// Database is what Postgres is doing.
type Database struct {
	Load           Value       `json:"load"` // average statements running
	CallsPerSecond Value       `json:"calls_per_second"`
	HitRatio       Value       `json:"hit_ratio"` // blocks found in shared buffers
	TPS            Value       `json:"transactions_per_second"`
	RollbackRatio  Value       `json:"rollback_ratio"`
	Deadlocks      Value       `json:"deadlocks"` // in the window
	Connections    Connections `json:"connections"`
	OldestXact     Value       `json:"oldest_transaction_seconds"`
	Statements     []Statement `json:"statements"` // largest share first; null: not read
}

// Connections counts client backends by state.
type Connections struct {
	Used              Value `json:"used"`
	Max               Value `json:"max"`
	Active            Value `json:"active"`
	Idle              Value `json:"idle"`
	IdleInTransaction Value `json:"idle_in_transaction"`
	Blocked           Value `json:"blocked"`
}

// Statement is one normalised statement.
type Statement struct {
	QueryID         string `json:"queryid"`
	Query           Text   `json:"query"`
	CallsPerSecond  Value  `json:"calls_per_second"`
	CallsPerRequest Value  `json:"calls_per_request"` // of the whole service
	Mean            Value  `json:"mean_seconds"`
	Stddev          Value  `json:"stddev_seconds"` // within the window
	Share           Value  `json:"share"`          // of the time of all statements
	RowsPerCall     Value  `json:"rows_per_call"`
	HitRatio        Value  `json:"hit_ratio"`
}

// Host is this machine.
type Host struct {
	CPURatio        Value    `json:"cpu_ratio"` // all cores together
	Cores           int      `json:"cores"`
	Load1           Value    `json:"load1"`
	MemoryUsedBytes Value    `json:"memory_used_bytes"`
	MemoryBytes     Value    `json:"memory_bytes"`
	DiskReadPerSec  Value    `json:"disk_read_bytes_per_second"`
	DiskWritePerSec Value    `json:"disk_write_bytes_per_second"`
	NetRxPerSec     Value    `json:"net_rx_bytes_per_second"`
	NetTxPerSec     Value    `json:"net_tx_bytes_per_second"`
	Process         *Process `json:"process"`
}

// Process is the watched service's process.
type Process struct {
	PID      *int  `json:"pid"` // null: known only from the metrics page
	CPUCores Value `json:"cpu_cores"`
	RSSBytes Value `json:"rss_bytes"`
	OpenFDs  Value `json:"open_fds"`
}

// Self is what apitop itself costs.
type Self struct {
	CPURatio Value `json:"cpu_ratio"` // of one core
	RSSBytes Value `json:"rss_bytes"`
}

// Finding is one diagnosed problem.
type Finding struct {
	Rule     string     `json:"rule"`
	Severity string     `json:"severity"`
	Since    time.Time  `json:"since"`
	Summary  string     `json:"summary"`
	Evidence []Evidence `json:"evidence"`
	CausedBy []string   `json:"caused_by"`
	Verify   string     `json:"verify"`
	Action   string     `json:"action"`
}

// Evidence is a number behind a finding.
type Evidence struct {
	Metric   string `json:"metric"`
	Now      Value  `json:"now"`
	Baseline Value  `json:"baseline"`
	N        Value  `json:"n"`
}

// Point is one round of the history; a source that did not answer leaves its
// values unknown, which a chart draws as a gap.
type Point struct {
	At         time.Time
	RPS        Value
	ErrorRatio Value
	P50        Value
	P95        Value
	P99        Value
	Measured   float64 // durations behind the percentiles
	InFlight   Value
	Throttled  Value // 429 per second
	HitRatio   Value
	RedisOps   Value
	DBLoad     Value
	DBCalls    Value
	CPURatio   Value
}

// Event marks a moment on the charts.
type Event struct {
	At   time.Time
	Kind string // "restart", "reset"
	Text string
}
