// Package screentest has what the tests of screens share: scripted reports,
// made by the real analysis from scripted snapshots, and golden files.
package screentest

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"apitop/collectors/analysis"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// start is when every scripted run begins.
var start = time.Date(2026, 3, 4, 10, 20, 0, 0, time.UTC)

// Empty is the report before anything was heard.
func Empty() *analysis.Report {
	return analysis.New(analysis.Options{}).Step(snapshot.Snapshot{At: start})
}

// Calm is a service of fifteen routes after four minutes, all sources well.
func Calm() *analysis.Report { return script{}.run(240) }

// Hour is the same service after an hour.
func Hour() *analysis.Report { return script{}.run(3600) }

// Native is the same service with native histograms beside its classic ones.
func Native() *analysis.Report { return script{native: true}.run(240) }

// Stale is the same service, seventeen seconds after Redis went away.
func Stale() *analysis.Report { return script{redisUntil: 223}.run(240) }

// Unconfigured is a run with a metrics page and nothing else.
func Unconfigured() *analysis.Report { return script{onlyMetrics: true}.run(30) }

// Hostile is a service whose every string attacks the terminal.
func Hostile() *analysis.Report {
	return script{text: func(s string) string { return "\x1b]0;x\x07\x1b[2J" + s + "\u202e日本\u0301\u0302\u0303\x9b31m\n" }}.run(30)
}

// script is a scripted service.
type script struct {
	redisUntil  int // second in which Redis goes away; 0: never
	onlyMetrics bool
	throttled   bool                // the limiters are those of [Throttled]
	native      bool                // histograms have exponential buckets too
	text        func(string) string // what outside strings are turned into
}

func (s script) run(seconds int) *analysis.Report {
	e := analysis.New(analysis.Options{})
	var r *analysis.Report
	for i := range seconds {
		r = e.Step(s.snapshot(i))
	}
	return r
}

func (s script) str(t string) safe.Text {
	if s.text != nil {
		t = s.text(t)
	}
	return safe.New(t)
}

func at(i int) time.Time { return start.Add(time.Duration(i) * time.Second) }

func known(v float64) snapshot.Value { return snapshot.Known(v) }

func (s script) snapshot(i int) snapshot.Snapshot {
	snap := snapshot.Snapshot{Seq: uint64(i), At: at(i)}
	add := func(name string, kind snapshot.Kind, r snapshot.Reading) {
		snap.AddTo(r)
		snap.Polls = append(snap.Polls, snapshot.Poll{
			Source: snapshot.Source{Name: s.str(name), Kind: kind}, Started: at(i), Took: 3 * time.Millisecond, Facts: r.Facts(),
		})
	}
	add("metrics localhost:8000", snapshot.KindMetrics, s.page(i))
	if s.onlyMetrics {
		return snap
	}
	if s.redisUntil == 0 || i < s.redisUntil {
		add("redis 127.0.0.1:6379", snapshot.KindRedis, redis(i))
		add("redis 127.0.0.1:6379 keys", snapshot.KindRedis, s.keys(i))
	} else {
		snap.Polls = append(snap.Polls, s.refused(i, ""), s.refused(i, " keys"))
	}
	add("postgres 127.0.0.1:5432/shop", snapshot.KindPostgres, s.activity(i))
	if i%2 == 0 {
		add("postgres 127.0.0.1:5432/shop statements", snapshot.KindPostgres, s.statements(i))
	}
	add("host", snapshot.KindHost, host(i))
	return snap
}

func (s script) refused(i int, part string) snapshot.Poll {
	return snapshot.Poll{
		Source:  snapshot.Source{Name: s.str("redis 127.0.0.1:6379" + part), Kind: snapshot.KindRedis},
		Started: at(i), Took: time.Millisecond, RetryAt: at(i + 4),
		Failure: snapshot.Fail(snapshot.Unreachable, "connection refused", "start the server, or correct --redis"),
	}
}

// route is one scripted route: requests per second and a typical duration.
type route struct {
	method, path string
	rps, seconds float64
	errors       float64 // share of 500
	denied       float64 // share of 429
}

