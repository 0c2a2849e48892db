package screentest

import (
	"fmt"
	"math"

	"apitop/collectors/analysis"
	"apitop/collectors/safe"
)

// Cache is Calm with all that can be known of a Redis server: keys found in all
// ways, prefixes, commands, a sample and a burst.
func Cache() *analysis.Report { return withCache(Calm(), script{}) }

// CacheStale is the same, seventeen seconds after Redis went away.
func CacheStale() *analysis.Report { return withCache(Stale(), script{}) }

// CacheHostile is the same with texts that attack the terminal.
func CacheHostile() *analysis.Report {
	return withCache(Hostile(), script{text: func(s string) string { return "\x1b]0;x\x07" + s + "\u202e日本\u0301\x9b31m\n" }})
}

// CacheCluster is the same of three masters.
func CacheCluster() *analysis.Report {
	r := Cache()
	c := *r.Cache
	c.Mode = "cluster"
	for i := range 3 {
		c.Nodes = append(c.Nodes, analysis.CacheNode{
			Node: safe.New(fmt.Sprintf("10.0.0.%d:6379", i+1)), Server: safe.New("redis 7.0.15"), OpsPerSecond: known(70 - float64(10*i)),
			HitRatio: known(0.93 - float64(i)/20), MemoryBytes: known(1.1e6), Keys: known(400), Clients: known(9), CPURatio: known(0.02),
		})
	}
	for i := range c.HotKeys {
		c.HotKeys[i].Node = c.Nodes[i%3].Node
	}
	r.Cache = &c
	return r
}

// withCache is r with a section of the cache that has everything.
func withCache(r *analysis.Report, s script) *analysis.Report {
	out, c := *r, *r.Cache
	c.Server, c.Mode, c.Policy = safe.New("redis 8.6.3"), "standalone", safe.New("allkeys-lfu")
	c.HitRatio, c.HitRatioFrom, c.OpsPerSecond = known(0.931), "redis", known(210)
	c.RSSBytes, c.FragmentationRatio, c.CPURatio = known(9.1e6), known(1.31), known(0.021)
	c.BlockedClients, c.MaxClients, c.RejectedPerSecond, c.ConnectsPerSecond = known(0), known(10000), known(0), known(0.4)
	c.NetInPerSecond, c.NetOutPerSecond, c.ExpiringKeys, c.AvgTTLSeconds = known(48e3), known(310e3), known(1120), known(204)
	c.SlowPerSecond, c.OwnPerSecond, c.Coverage = known(0), known(11), known(0.34)
	c.HotKeys = s.hotKeys()
	c.Methods = []analysis.HotMethod{
		{Method: "app", On: true}, {Method: "freq", On: true}, {Method: "idle", Why: s.str("the policy is LFU")},
		{Method: "monitor", Why: s.str("not allowed: --allow-monitor")}, {Method: "hotkeys", Why: s.str("not allowed: --allow-hotkeys")},
	}
	for _, p := range []struct {
		name               string
		keys, bytes, never float64
	}{{"product:", 640, 210e3, 0}, {"rate_limit:", 310, 96e3, 0}, {"session:", 180, 41e3, 12}, {"", 74, 9e3, 4}} {
		c.Prefixes = append(c.Prefixes, analysis.Prefix{
			Prefix: safe.New(p.name), Keys: known(p.keys), Share: known(p.keys / 1204), Bytes: known(p.bytes), NoTTL: known(p.never),
			NoTTLPerSecond: known(p.never / 90), ReadsPerSecond: known(p.keys / 16), Sampled: int(p.keys / 8),
		})
	}
	for i, name := range []string{"get", "evalsha", "set", "zadd", "expire"} {
		n := float64(i + 1)
		c.Commands = append(c.Commands, analysis.RedisCommand{
			Name: name, CallsPerSecond: known(120 / n), TimeShare: known(0.48 / n), Mean: known(4e-6 * n), P50: known(3e-6 * n),
			P99: known(40e-6 * n), LatencyFrom: []string{"window", "start"}[i%2], FailedPerSecond: known(0),
		})
	}
	c.Errors = []analysis.RedisError{{Code: safe.New("WRONGTYPE"), PerSecond: known(0.1), Total: known(41)}, {Code: safe.New("ERR"), PerSecond: known(0), Total: known(3)}}
	c.Sample = &analysis.KeySample{N: 512, Of: 1204, NoTTL: 16, Bytes: counts(64, 8, []float64{60, 212, 180, 44, 12, 3, 1}), TTLs: counts(1, 4, []float64{6, 22, 71, 190, 160, 47})}
	c.KeySizes = []analysis.KeySizes{
		{Type: "strings", Unit: "bytes", Buckets: counts(64, 2, []float64{10, 60, 420, 300, 50, 4})},
		{Type: "zsets", Unit: "elements", Buckets: counts(1, 4, []float64{12, 80, 161, 57})},
	}
	c.Missed = []analysis.MissedKey{{Key: s.str("product:999"), MissesPerSecond: known(2.4)}, {Key: s.str("session:gone"), MissesPerSecond: known(0.2)}}
	c.Burst = &analysis.Burst{
		At: r.At, AgeSeconds: known(12), Span: known(0.0131), Lines: 2000, Cut: "lines", WriteRatio: known(0.17),
		Commands: []analysis.BurstCount{{Name: safe.New("GET"), Count: 1490}, {Name: safe.New("EVALSHA"), Count: 320}, {Name: safe.New("SET"), Count: 190}},
		Clients:  []analysis.BurstCount{{Name: s.str("10.0.0.7"), Count: 1800}, {Name: s.str("10.0.0.8"), Count: 200}},
	}
	out.Cache = &c
	return &out
}

