package analysis

import (
	"fmt"
	"math"
	"testing"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// oneNode is the reading of a single server.
func oneNode(n snapshot.RedisNode) *snapshot.Redis {
	return &snapshot.Redis{At: n.At, Mode: snapshot.RedisSingle, Nodes: []snapshot.RedisNode{n}}
}

func TestHitRatioLeavesOutOwnReads(t *testing.T) {
	e := New(Options{})
	redis := func(i int, hits, misses, ownHits, ownMisses float64) *Report {
		return e.Step(snapshot.Snapshot{At: at(float64(i)), Redis: oneNode(snapshot.RedisNode{
			At: at(float64(i)), RunID: "x", KeyspaceHits: known(hits), KeyspaceMisses: known(misses),
			OwnHits: ownHits, OwnMisses: ownMisses, OwnCommands: ownHits + ownMisses, Commands: known(hits + misses),
		})})
	}
	redis(0, 1000, 1000, 0, 0)
	r := redis(1, 1000+30+970, 1000+10+20, 970, 20)
	check(t, "hit ratio", r.Cache.HitRatio, known(0.75))
	check(t, "ops without our own", r.Cache.OpsPerSecond, known(40))
	r = redis(2, 1000+30+970, 1000+10+20, 970, 20)
	check(t, "idle second keeps the window's ratio", r.Cache.HitRatio, known(0.75))
}

func TestRedisRestartIsMarked(t *testing.T) {
	e := New(Options{})
	var r *Report
	for i, id := range []string{"a", "a", "b"} {
		r = e.Step(snapshot.Snapshot{At: at(float64(i)), Redis: oneNode(snapshot.RedisNode{At: at(float64(i)), RunID: id, Commands: known(10)})})
	}
	if len(r.Events) != 1 || r.Events[0].Text != "redis restarted" {
		t.Errorf("events = %+v", r.Events)
	}
	check(t, "ops", r.Cache.OpsPerSecond, known(5)) // 10 since the restart, in 2 s
}

func TestHotKeys(t *testing.T) {
	e := New(Options{})
	keys := func(i int, reads map[string]float64) *Report {
		k := &snapshot.Keys{At: at(float64(i))}
		for name, n := range reads {
			k.Cache = append(k.Cache, snapshot.CacheKey{Key: safe.New(name), Reads: known(n), Method: "app", At: k.At})
		}
		return e.Step(snapshot.Snapshot{At: k.At, Keys: k})
	}
	keys(0, map[string]float64{"hot": 1000, "warm": 50, "decayed": 90})
	r := keys(2, map[string]float64{"hot": 1200, "warm": 60, "decayed": 45, "entered": 700})
	want := map[string]Value{"hot": known(100), "warm": known(5), "decayed": unknown, "entered": unknown}
	for _, k := range r.Cache.HotKeys {
		check(t, k.Key.String(), k.ReadsPerSecond, want[k.Key.String()])
	}
	if first := r.Cache.HotKeys[0].Key.String(); first != "hot" {
		t.Errorf("hottest = %q", first)
	}
}

func TestSubjects(t *testing.T) {
	e := New(Options{})
	lim := func(user string, used, denied, requested float64) snapshot.Limiter {
		return snapshot.Limiter{
			Key: safe.New("rate_limit:" + user), Subject: safe.New("user:" + user), Used: known(used), Limit: known(10),
			WindowSeconds: known(3600), DeniedTotal: known(denied), RequestedTotal: known(requested),
		}
	}
	step := func(i int, ls ...snapshot.Limiter) *Report {
		return e.Step(snapshot.Snapshot{At: at(float64(i)), Keys: &snapshot.Keys{At: at(float64(i)), Limiters: ls}})
	}
	noLimit := snapshot.Limiter{Key: safe.New("k"), Subject: safe.New("unknown"), Used: known(3)}
	step(0, lim("1", 10, 5, 20), lim("2", 4, 0, 10), noLimit)
	r := step(2, lim("1", 10, 9, 24), lim("2", 6, 0, 12), noLimit)
	if r.Limits.ThrottledSubjects != 1 || len(r.Limits.Subjects) != 3 {
		t.Fatalf("limits = %+v", r.Limits)
	}
	first, second, last := r.Limits.Subjects[0], r.Limits.Subjects[1], r.Limits.Subjects[2]
	if !first.IsBlocked() || second.IsBlocked() || last.Blocked != nil {
		t.Errorf("blocked = %v, %v, %v", first.Blocked, second.Blocked, last.Blocked)
	}
	check(t, "denied/s", first.DeniedPerSecond, known(2))
	check(t, "last denied", first.LastDeniedSeconds, known(0))
	check(t, "remaining", second.Remaining, known(4))
	check(t, "time to limit at 1/s", second.TimeToLimit, known(4))
	check(t, "remaining without a limit", last.Remaining, unknown)
}

// statements is a reading with one row of id 1.
func statements(i, calls, seconds, stddev float64) *snapshot.Statements {
	return &snapshot.Statements{At: at(i), ResetAt: t0, Rows: []snapshot.Statement{{
		Key: snapshot.StatementKey{QueryID: 1, TopLevel: true}, Query: safe.New("select 1"),
		Calls: calls, ExecSeconds: seconds, StddevSeconds: stddev, Rows: calls * 2, BlocksHit: calls * 9, BlocksRead: calls,
	}}}
}

func TestStatements(t *testing.T) {
	e := New(Options{})
	step := func(s *snapshot.Statements) *Report {
		p := page{counts: get("200", s.At.Sub(t0).Seconds()*10), at: s.At}
		return e.Step(snapshot.Snapshot{At: s.At, HTTP: []*snapshot.HTTP{p.reading()}, Statements: s})
	}
	step(statements(0, 100, 1, 0))
	r := step(statements(2, 140, 3, 0.01))
	st := r.Database.Statements[0]
	check(t, "calls/s", st.CallsPerSecond, known(20))
	check(t, "calls per request", st.CallsPerRequest, known(2))
	check(t, "mean", st.Mean, known(0.05))
	check(t, "share", st.Share, known(1))
	check(t, "rows per call", st.RowsPerCall, known(2))
	check(t, "hit ratio", st.HitRatio, known(0.9))
	check(t, "load", r.Database.Load, known(1))

	reset := statements(4, 3, 0.3, 0)
	reset.ResetAt = t0.Add(3 * time.Second)
	r = step(reset)
	check(t, "calls/s over a reset", r.Database.Statements[0].CallsPerSecond, known(43.0/4))
	if len(r.Events) != 1 || r.Events[0].Kind != "reset" {
		t.Errorf("events = %+v", r.Events)
	}
}

// TestIntervalStddev: the spread of a window out of cumulative columns must be
// that of the calls in the window.
func TestIntervalStddev(t *testing.T) {
	var all []float64
	cumulative := func(i float64) *snapshot.Statements {
		n, sum := float64(len(all)), 0.0
		for _, x := range all {
			sum += x
		}
		sq := 0.0
		for _, x := range all {
			sq += (x - sum/n) * (x - sum/n)
		}
		return statements(i, n, sum, math.Sqrt(sq/n))
	}
	for i := range 50 {
		all = append(all, 0.1+0.01*float64(i%5))
	}
	e := New(Options{})
	first := cumulative(0)
	e.Step(snapshot.Snapshot{At: first.At, Statements: first})
	all = append(all, 0.2, 0.4, 0.6)
	second := cumulative(1)
	r := e.Step(snapshot.Snapshot{At: second.At, Statements: second})
	if sd := r.Database.Statements[0].Stddev; math.Abs(sd.V-math.Sqrt(0.08/3)) > 1e-9 {
		t.Errorf("stddev = %v, want %v", sd, math.Sqrt(0.08/3))
	}
}

func TestStatementsEdgeCases(t *testing.T) {
	tests := map[string]struct {
		change func(*snapshot.Statement)
		rows   int
		calls  Value // per second of the whole database
	}{
		"plain":              {change: func(*snapshot.Statement) {}, rows: 1, calls: known(10)},
		"own":                {change: func(s *snapshot.Statement) { s.Own = true }, rows: 0, calls: unknown},
		"nested":             {change: func(s *snapshot.Statement) { s.Key.TopLevel = false }, rows: 0, calls: unknown},
		"utility counts":     {change: func(s *snapshot.Statement) { s.Utility = true }, rows: 0, calls: known(10)},
		"re-entered by time": {change: func(s *snapshot.Statement) { s.Since = time.Unix(int64(s.Calls), 0) }, rows: 1, calls: known(110)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := New(Options{})
			var r *Report
			for i, calls := range []float64{100, 110} {
				s := statements(float64(i), calls, calls/100, 0)
				tt.change(&s.Rows[0])
				r = e.Step(snapshot.Snapshot{At: s.At, Statements: s})
			}
			if len(r.Database.Statements) != tt.rows {
				t.Errorf("%d rows, want %d", len(r.Database.Statements), tt.rows)
			}
			if tt.calls.OK {
				check(t, "calls/s", r.Database.CallsPerSecond, tt.calls)
			}
		})
	}
}

