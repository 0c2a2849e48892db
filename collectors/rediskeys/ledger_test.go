package rediskeys

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"apitop/collectors/ratelimit"
	"apitop/collectors/redislive"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// heardFrom is a burst of half a second.
func heardFrom(at time.Time, lines int, keys ...redislive.KeyCount) *redislive.Sample {
	s := &redislive.Sample{At: at, Span: time.Second / 2, Lines: lines, Keys: keys}
	for _, k := range keys {
		s.Reads, s.Writes = s.Reads+k.Reads, s.Writes+k.Writes
	}
	return s
}

// TestLedger: counts and seconds add up and fade alike, so that an even rate
// stays and a key that is not read any more cools.
func TestLedger(t *testing.T) {
	l := newLedger()
	now := time.Now()
	if r, _ := l.rate("a", now); r.OK || l.most("a", now).OK {
		t.Error("something is known before the first burst")
	}
	l.add(heardFrom(now, 1500, redislive.KeyCount{Key: "even", Reads: 20}, redislive.KeyCount{Key: "once", Reads: 40}, redislive.KeyCount{Key: "rare", Reads: 1, Writes: 5}))
	if l.most("never", now).OK {
		t.Error("1,500 lines say what a key is used at most")
	}
	for i := 1; i <= 6; i++ {
		now = now.Add(20 * time.Second)
		l.add(heardFrom(now, 1500, redislive.KeyCount{Key: "even", Reads: 20}, redislive.KeyCount{Key: "rare", Reads: 1, Writes: 5}))
	}
	if r, sure := l.rate("even", now); math.Abs(r.V-40) > 1e-9 || !sure {
		t.Errorf("20 reads in each half second are %v, sure: %v", r, sure)
	}
	if r, sure := l.rate("rare", now); math.Abs(r.V-2) > 1e-9 || sure {
		t.Errorf("one read in each half second is %v, sure: %v", r, sure)
	}
	if r, _ := l.rate("once", now); r.V < 2 || r.V > 8 { // a quarter of 40 is left, of 3 s and more
		t.Errorf("40 reads two minutes ago are %v", r)
	}
	never, rare := l.most("never", now), l.most("rare", now)
	if !never.OK || never.V > 2 || rare.V < 12 || rare.V > 22 {
		t.Errorf("at most %v where nothing was heard, %v where 12 a second were", never, rare)
	}
	if r, _ := l.rate("even", now.Add(heardFor)); r.OK || l.most("even", now.Add(heardFor)).OK {
		t.Error("old bursts count")
	}
}

// TestLedgerBounded: with far more keys than places those that are used most keep
// theirs, and no count is more than was heard.
func TestLedgerBounded(t *testing.T) {
	l, rng := newLedger(), rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(rng, 1.1, 1, 99_999)
	now, truth := time.Now(), map[string]int{}
	for range 12 {
		now = now.Add(time.Millisecond) // nothing fades
		counts := map[string]int{}
		for range 2000 {
			counts[strconv.FormatUint(zipf.Uint64(), 10)]++
		}
		var keys []redislive.KeyCount
		for key, n := range counts {
			truth[key] += n
			keys = append(keys, redislive.KeyCount{Key: key, Reads: n})
		}
		l.add(heardFrom(now, 2000, keys...))
	}
	if len(l.keys) > mostEntries {
		t.Errorf("%d keys", len(l.keys))
	}
	for key, e := range l.keys {
		if e.reads > float64(truth[key])+0.01 {
			t.Errorf("%s has %v of %d", key, e.reads, truth[key])
		}
	}
	for rank := range 16 {
		key := strconv.Itoa(rank)
		if e := l.keys[key]; e == nil || e.reads < 0.99*float64(truth[key]) {
			t.Errorf("%s: %+v of %d", key, e, truth[key])
		}
	}
}

