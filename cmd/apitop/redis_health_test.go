package main

import (
	"math"
	"testing"
	"time"

	"apitop/collectors/analysis"
	"apitop/collectors/redisconn"
	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/redisinfo"
	"apitop/collectors/rediskeys"
)

// known traffic: 500 SET, 1,000 GET of which 300 find nothing, 20 of the wrong
// type, 40 keys that expire at once.
const knownTraffic = `
for i = 1, 500 do redis.call('SET', 'k' .. i % 50, string.rep('x', 100)) end
for i = 1, 700 do redis.call('GET', 'k' .. i % 50) end
for i = 1, 300 do redis.call('GET', 'none' .. i) end
for i = 1, 20 do redis.pcall('LPUSH', 'k1', 'x') end
for i = 1, 40 do redis.call('SETEX', 'long' .. i, 3600, 'x') end`

// TestHealthOfKnownTraffic: what the report says of a real server is what was
// sent, whatever apitop itself sends meanwhile.
func TestHealthOfKnownTraffic(t *testing.T) {
	srv := redistest.Start(t, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lfu")
	target, err := redisconn.Parse(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	server := redisconn.OpenServer(target)
	defer server.Close()
	engine := analysis.New(analysis.Options{Window: time.Minute})
	figures, keys := redisinfo.New(server), rediskeys.New(server, rediskeys.Config{Duty: 1})
	stepWith(t, engine, figures)
	for range 3 {
		srv.Do("EVAL", knownTraffic, "0")
		stepWith(t, engine, keys)
		stepWith(t, engine, figures)
	}
	r := stepWith(t, engine, figures)
	c, elapsed := r.Cache, r.WindowSeconds.V
	rows := map[string]analysis.RedisCommand{}
	var shares float64
	for _, x := range c.Commands {
		rows[x.Name] = x
		shares += x.TimeShare.V
	}
	near := func(what string, got analysis.Value, want float64) {
		t.Helper()
		if !got.OK || math.Abs(got.V*elapsed-want) > 0.01*want {
			t.Errorf("%s: %v in all, want %v", what, got.V*elapsed, want)
		}
	}
	near("SET", rows["set"].CallsPerSecond, 1500)
	near("GET", rows["get"].CallsPerSecond, 3000)
	near("LPUSH failed", rows["lpush"].FailedPerSecond, 60)
	near("EVAL", rows["eval"].CallsPerSecond, 3)
	for _, ours := range []string{"info", "scan", "pttl", "memory|usage", "hello", "client|setname", "latency|histogram"} {
		if x, shown := rows[ours]; shown {
			t.Errorf("our own %s is among the commands: %+v", ours, x)
		}
	}
	if math.Abs(shares-1) > 1e-9 || math.Abs(c.HitRatio.V-0.7) > 0.005 {
		t.Errorf("shares sum up to %v, hit ratio %v", shares, c.HitRatio)
	}
	if get := rows["get"]; !get.P50.OK || get.P99.V < get.P50.V || get.Mean.V <= 0 || get.LatencyFrom == "" {
		t.Errorf("GET lasts %+v", get)
	}
	if len(c.Errors) != 1 || c.Errors[0].Code.String() != "WRONGTYPE" || c.Errors[0].Total.V != 60 {
		t.Errorf("errors %+v", c.Errors)
	}
	if c.Keys.V != 90 || c.ExpiringKeys.V != 40 || c.MaxMemoryBytes.V != 100<<20 || !c.OwnPerSecond.OK || c.Policy.String() != "allkeys-lfu" {
		t.Errorf("%v keys, %v of them expire, %v bytes at most, own %v, policy %s", c.Keys, c.ExpiringKeys, c.MaxMemoryBytes, c.OwnPerSecond, c.Policy)
	}
	if !c.CPURatio.OK || c.NetInPerSecond.V <= 0 || c.ConnectsPerSecond.V <= 0 || c.RSSBytes.V <= 0 {
		t.Errorf("cpu %v, in %v, connects %v, rss %v", c.CPURatio, c.NetInPerSecond, c.ConnectsPerSecond, c.RSSBytes)
	}
}
