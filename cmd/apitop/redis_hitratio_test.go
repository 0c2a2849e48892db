package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync"
	"testing"
	"time"

	"apitop/collectors"
	"apitop/collectors/analysis"
	"apitop/collectors/redisconn"
	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/redisinfo"
	"apitop/collectors/rediskeys"
	"apitop/collectors/snapshot"
)

// traffic looks keys of all types up, 200 at a time, and counts for itself what
// it found. Of every ten names it asks for, three never existed.
const traffic = `
local found, missing = 0, 0
math.randomseed(tonumber(ARGV[1]))
for n = 1, 200 do
  local i = math.random(tonumber(ARGV[2]))
  if math.random(10) <= 3 then i = i .. ':none' end
  local kind, got = n % 4, nil
  if kind == 0 then got = redis.call('GET', 'product:' .. i)
  elseif kind == 1 then got = redis.call('HGET', 'user:' .. i, 'name')
  elseif kind == 2 then got = redis.call('ZSCORE', 'rate_limit:' .. i .. ':/orders', 'a')
  else got = redis.call('GET', 'short:' .. i) end
  if got then found = found + 1 else missing = missing + 1 end
end
return found .. ' ' .. missing`

// seedTypes writes so many keys of four kinds, of which one is about to expire.
const seedTypes = `
math.randomseed(7)
for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  redis.call('SET', 'product:' .. i, string.rep('x', 1 + i % 300))
  redis.call('HSET', 'user:' .. i, 'name', 'x')
  redis.call('ZADD', 'rate_limit:' .. i .. ':/orders', 1, 'a')
  redis.call('SET', 'short:' .. i, 'x', 'PX', 50 + math.random(2500))
end`

const manyOfAKind = 10000

// TestHitRatioUnderTheExplorer: while all probes run as fast as they may, the hit
// ratio is that of the traffic, as the traffic itself counts it.
func TestHitRatioUnderTheExplorer(t *testing.T) {
	for _, policy := range []string{"allkeys-lfu", "allkeys-lru"} {
		t.Run(policy, func(t *testing.T) {
			srv := redistest.Start(t, "--maxmemory", "500mb", "--maxmemory-policy", policy)
			for from := 1; from < manyOfAKind; from += 1000 {
				srv.Do("EVAL", seedTypes, "0", strconv.Itoa(from), strconv.Itoa(from+999))
			}
			target, err := redisconn.Parse(srv.URL())
			if err != nil {
				t.Fatal(err)
			}
			server := redisconn.OpenServer(target)
			defer server.Close()
			engine := analysis.New(analysis.Options{Window: time.Minute, Interval: 100 * time.Millisecond})
			figures, keys := redisinfo.New(server), rediskeys.New(server, rediskeys.Config{Duty: 1})
			stepWith(t, engine, figures)
			before := lookups(t, server)
			var found, missing float64
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			var wg sync.WaitGroup
			wg.Go(func() {
				for seed := 1; ctx.Err() == nil; seed++ {
					time.Sleep(10 * time.Millisecond) // our own lookups shall be many beside these
					var f, m float64
					_, _ = fmt.Sscan(srv.Do("EVAL", traffic, "0", strconv.Itoa(seed), strconv.Itoa(manyOfAKind)), &f, &m)
					found, missing = found+f, missing+m
				}
			})
			for ctx.Err() == nil {
				stepWith(t, engine, keys)
				stepWith(t, engine, figures)
			}
			wg.Wait()
			got := stepWith(t, engine, figures).Cache.HitRatio
			ours := lookups(t, server)
			want := found / (found + missing)
			t.Logf("%.0f lookups of others, %.0f of ours: hit ratio %.4f, that of the traffic %.4f", found+missing, ours-before, got.V, want)
			if found+missing < 2000 || ours-before < 2000 {
				t.Error("too little ran")
			}
			if !got.OK || math.Abs(got.V-want) > 0.005 {
				t.Errorf("hit ratio %+v, want %.4f", got, want)
			}
		})
	}
}

// stepWith polls a collector and gives the engine what it said.
func stepWith(t *testing.T, engine *analysis.Engine, c collectors.Collector) *analysis.Report {
	t.Helper()
	r, err := c.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := snapshot.Snapshot{At: time.Now()}
	switch r := r.(type) {
	case *snapshot.Redis:
		s.Redis = r
	case *snapshot.Keys:
		s.Keys = r
	}
	return engine.Step(s)
}

// lookups is how many lookups apitop made itself.
func lookups(t *testing.T, s *redisconn.Server) float64 {
	t.Helper()
	nodes, err := s.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	own := nodes[0].Own()
	return float64(own.Hits + own.Misses)
}
