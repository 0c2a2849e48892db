package rediskeys

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// ranked drives the most used of a million keys by Zipf's law, which a pass finds
// one by one within a minute, and tells how many of the true first 16 are on the
// first 16 places then.
func ranked(rng *rand.Rand, perSecond, before float64, rate func(*cacheKeys, *meter) float64) int {
	const n, exponent, pass = 150, 1.1, 60
	start := 6000 + rng.Float64()*60
	c := newCacheKeys()
	c.how.lfu = defaultLFU()
	met := make([]*meter, n)
	for rank := range n {
		each := perSecond * 0.1235 / math.Pow(float64(rank+1), exponent)
		k := &counter{l: c.how.lfu, count: firstCount, used: int(start / 60), rng: rng}
		key := &cacheKey{}
		found := start + before + rng.Float64()*(pass-2)
		end := start + before + pass
		next := start + rng.ExpFloat64()/each
		for t := found; t <= end; {
			for ; next < t; next += rng.ExpFloat64() / each {
				k.use(next)
			}
			key.meter.take(k.l, float64(k.now(t)), t)
			if key.meter.readings < fewReadings {
				t += 1.5
			} else {
				t += 5.5
			}
		}
		c.keys[strconv.Itoa(rank)], met[rank] = key, &key.meter
	}
	c.fitPace()
	order := make([]int, n)
	got := make([]float64, n)
	for i := range n {
		order[i], got[i] = i, rate(&c, met[i])
	}
	slices.SortFunc(order, func(a, b int) int {
		if got[a] > got[b] {
			return -1
		}
		return 1
	})
	hits := 0
	for _, rank := range order[:16] {
		if rank < 16 {
			hits++
		}
	}
	return hits
}

// TestPaceRanks: of the sixteen most used keys, fourteen are known after a pass of
// a minute, whether the traffic is young or old, though a quarter of them was found
// in the last seconds.
func TestPaceRanks(t *testing.T) {
	for name, before := range map[string]float64{"young": 5, "a minute": 60, "ten minutes": 600} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, uint64(before)))
			const runs = 12
			with, without := 0.0, 0.0
			for range runs {
				with += float64(ranked(rng, 5000, before, func(c *cacheKeys, m *meter) float64 {
					r, _ := m.rate(c.how.lfu, c.how.pace)
					return r.V
				})) / runs
				without += float64(ranked(rng, 5000, before, func(c *cacheKeys, m *meter) float64 {
					r, _ := m.rate(c.how.lfu, pace{})
					return r.V
				})) / runs
			}
			t.Logf("%.1f of 16, by growth alone %.1f", with, without)
			if with < 13.5 || with <= without {
				t.Errorf("%.1f of 16; by growth alone %.1f", with, without)
			}
		})
	}
}
