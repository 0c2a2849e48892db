package analysis

import (
	"reflect"
	"testing"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// script steps an engine over readings of nodes, one a second, and returns the
// reports.
func script(nodes ...[]snapshot.RedisNode) []*Report {
	e := New(Options{})
	var out []*Report
	for i, list := range nodes {
		r := &snapshot.Redis{At: at(float64(i)), Mode: snapshot.RedisSingle}
		if len(list) > 1 {
			r.Mode = snapshot.RedisCluster
		}
		for _, n := range list {
			n.At = r.At
			r.Nodes = append(r.Nodes, n)
		}
		out = append(out, e.Step(snapshot.Snapshot{Seq: uint64(i), At: r.At, Redis: r}))
	}
	return out
}

func single(n snapshot.RedisNode) []snapshot.RedisNode { return []snapshot.RedisNode{n} }

// TestHealthOfNodes: of two nodes some figures are added up and of some the worst
// counts.
func TestHealthOfNodes(t *testing.T) {
	node := func(name string, f, i float64) snapshot.RedisNode {
		return snapshot.RedisNode{
			Node: safe.New(name), Server: safe.New("redis 7"), RunID: name, Policy: safe.New("allkeys-lfu"),
			Commands: known(100 * f * i), OwnCommands: 10 * f * i, KeyspaceHits: known(30 * f * i), KeyspaceMisses: known(10 * i), OwnHits: 5 * f * i,
			Connections: known(2 * i), RejectedConns: known(i), NetInBytes: known(1000 * i), NetOutBytes: known(2000 * i),
			CPUSeconds: known(f * i / 10), Fragmentation: known(f), RSSBytes: known(5 * f), UsedMemoryBytes: known(4 * f), Clients: known(3),
			MaxClients: known(100), BlockedClients: known(1), Keys: known(50), Expires: known(10 * f), AvgTTLSeconds: known(100 * f),
		}
	}
	var steps [][]snapshot.RedisNode
	for i := range 4 {
		steps = append(steps, []snapshot.RedisNode{node("a", 1, float64(i)), node("b", 3, float64(i))})
	}
	c := script(steps...)[3].Cache
	for name, v := range map[string]struct{ got, want Value }{
		"ops": {c.OpsPerSecond, known(360)}, "own": {c.OwnPerSecond, known(40)}, "hit ratio": {c.HitRatio, known(100.0 / 120)},
		"connects": {c.ConnectsPerSecond, known(4)}, "rejected": {c.RejectedPerSecond, known(2)}, "in": {c.NetInPerSecond, known(2000)},
		"out": {c.NetOutPerSecond, known(4000)}, "cpu": {c.CPURatio, known(0.3)}, "fragmentation": {c.FragmentationRatio, known(3)},
		"rss": {c.RSSBytes, known(20)}, "memory": {c.MemoryBytes, known(16)}, "clients": {c.Clients, known(6)}, "max clients": {c.MaxClients, known(200)},
		"blocked": {c.BlockedClients, known(2)}, "keys": {c.Keys, known(100)}, "expiring": {c.ExpiringKeys, known(40)}, "ttl": {c.AvgTTLSeconds, known(250)},
		"limit": {c.MaxMemoryBytes, unknown}, "slow": {c.SlowPerSecond, unknown},
	} {
		check(t, name, v.got, v.want)
	}
	if c.Mode != "cluster" || c.Server.String() != "redis 7" || c.Policy.String() != "allkeys-lfu" || len(c.Nodes) != 2 {
		t.Fatalf("mode %q, server %q, policy %q, nodes %+v", c.Mode, c.Server, c.Policy, c.Nodes)
	}
	b := c.Nodes[1]
	check(t, "b's ops", b.OpsPerSecond, known(270))
	check(t, "b's hit ratio", b.HitRatio, known(75.0/85))
	check(t, "b's cpu", b.CPURatio, known(0.3))
}

func command(name string, calls, us, failed float64) snapshot.RedisCommand {
	return snapshot.RedisCommand{Name: name, Calls: known(calls), Seconds: known(us / 1e6), Rejected: known(0), Failed: known(failed)}
}

func TestCommandsWithoutOurs(t *testing.T) {
	reading := func(i float64) []snapshot.RedisNode {
		get := command("get", 1000+100*i, 5000+300*i, i)
		get.P50, get.P99 = known(2e-6), known(9e-6)
		return single(snapshot.RedisNode{
			RunID: "x",
			CommandStats: []snapshot.RedisCommand{
				get, command("type", 50*i, 100*i, 0), command("zcard", 20+40*i, 20+40*i, 0), command("flushall", 1, 9e6, 0), command("info", i, 60*i, 0),
			},
			OwnByName: map[string]float64{"type": 50 * i, "zcard": 30 * i, "info": i},
		})
	}
	c := script(reading(0), reading(1), reading(2))[2].Cache
	var names []string
	for _, x := range c.Commands {
		names = append(names, x.Name)
	}
	if want := []string{"get", "zcard", "flushall"}; !reflect.DeepEqual(names, want) {
		t.Fatalf("commands %v, want %v", names, want)
	}
	get, zcard, flushall := c.Commands[0], c.Commands[1], c.Commands[2]
	check(t, "get calls", get.CallsPerSecond, known(100))
	check(t, "get mean", get.Mean, known(3e-6))
	check(t, "get share", get.TimeShare, known(300.0/310))
	check(t, "get failed", get.FailedPerSecond, known(1))
	check(t, "get p50", get.P50, known(2e-6))
	check(t, "get p99", get.P99, known(9e-6))
	check(t, "zcard calls", zcard.CallsPerSecond, known(10))
	check(t, "zcard share", zcard.TimeShare, known(10.0/310))
	check(t, "zcard p50", zcard.P50, unknown)
	check(t, "flushall calls", flushall.CallsPerSecond, known(0))
	check(t, "flushall share", flushall.TimeShare, known(0))
	check(t, "flushall mean", flushall.Mean, unknown)
	if get.LatencyFrom != "start" || zcard.LatencyFrom != "" {
		t.Errorf("latency from %q and %q", get.LatencyFrom, zcard.LatencyFrom)
	}
}

// TestCommandPercentiles: from the window's histogram when it has enough calls,
// else from the start, else only what few calls can tell.
func TestCommandPercentiles(t *testing.T) {
	at := func(calls float64, start Value) []snapshot.RedisNode {
		get := command("get", calls, calls, 0)
		get.P50, get.P99 = start, start
		// 90 % in 1 µs, 8 % in 2, 2 % in 4, above what was there before
		get.Histogram = []snapshot.Bound{{Le: 1e-6, Count: 500 + 0.90*calls}, {Le: 2e-6, Count: 500 + 0.98*calls}, {Le: 4e-6, Count: 600 + calls}}
		return single(snapshot.RedisNode{RunID: "x", CommandStats: []snapshot.RedisCommand{get}})
	}
	without := func(calls float64) []snapshot.RedisNode {
		return single(snapshot.RedisNode{RunID: "x", CommandStats: []snapshot.RedisCommand{command("get", calls, calls, 0)}})
	}
	tests := map[string]struct {
		steps    [][]snapshot.RedisNode
		p50, p99 Value
		from     string
	}{
		"window":               {[][]snapshot.RedisNode{at(0, known(1)), at(1000, known(1))}, known(1e-6 * 500 / 900), known(3e-6), "window"},
		"asked now and then":   {[][]snapshot.RedisNode{at(0, known(1)), without(100), at(1000, known(1)), without(2000)}, known(1e-6 * 500 / 900), known(3e-6), "window"},
		"few calls":            {[][]snapshot.RedisNode{at(0, known(1)), at(50, known(1))}, known(1), known(1), "start"},
		"few, no other figure": {[][]snapshot.RedisNode{at(0, unknown), at(50, unknown)}, known(1e-6 * 25 / 45), unknown, "window"},
		"hardly any":           {[][]snapshot.RedisNode{at(0, unknown), at(2, unknown)}, unknown, unknown, ""},
		"first reading":        {[][]snapshot.RedisNode{at(1000, unknown)}, unknown, unknown, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			reports := script(tt.steps...)
			c := reports[len(reports)-1].Cache.Commands[0]
			check(t, "p50", c.P50, tt.p50)
			check(t, "p99", c.P99, tt.p99)
			if c.LatencyFrom != tt.from {
				t.Errorf("from %q, want %q", c.LatencyFrom, tt.from)
			}
		})
	}
}

