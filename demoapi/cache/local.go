package cache

import (
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// L1Options bound the local layer; the zero value is usable.
type L1Options struct {
	Entries int // at most; 0: 10 000
	Bytes   int // of keys and values, at most; 0: 64 MiB
}

const (
	defaultEntries = 10_000
	defaultBytes   = 64 << 20
	// entryOverhead is about what an entry takes beside its key and value.
	entryOverhead = 300
	generations   = 1024 // a power of two
)

// local is the layer in the process's own memory: W-TinyLFU, bounded by entries
// and by bytes, with lives of a few seconds.
type local struct {
	cache *otter.Cache[string, *localEntry]
	seed  maphash.Seed
	// generation counts the deletions of keys, by their hash. A value that was
	// on its way here when its key was deleted is not taken in.
	generation [generations]atomic.Uint64
}

// localEntry is an entry with what a hit needs, made once.
type localEntry struct {
	*entry
	life  time.Duration
	reads *access // may be nil
	err   error   // of a negative entry
}

func newLocal(o L1Options) *local {
	if o.Entries <= 0 {
		o.Entries = defaultEntries
	}
	if o.Bytes <= 0 {
		o.Bytes = defaultBytes
	}
	least := max(o.Bytes/o.Entries, 1) // with that weight each, Entries weigh Bytes
	cache := otter.Must(&otter.Options[string, *localEntry]{
		MaximumWeight: uint64(o.Bytes),
		Weigher: func(key string, e *localEntry) uint32 {
			return uint32(max(least, len(key)+len(e.value)+entryOverhead))
		},
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, *localEntry]) time.Duration { return e.Value.life }),
	})
	return &local{cache: cache, seed: maphash.MakeSeed()}
}

// get returns nil when key is not there.
func (l *local) get(key string) *localEntry {
	e, _ := l.cache.GetIfPresent(key)
	return e
}

// since is the moment for [local.put]: ask before the value is read or loaded.
func (l *local) since(key string) uint64 { return l.generationOf(key).Load() }

func (l *local) generationOf(key string) *atomic.Uint64 {
	return &l.generation[maphash.String(l.seed, key)&(generations-1)]
}

// put takes e in unless its key was removed since then. The check and the write
// are one step for [local.remove], which counts first and removes afterwards.
func (l *local) put(key string, e *localEntry, since uint64) {
	if e.life <= 0 {
		return
	}
	l.cache.Compute(key, func(old *localEntry, found bool) (*localEntry, otter.ComputeOp) {
		if l.generationOf(key).Load() != since {
			return old, otter.CancelOp
		}
		return e, otter.WriteOp
	})
}

func (l *local) remove(keys ...string) {
	for _, key := range keys {
		l.generationOf(key).Add(1)
		l.cache.Invalidate(key)
	}
}

func (l *local) clear() {
	for i := range l.generation {
		l.generation[i].Add(1)
	}
	l.cache.InvalidateAll()
}

func (l *local) close() {
	l.clear()
	l.cache.StopAllGoroutines()
}