// TestBestRate: of what others heard and our own estimate the better one counts,
// and no estimate is above what was heard at most.
func TestBestRate(t *testing.T) {
	now := time.Now()
	read := func(method snapshot.Method) (*cacheKeys, *cacheKey) {
		c := newCacheKeys()
		c.how = gauge{method: method, lfu: defaultLFU()}
		k := c.add("k")
		clock := 1000.0
		for i := range 10 {
			c.how.take(&k.meter, float64(200+2*i), clock) // about 800 a second
			clock += 5
		}
		if method == snapshot.MethodIdle {
			k.meter = meter{}
			for i := range 10 {
				c.how.take(&k.meter, 0, clock+5*float64(i))
			}
		}
		return &c, k
	}
	tests := map[string]struct {
		method snapshot.Method
		heard  heard
		ledger bool // much was heard, and nothing of the key
		from   snapshot.Method
		low    float64
		high   float64
	}{
		"counter":                  {method: snapshot.MethodFreq, from: snapshot.MethodFreq, low: 300, high: 2000},
		"a few reads heard":        {method: snapshot.MethodFreq, heard: heard{9, now, false}, from: snapshot.MethodFreq, low: 300, high: 2000},
		"many":                     {method: snapshot.MethodFreq, heard: heard{700, now, true}, from: snapshot.MethodMonitor, low: 700, high: 700},
		"long ago":                 {method: snapshot.MethodFreq, heard: heard{700, now.Add(-heardFor), true}, from: snapshot.MethodFreq, low: 300, high: 2000},
		"never heard":              {method: snapshot.MethodFreq, ledger: true, from: snapshot.MethodFreq, low: 6, high: 6},
		"idle time":                {method: snapshot.MethodIdle, from: snapshot.MethodIdle, low: 1, high: 1},
		"idle time, a few reads":   {method: snapshot.MethodIdle, heard: heard{9, now, false}, from: snapshot.MethodMonitor, low: 9, high: 9},
		"nothing, but a few reads": {heard: heard{9, now, false}, from: snapshot.MethodMonitor, low: 9, high: 9},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, k := read(tt.method)
			k.heard = tt.heard
			if tt.ledger {
				c.ledger.add(heardFrom(now, 2000, redislive.KeyCount{Key: "other", Reads: 2000}))
			}
			r := c.rateOf(k, now)
			if !r.Rate.OK || r.Rate.V < tt.low || r.Rate.V > tt.high || r.Method != tt.from {
				t.Errorf("%v by %s at least: %v", r.Rate, r.Method, r.AtLeast)
			}
		})
	}
}

// TestScripts: what scripts told is of a series of keys; when all of a kind agree
// it is of the others, too.
func TestScripts(t *testing.T) {
	s := newScripted()
	layouts := ratelimit.Layouts()
	learned := func(limit float64, keys ...string) (list []redislive.Learned) {
		for _, key := range keys {
			list = append(list, redislive.Learned{Key: key, Args: []float64{limit, limit, 60, 1}})
		}
		return list
	}
	limitOf := func(key string) float64 {
		return s.quota(&snapshot.Limiter{Layout: "redis_rate", Key: safe.New(key)}).Limit
	}
	s.learn(layouts, append(learned(10, "rate:1", "rate:2", "cache:1"), redislive.Learned{Key: "rate:9", Args: []float64{1, math.NaN()}}))
	if limitOf("rate:1") != 10 || limitOf("rate:7") != 0 || limitOf("rate:9") != 0 {
		t.Errorf("two keys: %v, another one %v", limitOf("rate:1"), limitOf("rate:7"))
	}
	s.learn(layouts, learned(10, "rate:1", "rate:2", "rate:3"))
	if limitOf("rate:7") != 10 {
		t.Errorf("three keys agree, another one has %v", limitOf("rate:7"))
	}
	s.learn(layouts, learned(50, "rate:4"))
	if limitOf("rate:4") != 50 || limitOf("rate:1") != 10 || limitOf("rate:7") != 0 {
		t.Errorf("they do not agree any more: %v", limitOf("rate:7"))
	}
	for i := range 2 * mostScripted {
		s.learn(layouts, learned(5, fmt.Sprintf("rate:x%d", i)))
	}
	if len(s.by) != mostScripted {
		t.Errorf("%d series", len(s.by))
	}
}