// TestHealthAfterResets: neither a restart nor CONFIG RESETSTAT gives a negative
// rate, or one above what ran, or a hit ratio that is off.
func TestHealthAfterResets(t *testing.T) {
	// Others: 100 commands a second, 60 hits, 40 misses; we: 50 of each.
	at := func(id string, run, ever float64) []snapshot.RedisNode {
		return single(snapshot.RedisNode{
			RunID: id, Commands: known(150 * run), KeyspaceHits: known(110 * run), KeyspaceMisses: known(90 * run), NetInBytes: known(10 * run),
			OwnCommands: 50 * ever, OwnHits: 50 * ever, OwnMisses: 50 * ever, CPUSeconds: known(run / 10),
			CommandStats: []snapshot.RedisCommand{command("get", 150*run, 150*run, 0)}, OwnByName: map[string]float64{"get": 50 * ever},
			Errors: []snapshot.RedisError{{Code: safe.New("ERR"), Count: 5 * run}},
		})
	}
	tests := map[string][][]snapshot.RedisNode{
		"none":                       {at("a", 100, 0), at("a", 101, 1), at("a", 102, 2), at("a", 103, 3)},
		"resetstat":                  {at("a", 100, 0), at("a", 101, 1), at("a", 0.5, 2), at("a", 1.5, 3), at("a", 2.5, 4)},
		"restart":                    {at("a", 100, 0), at("a", 101, 1), at("b", 0.5, 1.5), at("b", 1.5, 2.5), at("b", 2.5, 3.5)},
		"restart with higher counts": {at("a", 1, 0), at("a", 2, 1), at("b", 3, 1.5), at("b", 4, 2.5)},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			for i, r := range script(steps...) {
				c := r.Cache
				for what, v := range map[string]struct {
					got  Value
					most float64
				}{
					"ops": {c.OpsPerSecond, 300}, "get": {c.Commands[0].CallsPerSecond, 300}, "errors": {c.Errors[0].PerSecond, 10},
					"own": {c.OwnPerSecond, 50}, "in": {c.NetInPerSecond, 20}, "cpu": {c.CPURatio, 0.2},
				} {
					if i > 0 && (!v.got.OK || v.got.V < 0 || v.got.V > v.most) || i == 0 && v.got.OK {
						t.Errorf("step %d: %s is %+v", i, what, v.got)
					}
				}
				if i > 0 && (!c.HitRatio.OK || c.HitRatio.V < 0.55 || c.HitRatio.V > 0.61) {
					t.Errorf("step %d: hit ratio %+v, want 0.6", i, c.HitRatio)
				}
			}
		})
	}
}

