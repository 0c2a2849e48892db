package cache

import (
	"cmp"
	"context"
	_ "embed" // for the script
	"fmt"
	"math"
	"slices"
	"sync"
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
	// heatHalfLife is the time in which a read loses half its weight.
	heatHalfLife = 10 * time.Minute
	// youngest is the age a key is taken to have at least: two reads within a
	// second of each other are no rate.
	youngest = time.Minute
)

// accesses counts the reads of keys: exactly for Redis, and with a half-life
// for rates.
type accesses struct {
	script *redis.Script

	mu   sync.Mutex // guards keys and what they point to
	keys map[string]*access
}

type access struct {
	pending int64     // reads not yet in Redis
	heat    float64   // reads, each halved per half-life since it happened
	at      time.Time // when heat was computed
	born    time.Time // when the key was first read
}

func newAccesses() *accesses {
	return &accesses{script: redis.NewScript(accessLua), keys: map[string]*access{}}
}

// read counts one read of key.
func (a *accesses) read(key string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.keys[key]
	if k == nil {
		k = &access{at: now, born: now}
		a.keys[key] = k
	}
	k.heat = k.heatAt(now) + 1
	k.at = now
	k.pending++
}

// rate is the recent number of reads of key per second; 0 when it was read too
// seldom to say.
func (a *accesses) rate(key string, now time.Time) float64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.keys[key]
	if k == nil {
		return 0
	}
	heat := k.heatAt(now)
	if heat < 1.5 {
		return 0
	}
	// Under a steady rate r the heat of a key of age t is r times the integral
	// of 2^(-x/h) from 0 to t, h the half-life.
	h := heatHalfLife.Seconds()
	age := max(now.Sub(k.born), youngest).Seconds()
	return heat * math.Ln2 / (h * (1 - math.Exp2(-age/h)))
}

func (k *access) heatAt(now time.Time) float64 {
	return k.heat * math.Exp2(-now.Sub(k.at).Seconds()/heatHalfLife.Seconds())
}

// counted is a key with reads on their way to Redis.
type counted struct {
	key   string
	reads int64
}

// flush adds the pending reads to Redis. What cannot be added stays pending.
func (a *accesses) flush(ctx context.Context, client redis.Scripter) error {
	batch := a.take()
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
		a.giveBack(batch)
		return fmt.Errorf("cache: count reads: %w", err)
	}
	var rest []counted
	for _, i := range kept {
		if i >= 0 && i < int64(len(batch)) {
			rest = append(rest, batch[i])
		}
	}
	a.giveBack(rest)
	return nil
}

// take removes up to a batch of pending reads, the most read keys first.
func (a *accesses) take() []counted {
	a.mu.Lock()
	defer a.mu.Unlock()
	var batch []counted
	for key, k := range a.keys {
		if k.pending > 0 {
			batch = append(batch, counted{key, k.pending})
		}
	}
	slices.SortFunc(batch, func(x, y counted) int {
		return cmp.Or(cmp.Compare(y.reads, x.reads), cmp.Compare(x.key, y.key))
	})
	batch = batch[:min(len(batch), flushBatch)]
	for _, c := range batch {
		a.keys[c.key].pending = 0
	}
	return batch
}

func (a *accesses) giveBack(batch []counted) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range batch {
		if k := a.keys[c.key]; k != nil { // it may have been pruned meanwhile
			k.pending += c.reads
		}
	}
}

// prune forgets cold keys, and the coldest beyond the bound, with their pending
// reads.
func (a *accesses) prune(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	type warm struct {
		key  string
		heat float64
	}
	var all []warm
	for key, k := range a.keys {
		heat := k.heatAt(now)
		if heat < 0.1 { // one read, half an hour ago
			delete(a.keys, key)
			continue
		}
		all = append(all, warm{key, heat})
	}
	if len(all) <= trackedKeys {
		return
	}
	slices.SortFunc(all, func(x, y warm) int { return cmp.Compare(y.heat, x.heat) })
	for _, w := range all[trackedKeys:] {
		delete(a.keys, w.key)
	}
}