func TestHost(t *testing.T) {
	e := New(Options{})
	step := func(i int, pid int, busy, proc float64) *Report {
		return e.Step(snapshot.Snapshot{At: at(float64(i)), Host: &snapshot.Host{
			At: at(float64(i)), Cores: 2, CPUBusySeconds: known(busy), CPUTotalSeconds: known(float64(2 * i)),
			Process: &snapshot.Process{PID: pid, CPUSeconds: known(proc)},
			Self:    &snapshot.Process{CPUSeconds: known(float64(i) / 100)},
		}})
	}
	step(1, 7, 0, 50)
	r := step(2, 7, 0.5, 50.25)
	check(t, "cpu", r.Host.CPURatio, known(0.25))
	check(t, "process", r.Host.Process.CPUCores, known(0.25))
	check(t, "self", r.Self.CPURatio, known(0.01))
	check(t, "disk", r.Host.DiskReadPerSec, unknown)
	r = step(3, 8, 1, 0.1) // another process
	check(t, "new process", r.Host.Process.CPUCores, known(0.35/2))
}

func TestSourceStates(t *testing.T) {
	e := New(Options{})
	src := snapshot.Source{Name: safe.New("redis x"), Kind: snapshot.KindRedis}
	step := func(i int, p snapshot.Poll) Source {
		p.Source, p.Started = src, at(float64(i))
		return e.Step(snapshot.Snapshot{At: at(float64(i)), Polls: []snapshot.Poll{p}}).Sources[0]
	}
	if s := step(0, snapshot.Poll{Pending: true}); s.State != StateWaiting || s.AgeSeconds.OK {
		t.Errorf("before the first answer: %+v", s)
	}
	if s := step(1, snapshot.Poll{Took: time.Millisecond, Facts: []snapshot.Fact{{Name: "server", Value: "redis 7"}}}); s.State != StateOK {
		t.Errorf("after an answer: %+v", s)
	}
	if s := step(2, snapshot.Poll{Pending: true}); s.State != StateLate {
		t.Errorf("a slow answer: %+v", s)
	}
	s := step(5, snapshot.Poll{Failure: snapshot.Fail(snapshot.Unreachable, "connection refused", "start it"), RetryAt: at(7)})
	if s.State != StateFailed || s.Error == nil || *s.Error != "connection refused" || s.Fix != "start it" {
		t.Errorf("a failure: %+v", s)
	}
	check(t, "retry", s.RetryInSeconds, known(2))
	check(t, "age", s.AgeSeconds, known(5-1.001))
	if s.Detail.Get("server") != "redis 7" {
		t.Errorf("facts of the last success are gone: %+v", s.Detail)
	}
}

