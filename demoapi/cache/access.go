package cache

import (
	"cmp"
	"context"
	_ "embed" // for the script
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed access.lua
var accessLua string

const (
	// AccessKey is the sorted set of reads: member = cache key, score = reads
	// so far. It holds the [accessTop] most read keys.
	AccessKey = "access_frequency"
	accessTop = 1000
	// accessExpiry removes the set when the demo is not used any more.
	accessExpiry = 24 * time.Hour

	flushEvery   = time.Second
	flushTimeout = time.Second
	flushBatch   = 2000 // keys per script call

	// trackedKeys bounds the memory of a process: about 150 bytes each.
	trackedKeys = 10_000
	// mostKeys bounds it until the coldest are forgotten, every pruneEvery flushes.
	mostKeys   = 4 * trackedKeys
	pruneEvery = 10
	// accessShards keeps readers of different keys from waiting for each other.
	accessShards = 64

	// heatHalfLife is the time in which a read loses half its weight.
	heatHalfLife = 10 * time.Minute
	// youngest is the age a key is taken to have at least: two reads within a
	// second of each other are no rate.
	youngest = time.Minute
)

// accesses counts the reads of keys: exactly for Redis, and with a half-life
// for rates. A read that finds its [access] costs one atomic addition.
type accesses struct {
	script *redis.Script
	lowest int64 // count in the full set of Redis, so far as known; of the counting goroutine
	seed   maphash.Seed
	shards [accessShards]accessShard
}

type accessShard struct {
	mu   sync.Mutex // guards keys and all but the reads of what they point to
	keys map[string]*access
}

type access struct {
	reads   atomic.Int64 // reads that are in no other field yet
	pending int64        // reads not yet in Redis
	few     bool         // too few to get into the set when it was tried last
	heat    float64      // reads, each halved per half-life since it was counted
	at      time.Time    // when heat was computed
	born    time.Time    // when the key was first read
}

// read counts one read; of nil, none.
func (k *access) read() {
	if k != nil {
		k.reads.Add(1)
	}
}

func newAccesses() *accesses {
	a := &accesses{script: redis.NewScript(accessLua), seed: maphash.MakeSeed()}
	for i := range a.shards {
		a.shards[i].keys = map[string]*access{}
	}
	return a
}

func (a *accesses) shardOf(key string) *accessShard {
	return &a.shards[maphash.String(a.seed, key)%accessShards]
}

// of returns the counter of key: nil when too many new keys came at once. It
// may be used until the next prune, and for a few seconds longer if losing reads
// of a key that is hardly read does not matter.
func (a *accesses) of(key string, now time.Time) *access {
	s := a.shardOf(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[key]
	if k == nil && len(s.keys) < mostKeys/accessShards {
		k = &access{at: now, born: now}
		s.keys[key] = k
	}
	return k
}

// rate is the recent number of reads of key per second; 0 when it was read too
// seldom to say.
func (a *accesses) rate(key string, now time.Time) float64 {
	s := a.shardOf(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[key]
	if k == nil {
		return 0
	}
	k.foldLocked(now)
	if k.heat < 1.5 {
		return 0
	}
	// Under a steady rate r the heat of a key of age t is r times the integral
	// of 2^(-x/h) from 0 to t, h the half-life.
	h := heatHalfLife.Seconds()
	age := max(now.Sub(k.born), youngest).Seconds()
	return k.heat * math.Ln2 / (h * (1 - math.Exp2(-age/h)))
}

// foldLocked brings the heat up to date. Reads since the last time count as of
// now; the counting goroutine folds once a second.
func (k *access) foldLocked(now time.Time) {
	n := k.reads.Swap(0)
	k.heat = k.heat*math.Exp2(-now.Sub(k.at).Seconds()/heatHalfLife.Seconds()) + float64(n)
	k.at = now
	k.pending += n
}

// counted is a key with reads on their way to Redis.
type counted struct {
	key   string
	reads int64
}

// flush adds the reads since the last time to Redis. What cannot be added stays
// pending.
func (a *accesses) flush(ctx context.Context, client redis.Scripter, now time.Time) error {
	batch := a.take(now)
	if len(batch) == 0 {
		return nil
	}
	args := make([]any, 0, 2+2*len(batch))
	args = append(args, accessTop, accessExpiry.Milliseconds())
	for _, c := range batch {
		args = append(args, c.key, c.reads)
	}
	kept, err := a.script.Run(ctx, client, []string{AccessKey}, args...).Int64Slice()
	if err != nil {
		a.giveBack(batch, false)
		return fmt.Errorf("cache: count reads: %w", err)
	}
	a.giveBack(a.refused(batch, kept), true)
	return nil
}

// refused reads the script's answer.
func (a *accesses) refused(batch []counted, answer []int64) (rest []counted) {
	if len(answer) == 0 {
		return nil
	}
	a.lowest = answer[0]
	for _, i := range answer[1:] {
		if i >= 0 && i < int64(len(batch)) {
			rest = append(rest, batch[i])
		}
	}
	return rest
}

// take removes up to a batch of pending reads, the most read keys first. Keys
// that were refused wait until they have enough: thousands may, and sending them
// each time would keep Redis busy for milliseconds.
func (a *accesses) take(now time.Time) []counted {
	var batch []counted
	for i := range a.shards {
		batch = a.shards[i].fold(now, a.lowest, batch)
	}
	slices.SortFunc(batch, func(x, y counted) int {
		return cmp.Or(cmp.Compare(y.reads, x.reads), cmp.Compare(x.key, y.key))
	})
	n := min(len(batch), flushBatch)
	a.giveBack(batch[n:], false)
	return batch[:n]
}

// fold brings all heats up to date and moves the pending reads to batch, but for
// those known to be too few for a set with that lowest count.
func (s *accessShard) fold(now time.Time, lowest int64, batch []counted) []counted {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, k := range s.keys {
		if k.pending == 0 && k.reads.Load() == 0 {
			continue
		}
		k.foldLocked(now)
		if k.few && k.pending <= lowest {
			continue
		}
		k.few = false
		batch = append(batch, counted{key, k.pending})
		k.pending = 0
	}
	return batch
}

// giveBack makes the reads pending again; few says that Redis refused them.
func (a *accesses) giveBack(batch []counted, few bool) {
	for _, c := range batch {
		s := a.shardOf(c.key)
		s.mu.Lock()
		if k := s.keys[c.key]; k != nil { // it may have been pruned meanwhile
			k.pending += c.reads
			k.few = few
		}
		s.mu.Unlock()
	}
}

// warmth is a key and its heat.
type warmth struct {
	key  string
	heat float64
}

// prune forgets cold keys, and the coldest beyond the bound, with their pending
// reads.
func (a *accesses) prune(now time.Time) {
	var all []warmth
	for i := range a.shards {
		all = a.shards[i].prune(now, all)
	}
	if len(all) <= trackedKeys {
		return
	}
	slices.SortFunc(all, func(x, y warmth) int { return cmp.Compare(y.heat, x.heat) })
	for _, w := range all[trackedKeys:] {
		s := a.shardOf(w.key)
		s.mu.Lock()
		delete(s.keys, w.key)
		s.mu.Unlock()
	}
}

// prune forgets cold keys and appends the others to all.
func (s *accessShard) prune(now time.Time, all []warmth) []warmth {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, k := range s.keys {
		k.foldLocked(now)
		if k.heat < 0.1 && now.Sub(k.born) > youngest { // one read, half an hour ago
			delete(s.keys, key)
			continue
		}
		all = append(all, warmth{key, k.heat})
	}
	return all
}
