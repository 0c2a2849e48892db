package analysis

import (
	"math"
	"time"

	"apitop/collectors/safe"
)

// keyTrends is how often each followed key was read of late. Its zero value has
// seen none.
type keyTrends struct {
	at   time.Time // of the newest reading
	keys map[safe.Text]*keyTrend
}

type keyTrend struct {
	reads tail[float32]
	at    time.Time // when the key was last in a reading
}

// follow puts the trend to each key of a reading taken at that time. A key that
// is in none any more is forgotten; one that comes again begins anew.
func (t *keyTrends) follow(at time.Time, keys []HotKey) []HotKey {
	if t.keys == nil {
		t.keys = map[safe.Text]*keyTrend{}
	}
	next := at.After(t.at)
	for i := range keys {
		k := t.keys[keys[i].Key]
		if k == nil {
			k = &keyTrend{reads: tail[float32]{keep: trendPoints}}
			t.keys[keys[i].Key] = k
		}
		if next {
			k.at = at
			k.reads.push(trendValue(keys[i].ReadsPerSecond))
		}
		keys[i].Trend = k.reads.all()
	}
	if next {
		t.at = at
		for name, k := range t.keys {
			if k.at.Before(at) {
				delete(t.keys, name)
			}
		}
	}
	return keys
}

// trendValue is v in a trend, where NaN is a gap.
func trendValue(v Value) float32 {
	if !v.OK {
		return float32(math.NaN())
	}
	return float32(v.V)
}
