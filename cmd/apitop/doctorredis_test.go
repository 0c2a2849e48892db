package main

import (
	"bytes"
	"strings"
	"testing"

	"apitop/collectors/analysis"
	"apitop/collectors/redisconn"
	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// redisEvidence is a Redis with a policy, cache keys and limiters, and what its
// user was refused.
func redisEvidence(policy string, k *snapshot.Keys, notes ...snapshot.Note) *evidence {
	node := snapshot.RedisNode{
		Policy: safe.New(policy), ErrorReplies: snapshot.Known(0),
		CommandStats: []snapshot.RedisCommand{{Name: "get", P99: snapshot.Known(1e-6)}},
	}
	s := analysis.Source{Name: safe.New("redis x"), Kind: analysis.KindRedis}
	for _, n := range notes {
		s.Notes = append(s.Notes, analysis.Note{What: n.What, Fix: n.Fix})
	}
	return &evidence{config: &Config{}, sources: []analysis.Source{s}, keys: k, redis: &snapshot.Redis{Mode: snapshot.RedisSingle, Nodes: []snapshot.RedisNode{node}}}
}

func TestRedisPanels(t *testing.T) {
	key := snapshot.CacheKey{Key: safe.New("a"), Bytes: snapshot.Known(5)}
	read := key
	read.Rate = snapshot.Known(3)
	limiter := snapshot.Limiter{Layout: "ulule-limiter", Used: snapshot.Known(3)}
	told := limiter
	told.Limit, told.DeniedTotal = snapshot.Known(5), snapshot.Known(1)
	full := &snapshot.Keys{
		Cache: []snapshot.CacheKey{read}, Limiters: []snapshot.Limiter{told}, Missed: []snapshot.MissedKey{}, Groups: []snapshot.KeyGroup{{}},
		Methods: []snapshot.HotMethod{{Method: snapshot.MethodFreq, On: true}, {Method: snapshot.MethodMonitor, Why: safe.New("not allowed")}},
	}
	keys := func(c snapshot.CacheKey, l snapshot.Limiter) *snapshot.Keys {
		return &snapshot.Keys{Cache: []snapshot.CacheKey{c}, Limiters: []snapshot.Limiter{l}, Missed: full.Missed, Groups: full.Groups}
	}
	noFreq := redisconn.Refusal{Command: "object|freq"}.Note("lost")
	noScan := redisconn.Refusal{Command: "scan", Unknown: true}.Note("lost")
	tests := map[string]struct {
		e     *evidence
		panel string
		fix   string // part of it; "": the panel is not empty
	}{
		"rates":               {redisEvidence("allkeys-lfu", full), "Cache hot keys", ""},
		"a method that is on": {redisEvidence("allkeys-lfu", full), "Cache hot keys by OBJECT FREQ", ""},
		"an opt-in":           {redisEvidence("allkeys-lfu", full), "Cache hot keys by MONITOR", "--allow-monitor"},
		"LFU, at first":       {redisEvidence("allkeys-lfu", keys(key, limiter)), "Cache hot keys", "watch for a minute"},
		"LRU":                 {redisEvidence("volatile-lru", keys(key, limiter)), "Cache hot keys", "maxmemory-policy allkeys-lfu"},
		"no policy":           {redisEvidence("", keys(key, limiter)), "Cache hot keys", "ZINCRBY"},
		"no OBJECT FREQ":      {redisEvidence("allkeys-lfu", keys(key, limiter), noFreq), "Cache hot keys", "ACL SETUSER name +object|freq"},
		"limits are told":     {redisEvidence("allkeys-lfu", full), "Limits limits", ""},
		"limits are not told": {redisEvidence("allkeys-lfu", keys(key, limiter)), "Limits limits", "in the config"},
		"denied is told":      {redisEvidence("allkeys-lfu", full), "Limits denied", ""},
		"denied is not told":  {redisEvidence("allkeys-lfu", keys(key, limiter)), "Limits denied", "429"},
		"sizes":               {redisEvidence("allkeys-lfu", keys(key, limiter)), "Cache sizes", ""},
		"misses are off":      {redisEvidence("", &snapshot.Keys{}), "Cache missed keys", "notify-keyspace-events"},
		"no limiters":         {redisEvidence("", &snapshot.Keys{}), "Limits subjects", "in the config"},
		"latency":             {redisEvidence("", full), "Cache latency", ""},
		"nothing is watched":  {&evidence{config: &Config{}}, "Cache latency", "--redis"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			fix, empty := emptyPanels(judge(tt.e))[tt.panel]
			if empty != (tt.fix != "") || !strings.Contains(fix, tt.fix) {
				t.Errorf("%s: empty %v, fix %q, want %q", tt.panel, empty, fix, tt.fix)
			}
		})
	}
	for _, p := range judge(redisEvidence("", &snapshot.Keys{}, noScan)) {
		if p.Area+" "+p.Panel == "Cache hot keys" && p.Why != "the server has no SCAN: lost" {
			t.Errorf("without SCAN: %+v", p)
		}
	}
}