func TestStaleKnowsTheRhythm(t *testing.T) {
	tests := map[string]struct {
		every, missing float64
		want           bool
	}{
		"each second, 2 s ago": {1, 2, false},
		"each second, 3 s ago": {1, 3, true},
		"each 5 s, 9 s ago":    {5, 9, false},
		"each 5 s, 14 s ago":   {5, 14, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := newParts(time.Second)
			for i := range 3 {
				p.step(snapshot.Snapshot{At: at(float64(i) * tt.every), Host: &snapshot.Host{}})
			}
			if got := p.stale(at(2*tt.every + tt.missing))[PartHost]; got != tt.want {
				t.Errorf("stale = %v", got)
			}
		})
	}
}

func ExampleFacts_Get() {
	f := Facts{{Name: "samples", Value: 812}, {Name: "max", Value: Value{}}}
	fmt.Printf("%s %q\n", f.Get("samples"), f.Get("max"))
	// Output: 812 ""
}

// TestStatementsPerRequest: a route's database statements over its requests, as
// the service counts them.
func TestStatementsPerRequest(t *testing.T) {
	step := func(e *Engine, i, requests, calls float64) Value {
		h := page{counts: get("200", requests), at: at(i)}.reading()
		h.Work = []snapshot.Work{{Series: series("GET", "/a", ""), Requests: requests, Statements: calls}}
		return e.Step(snapshot.Snapshot{At: at(i), HTTP: []*snapshot.HTTP{h}}).HTTP.Routes[0].CallsPerRequest
	}
	e := New(Options{})
	check(t, "first page", step(e, 0, 100, 100), unknown)
	check(t, "n plus one", step(e, 2, 110, 310), known(21))
	check(t, "first page of another run", step(New(Options{}), 0, 110, 310), unknown)
	check(t, "after a restart", step(e, 4, 5, 10), known((210.0+10)/15))
}