// hotKeys are keys found in several ways, of several kinds.
func (s script) hotKeys() []analysis.HotKey {
	var list []analysis.HotKey
	total := 0.0
	for i := range 24 {
		total += 120 / float64(i+1)
	}
	for i := range 24 {
		rate := 120 / float64(i+1)
		k := analysis.HotKey{
			Key: s.str(fmt.Sprintf("product:%d", i*7+1)), ReadsPerSecond: known(rate), Share: known(rate / total), Method: "app", RateAge: known(1),
			TTLSeconds: known(float64(300 - i*12)), Bytes: known(float64(310 + 17*i)), Type: "string", AgeSeconds: known(1),
		}
		for j := range 60 {
			k.Trend = append(k.Trend, float32(rate*(1+0.3*math.Sin(float64(j)/6))))
		}
		switch i % 6 {
		case 1:
			k.Key, k.Method, k.AtLeast, k.RateAge = s.str(fmt.Sprintf("session:%d", i)), "freq", true, known(4)
		case 3:
			k.Type, k.NoTTL, k.TTLSeconds, k.GrowthPerSec = "zset", true, analysis.Value{}, known(120)
			k.Key = s.str(fmt.Sprintf("categories:%d", i))
			k.Bytes = known(96e3)
		case 4:
			k.Key, k.Method, k.RateAge = s.str(fmt.Sprintf(":1:orders:list:%d", i)), "monitor", known(94)
		case 5:
			k.ReadsPerSecond, k.Share, k.Method, k.RateAge, k.Bytes, k.TTLSeconds, k.Type = analysis.Value{}, analysis.Value{}, "", analysis.Value{}, analysis.Value{}, analysis.Value{}, ""
		}
		list = append(list, k)
	}
	return list
}

// counts are buckets from a first bound on, each so many times the one before,
// the last one without a bound.
func counts(first, factor float64, n []float64) []analysis.Count {
	var list []analysis.Count
	for i, v := range n {
		c := analysis.Count{UpTo: known(first), N: v}
		if i == len(n)-1 {
			c.UpTo = analysis.Value{}
		}
		list = append(list, c)
		first *= factor
	}
	return list
}