var routes = []route{
	{"GET", "/products/{id}", 21, 0.004, 0, 0},
	{"GET", "/products", 14, 0.012, 0, 0.02},
	{"POST", "/products/search", 8, 0.045, 0.01, 0},
	{"GET", "/categories", 4, 0.002, 0, 0},
	{"GET", "/users/me", 2, 0.006, 0, 0},
	{"POST", "/orders", 1.2, 0.09, 0.08, 0.1},
	{"GET", "/orders/{id}", 0.6, 0.015, 0, 0},
	{"POST", "/auth/login", 0.5, 0.11, 0, 0.4},
	{"GET", "/health", 1, 0.0004, 0, 0},
	{"GET", "", 0.2, 0.001, 0, 0},
}

var bounds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

func (s script) page(i int) *snapshot.HTTP {
	h := &snapshot.HTTP{
		Target: s.str("localhost:8000"), At: at(i), InFlight: known(float64(2 + i%3)),
		StartTime: known(float64(start.Unix())),
		Page:      snapshot.Page{Format: "text", Bytes: 48200, Samples: 812, Dialect: "client_golang"},
	}
	for _, r := range routes {
		t := float64(i)
		n := math.Floor(r.rps * (t + 6*(1-math.Cos(t/20)))) // the rate swings by 30 %
		for status, share := range map[string]float64{"200": 1 - r.errors - r.denied, "500": r.errors, "429": r.denied} {
			if v := math.Floor(n * share); v > 0 {
				h.Requests = append(h.Requests, snapshot.Count{Series: s.series(r, status), Total: v})
			}
		}
		h.Durations = append(h.Durations, s.durations(r, n))
		h.Work = append(h.Work, snapshot.Work{Series: s.series(r, ""), Requests: n, Statements: math.Floor(n * r.seconds * 100)})
	}
	h.Service = s.service(float64(i))
	return h
}

func (s script) series(r route, status string) *snapshot.Series {
	path := r.path
	if path != "" {
		path = s.str(path).Raw()
	}
	return &snapshot.Series{ID: r.method + r.path + status, Method: safe.New(r.method), Route: safe.New(path), Status: safe.New(status)}
}

// durations spreads n requests log-normally around the route's duration.
func (s script) durations(r route, n float64) snapshot.Histogram {
	cum := make([]float64, len(bounds)+1)
	for i, b := range bounds {
		cum[i] = math.Floor(n * (1 + math.Erf(math.Log(b/r.seconds)/0.9)) / 2)
	}
	cum[len(bounds)] = n
	h := snapshot.Histogram{Series: s.series(r, ""), Bounds: bounds, Cumulative: cum, Count: n, Sum: n * r.seconds * 1.2}
	if s.native {
		h.Native = exponential(r.seconds, n)
	}
	return h
}

// exponential is the same spread over buckets 9 % wide, in fractions of requests:
// in whole ones, buckets would fall now and then.
func exponential(seconds, n float64) *snapshot.Native {
	out := &snapshot.Native{Schema: 3, PerSecond: 1, ZeroThreshold: 0x1p-128}
	below := 0.0
	for i := int32(-88); i <= 24; i++ {
		upTo := n * (1 + math.Erf((float64(i)/8*math.Ln2-math.Log(seconds))/0.9)) / 2
		if i == 24 {
			upTo = n
		}
		if upTo-below > n/1e4 {
			out.Positive = append(out.Positive, snapshot.Sparse{Index: i, Count: upTo - below})
			below = upTo
		}
	}
	return out
}

func redis(i int) *snapshot.Redis {
	n := float64(i)
	return &snapshot.Redis{At: at(i), Mode: snapshot.RedisSingle, Nodes: []snapshot.RedisNode{{
		At: at(i), Server: safe.New("redis 7.0.15"), RunID: "r", Role: "master", Policy: safe.New("allkeys-lfu"),
		Commands: known(210 * n), KeyspaceHits: known(40*n + 500), KeyspaceMisses: known(3 * n),
		EvictedKeys: known(0), ExpiredKeys: known(n / 4), ErrorReplies: known(0),
		UsedMemoryBytes: known(3.4e6), MaxMemoryBytes: known(64 << 20), Clients: known(9), Keys: known(1204),
	}}}
}