// TestHitRatioFrom: the service's own count of its cache beats the server's,
// which holds the lookups of all its users.
func TestHitRatioFrom(t *testing.T) {
	server := func(i, hits, misses float64) *snapshot.Redis {
		return oneNode(snapshot.RedisNode{At: at(i), RunID: "r", KeyspaceHits: known(hits), KeyspaceMisses: known(misses)})
	}
	app := func(i, hits, misses float64) []*snapshot.HTTP {
		h := page{counts: get("200", i), at: at(i)}.reading()
		h.Service.Caches = []snapshot.CacheUse{{Hits: known(hits), Misses: known(misses)}, {Kind: "redis_exporter", Server: true, Hits: known(7 * i), Misses: known(0)}}
		return []*snapshot.HTTP{h}
	}
	tests := map[string]struct {
		steps [2]snapshot.Snapshot
		want  Value
		from  string
	}{
		"both":        {[2]snapshot.Snapshot{{HTTP: app(0, 0, 0), Redis: server(0, 0, 0)}, {HTTP: app(2, 9, 1), Redis: server(2, 10, 30)}}, known(0.9), "metrics"},
		"server only": {[2]snapshot.Snapshot{{Redis: server(0, 0, 0)}, {Redis: server(2, 10, 30)}}, known(0.25), "redis"},
		"app only":    {[2]snapshot.Snapshot{{HTTP: app(0, 0, 0)}, {HTTP: app(2, 1, 1)}}, known(0.5), "metrics"},
		"app idle":    {[2]snapshot.Snapshot{{HTTP: app(0, 5, 5), Redis: server(0, 0, 0)}, {HTTP: app(2, 5, 5), Redis: server(2, 10, 30)}}, unknown, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := New(Options{})
			var r *Report
			for i, s := range tt.steps {
				s.At = at(float64(2 * i))
				r = e.Step(s)
			}
			check(t, "hit ratio", r.Cache.HitRatio, tt.want)
			if r.Cache.HitRatioFrom != tt.from {
				t.Errorf("from %q, want %q", r.Cache.HitRatioFrom, tt.from)
			}
		})
	}
}