func TestSlowPerSecond(t *testing.T) {
	at := func(v Value) []snapshot.RedisNode { return single(snapshot.RedisNode{SlowlogEntries: v}) }
	tests := map[string]struct {
		steps [][]snapshot.RedisNode
		want  Value
	}{
		"never told":       {[][]snapshot.RedisNode{at(unknown), at(unknown)}, unknown},
		"told once":        {[][]snapshot.RedisNode{at(known(128)), at(unknown)}, unknown},
		"now and then":     {[][]snapshot.RedisNode{at(known(128)), at(unknown), at(known(132)), at(unknown)}, known(2)},
		"told late":        {[][]snapshot.RedisNode{at(unknown), at(known(128)), at(unknown), at(known(129))}, known(0.5)},
		"nothing was slow": {[][]snapshot.RedisNode{at(known(0)), at(known(0))}, known(0)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			reports := script(tt.steps...)
			check(t, "slow", reports[len(reports)-1].Cache.SlowPerSecond, tt.want)
		})
	}
}

func TestErrorsAndSizes(t *testing.T) {
	at := func(i float64) []snapshot.RedisNode {
		n := func(name string, f float64) snapshot.RedisNode {
			return snapshot.RedisNode{
				Node:   safe.New(name),
				Errors: []snapshot.RedisError{{Code: safe.New("WRONGTYPE"), Count: 900}, {Code: safe.New("NOPERM"), Count: f * i}},
				KeySizes: []snapshot.RedisSizes{
					{Type: "zsets", Buckets: []snapshot.Bound{{Le: 1, Count: 2}, {Le: 3, Count: 3}}},
					{Type: "strings", Bytes: true, Buckets: []snapshot.Bound{{Le: f * 3, Count: 4}}},
				},
			}
		}
		return []snapshot.RedisNode{n("a", 1), n("b", 2)}
	}
	c := script(at(0), at(1), at(2))[2].Cache
	if len(c.Errors) != 2 || c.Errors[0].Code.String() != "NOPERM" {
		t.Fatalf("errors %+v", c.Errors)
	}
	check(t, "NOPERM a second", c.Errors[0].PerSecond, known(3))
	check(t, "NOPERM", c.Errors[0].Total, known(6))
	check(t, "WRONGTYPE a second", c.Errors[1].PerSecond, known(0))
	check(t, "WRONGTYPE", c.Errors[1].Total, known(1800))
	want := []KeySizes{
		{Type: "strings", Unit: "bytes", Buckets: []Count{{known(3), 4}, {known(6), 4}}},
		{Type: "zsets", Unit: "elements", Buckets: []Count{{known(1), 4}, {known(3), 2}}},
	}
	if !reflect.DeepEqual(c.KeySizes, want) {
		t.Errorf("sizes %+v, want %+v", c.KeySizes, want)
	}
}

// TestHealthOfNobody: a server that tells nothing has no figures, and no lists.
func TestHealthOfNobody(t *testing.T) {
	for _, r := range script(single(snapshot.RedisNode{}), nil, single(snapshot.RedisNode{})) {
		c := r.Cache
		if c.HitRatio.OK || c.OpsPerSecond.OK || c.Commands != nil || c.KeySizes != nil || c.Nodes != nil || len(c.Errors) != 0 {
			t.Errorf("%+v", c)
		}
	}
}