func (s script) keys(i int) *snapshot.Keys {
	k := &snapshot.Keys{At: at(i), Coverage: known(1)}
	for j := range 12 {
		k.Cache = append(k.Cache, snapshot.CacheKey{
			Key: s.str(fmt.Sprintf("product:%d", j*7+1)), Type: "string", Method: "app", At: at(i),
			TTLSeconds: known(float64(300 - (i+j*20)%300)), Bytes: known(float64(310 + 17*j)),
			Reads: known(math.Floor(float64(i) * 12 / float64(j+1))),
		})
	}
	if s.throttled {
		s.limits(k, i)
		return k
	}
	for j, l := range []struct {
		who, tier, endpoint string
		used, limit         float64
	}{
		{"guest-17", "guest", "/auth/login", 10, 10},
		{"guest-17", "guest", "default", 100, 100},
		{"user:42", "basic", "/orders", 144, 150},
		{"user:7", "premium", "/products/search", 310, 1000},
		{"user:1", "admin", "default", 1200, 10000},
	} {
		denied := 0.0
		if l.used >= l.limit {
			denied = float64(i)
		}
		k.Limiters = append(k.Limiters, snapshot.Limiter{
			Key: safe.New(strconv.Itoa(j)), Subject: s.str(l.who), Tier: s.str(l.tier), Endpoint: s.str(l.endpoint),
			Layout: "apitop-demo", Algorithm: "sliding-log", Used: known(l.used), Limit: known(l.limit), LimitFrom: "neighbour",
			WindowSeconds: known(3600), ResetsSeconds: known(2400 - float64(i)), DeniedTotal: known(denied),
			RequestedTotal: known(denied + l.used + float64(i)/2), At: at(i),
		})
	}
	return k
}

func (s script) activity(i int) *snapshot.Activity {
	return &snapshot.Activity{
		At: at(i), StartedAt: start, Server: safe.New("PostgreSQL 15.18"), Database: s.str("shop"),
		Connections: snapshot.Connections{Used: known(12), Max: known(97), Active: known(2), Idle: known(10), IdleInTransaction: known(0), Blocked: known(0)},
		BlocksHit:   known(9000 * float64(i)), BlocksRead: known(12 * float64(i)), Commits: known(40 * float64(i)), Rollbacks: known(float64(i) / 10),
	}
}

func (s script) statements(i int) *snapshot.Statements {
	st := &snapshot.Statements{At: at(i), StartedAt: start, ResetAt: start, Max: known(5000), IOTiming: true}
	for j, q := range []struct {
		text          string
		calls, millis float64
	}{
		{"select id, sku, name, price_cents, stock, category from products where name ilike $1 order by id limit $2", 8, 21},
		{"select id, sku, name, price_cents, stock, category from products where id = $1", 3, 0.4},
		{"insert into orders (user_id, total_cents) values ($1, $2) returning id", 1.2, 2.5},
		{"select id, name from categories order by name", 0.5, 0.6},
	} {
		n := math.Floor(q.calls * float64(i))
		st.Rows = append(st.Rows, snapshot.Statement{
			Key: snapshot.StatementKey{QueryID: int64(1000 + j), TopLevel: true}, Query: s.str(q.text),
			Calls: n, ExecSeconds: n * q.millis / 1000, StddevSeconds: q.millis / 3000, Rows: n * 3, BlocksHit: n * 20, BlocksRead: n / 50,
		})
	}
	return st
}

func host(i int) *snapshot.Host {
	n := float64(i)
	return &snapshot.Host{
		At: at(i), Hostname: safe.New("build"), Cores: 2,
		CPUBusySeconds: known(0.6*n + 3*math.Sin(n/30)), CPUTotalSeconds: known(2 * n), Load1: known(0.9),
		MemTotalBytes: known(8 << 30), MemUsedBytes: known(2.1 * (1 << 30)),
		DiskReadBytes: known(1200 * n), DiskWriteBytes: known(340000 * n), NetRxBytes: known(90000 * n), NetTxBytes: known(120000 * n),
		Process: &snapshot.Process{PID: 4711, Name: safe.New("demoapi"), CPUSeconds: known(0.04 * n), RSSBytes: known(31 << 20)},
		Self:    &snapshot.Process{PID: 4712, CPUSeconds: known(0.006 * n), RSSBytes: known(21 << 20)},
	}
}
