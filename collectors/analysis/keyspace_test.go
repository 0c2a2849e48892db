package analysis

import (
	"math"
	"testing"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// TestFollowedKeys: a rate that the collector found is taken as it is, with its
// age and method; shares are of all rates in the list.
func TestFollowedKeys(t *testing.T) {
	k := &snapshot.Keys{At: at(100), Cache: []snapshot.CacheKey{
		{Key: safe.New("a:1"), Prefix: safe.New("a:"), Rate: known(30), Method: snapshot.MethodFreq, RateAt: at(97), At: at(97), Node: safe.New("n1")},
		{Key: safe.New("a:2"), Prefix: safe.New("a:"), Rate: known(42), AtLeast: true, Method: snapshot.MethodFreq, RateAt: at(99), At: at(99)},
		{Key: safe.New("b:1"), Bytes: known(100), At: at(100)},
		{Key: safe.New("c:1"), Prefix: safe.New("c:"), Rate: known(48), Method: snapshot.MethodMonitor, RateAt: at(60), At: at(100)},
	}, Groups: []snapshot.KeyGroup{{Prefix: safe.New("a:"), Keys: known(75), At: at(90)}, {Keys: known(25)}}}
	r := New(Options{}).Step(snapshot.Snapshot{At: k.At, Keys: k})
	want := []struct {
		key, method      string
		atLeast          bool
		rate, share, age Value
	}{
		{"c:1", "monitor", false, known(48), known(0.4), known(40)},
		{"a:2", "freq", true, known(42), known(0.35), known(1)},
		{"a:1", "freq", false, known(30), known(0.25), known(3)},
		{"b:1", "", false, unknown, unknown, unknown},
	}
	for i, w := range want {
		h := r.Cache.HotKeys[i]
		if h.Key.String() != w.key || h.Method != w.method || h.AtLeast != w.atLeast {
			t.Errorf("place %d: %+v", i, h)
		}
		check(t, w.key+" rate", h.ReadsPerSecond, w.rate)
		check(t, w.key+" share", h.Share, w.share)
		check(t, w.key+" age", h.RateAge, w.age)
	}
	if n := r.Cache.HotKeys[2].Node.String(); n != "n1" {
		t.Errorf("node %q", n)
	}
	check(t, "reads of a:", r.Cache.Prefixes[0].ReadsPerSecond, known(72))
	check(t, "share of a:", r.Cache.Prefixes[0].Share, known(0.75))
	check(t, "reads of the rest", r.Cache.Prefixes[1].ReadsPerSecond, known(48))
}

// TestKeysThatGrow: of keys without a lifetime the growth in bytes is known
// after a while, and what one minute showed leaves with the next two.
func TestKeysThatGrow(t *testing.T) {
	e := New(Options{})
	step := func(i, bytes float64, noTTL bool) Value {
		k := &snapshot.Keys{At: at(i), Cache: []snapshot.CacheKey{{Key: safe.New("log"), NoTTL: noTTL, Bytes: known(bytes), At: at(i)}}}
		return e.Step(snapshot.Snapshot{At: k.At, Keys: k}).Cache.HotKeys[0].GrowthPerSec
	}
	check(t, "at first", step(0, 1000, true), unknown)
	check(t, "after 15 s", step(15, 1150, true), unknown)
	check(t, "after 30 s", step(30, 1300, true), known(10))
	for i := 45.0; i <= 240; i += 15 {
		step(i, 1300, true)
	}
	check(t, "at rest", step(255, 1300, true), known(0))
	check(t, "trimmed", step(270, 700, true), known(-600.0/90))
	check(t, "with a lifetime", step(285, 700, false), unknown)
	check(t, "again without", step(300, 900, true), unknown)
}

// TestGroupsThatGrow: keys without a lifetime that came between two passes are
// told from what samples differ by chance.
func TestGroupsThatGrow(t *testing.T) {
	group := func(keys, noTTL float64, sampled int) *snapshot.KeyGroup {
		return &snapshot.KeyGroup{Keys: known(keys), NoTTL: known(noTTL), Sampled: sampled, At: at(60)}
	}
	for name, tt := range map[string]struct {
		before, now *snapshot.KeyGroup
		elapsed     float64
		want        Value
	}{
		"all without a lifetime": {group(1000, 1000, 50), group(1600, 1600, 60), 60, known(10)},
		"a real difference":      {group(10000, 1000, 1000), group(20000, 13000, 1000), 60, known(200)},
		"chance":                 {group(10000, 5000, 100), group(10000, 5600, 100), 60, known(0)},
		"none before":            {nil, group(10, 10, 10), 60, unknown},
		"no time between":        {group(10, 10, 10), group(20, 20, 10), 0, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			g := *tt.now
			g.Before, g.BeforeAt = tt.before, g.At.Add(-time.Duration(tt.elapsed*float64(time.Second)))
			k := &snapshot.Keys{At: at(70), Groups: []snapshot.KeyGroup{g}}
			r := New(Options{}).Step(snapshot.Snapshot{At: k.At, Keys: k})
			check(t, "growth", r.Cache.Prefixes[0].NoTTLPerSecond, tt.want)
		})
	}
}

// TestKeySampleSection: cumulative buckets become single ones; the last has no
// bound.
func TestKeySampleSection(t *testing.T) {
	k := &snapshot.Keys{At: at(0), Coverage: known(0.5), Sample: snapshot.KeySample{
		N: 10, Of: 1000, NoTTL: 4,
		Bytes: []snapshot.Bound{{Le: 64, Count: 3}, {Le: 256, Count: 9}, {Le: math.Inf(1), Count: 10}},
	}, Methods: []snapshot.HotMethod{{Method: snapshot.MethodFreq, On: true, Why: safe.New("why")}}}
	c := New(Options{}).Step(snapshot.Snapshot{At: k.At, Keys: k}).Cache
	want := []Count{{UpTo: known(64), N: 3}, {UpTo: known(256), N: 6}, {N: 1}}
	if len(c.Sample.Bytes) != 3 || c.Sample.Bytes[0] != want[0] || c.Sample.Bytes[1] != want[1] || c.Sample.Bytes[2] != want[2] {
		t.Errorf("bytes %v", c.Sample.Bytes)
	}
	if c.Sample.N != 10 || c.Sample.Of != 1000 || c.Sample.NoTTL != 4 || c.Coverage != known(0.5) {
		t.Errorf("sample %+v, coverage %v", c.Sample, c.Coverage)
	}
	if len(c.Methods) != 1 || c.Methods[0].Method != "freq" || !c.Methods[0].On || c.Methods[0].Why.String() != "why" {
		t.Errorf("methods %+v", c.Methods)
	}
}