// TestDoctorNamesRights: what a user of a common kind lacks is listed, each with
// the right that gives it, and the whole line once.
func TestDoctorNamesRights(t *testing.T) {
	srv := redistest.Start(t)
	seedKinds(srv)
	srv.Do("ACL", "SETUSER", "mon", "on", ">S3cr3tPW", "~*", "+@read", "+@connection", "-@dangerous")
	out, errs, code := execute(t, "doctor", "--no-host", "--interval", "200ms", "--redis", "unix://mon:S3cr3tPW@"+srv.Sock)
	if code != exitUnmeasured || bytes.Contains(out, []byte("S3cr3tPW")) {
		t.Errorf("exit %d, %s", code, errs)
	}
	for _, want := range []string{"INFO is not permitted", "→ ACL SETUSER name +info\n", "TIME is not permitted", "→ ACL SETUSER name +time\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if n := strings.Count(string(out), redisconn.ACLRules); n != 1 {
		t.Errorf("all rights are listed %d times\n%s", n, out)
	}
}

// TestRedisTable: the plain report says how Redis is, and who is limited.
func TestRedisTable(t *testing.T) {
	known := func(v float64) analysis.Value { return analysis.Value{V: v, OK: true} }
	blocked := true
	var b bytes.Buffer
	err := writeTable(&b, &analysis.Report{
		Cache: &analysis.Cache{
			Server: safe.New("redis 7.0.15"), Mode: "cluster", Policy: safe.New("allkeys-lfu"), HitRatio: known(0.93), MemoryBytes: known(1 << 20), MaxMemoryBytes: known(64 << 20),
			Nodes:    []analysis.CacheNode{{Node: safe.New("10.0.0.1:7000"), Keys: known(7)}},
			Commands: []analysis.RedisCommand{{Name: "get", CallsPerSecond: known(100), Mean: known(3e-6), P50: known(1e-9), P99: known(2e-3), LatencyFrom: "start"}, {Name: "flushall"}},
			Errors:   []analysis.RedisError{{Code: safe.New("NOPERM"), PerSecond: known(2), Total: known(9)}, {Code: safe.New("ERR"), PerSecond: known(0)}},
			HotKeys:  []analysis.HotKey{{Key: safe.New("a\x1b[2J"), Type: "string", ReadsPerSecond: known(42), AtLeast: true, Method: "freq", NoTTL: true}},
			Prefixes: []analysis.Prefix{{Prefix: safe.New("product:"), Keys: known(200)}, {Keys: known(3)}},
		},
		Limits: &analysis.Limits{
			ThrottledSubjects: 1,
			Subjects:          []analysis.Subject{{Subject: safe.New("user:7"), Used: known(31), Limit: known(30), LimitFrom: "config", Blocked: &blocked}},
			Lint:              []analysis.LimiterLint{{Layout: "tutorial", What: safe.New("It counts seconds."), Fix: "Count requests.", Keys: 1, Example: safe.New("rate_limit:7")}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"cache hit 93%", "redis 7.0.15, cluster memory 1.00M of 64.0M", "allkeys-lfu", "10.0.0.1:7000", "get 100 – 3.00µs <1µs* 2.00ms*", "* since the server's start",
		"NOPERM 2.00 9", "≥ 42.0 freq – none", "product: 200", "(other) 3", "1 throttled", "user:7 – – 31 30 config – – blocked",
		"! tutorial, 1 key, as rate_limit:7: It counts seconds. → Count requests.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
	if strings.Contains(got, "\x1b") || strings.Contains(got, "flushall") || strings.Contains(got, "ERR ") {
		t.Errorf("it has too much\n%s", b.String())
	}
}
