package cache

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func newTestLocal(t *testing.T, o L1Options) *local {
	t.Helper()
	l := newLocal(o)
	t.Cleanup(l.close)
	return l
}

func localValue(n int) *localEntry {
	return &localEntry{entry: &entry{value: []byte(strings.Repeat("x", n))}, life: time.Minute}
}

// settled is the number and size of the entries after all evictions.
func (l *local) settled() (entries, bytes int) {
	l.cache.CleanUp()
	for key, e := range l.cache.All() {
		entries++
		bytes += len(key) + len(e.value)
	}
	return entries, bytes
}

// TestLocalBounds: neither many small nor a few large values outgrow the layer.
func TestLocalBounds(t *testing.T) {
	tests := map[string]struct {
		size, most int // of a value; entries wanted at most
	}{
		"small": {10, 100},
		"large": {50_000, 20},
		"huge":  {2_000_000, 0},
	}
	for name, tt := range tests {
		l := newTestLocal(t, L1Options{Entries: 100, Bytes: 1_000_000})
		value := localValue(tt.size)
		for i := range 1000 {
			key := fmt.Sprint("product:", i)
			l.put(key, value, l.since(key))
		}
		entries, bytes := l.settled()
		if entries > tt.most || bytes > 1_000_000 || tt.most > 0 && entries < tt.most/2 {
			t.Errorf("%s: %d entries of %d bytes, want up to %d of 1 MB", name, entries, bytes, tt.most)
		}
	}
}

func TestLocalPut(t *testing.T) {
	l := newTestLocal(t, L1Options{})
	l.put("spent", &localEntry{entry: &entry{}, life: 0}, l.since("spent"))
	if l.get("spent") != nil {
		t.Error("an entry without a life was taken in")
	}
	since := l.since("k")
	l.put("k", localValue(1), since)
	if l.get("k") == nil {
		t.Fatal("an entry was not taken in")
	}
	l.remove("k")
	if l.get("k") != nil {
		t.Error("a removed entry is there")
	}
	l.put("k", localValue(1), since)
	if l.get("k") != nil {
		t.Error("a value from before a removal was taken in")
	}
	since = l.since("k")
	l.clear()
	l.put("k", localValue(1), since)
	if l.get("k") != nil {
		t.Error("a value from before everything was removed was taken in")
	}
}

// TestLocalNeverOld: after a removal nobody finds what was read before it,
// however slowly that came.
func TestLocalNeverOld(t *testing.T) {
	l := newTestLocal(t, L1Options{})
	var version atomic.Int64 // of the source
	var ended atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for !ended.Load() {
				since := l.since("k")
				e := localValue(0)
				e.delta = time.Duration(version.Load())
				l.put("k", e, since)
			}
		})
	}
	for want := int64(1); want <= 5_000; want++ {
		version.Store(want)
		l.remove("k")
		if e := l.get("k"); e != nil && int64(e.delta) < want {
			t.Errorf("version %d after the removal of all before %d", e.delta, want)
			break
		}
	}
	ended.Store(true)
	wg.Wait()
}

func TestLocalExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLocal(L1Options{})
		defer l.close()
		e := localValue(1)
		e.life = 3 * time.Second
		l.put("k", e, l.since("k"))
		time.Sleep(2900 * time.Millisecond)
		if l.get("k") == nil {
			t.Error("gone too early")
		}
		time.Sleep(200 * time.Millisecond) // a read does not prolong it
		if l.get("k") != nil {
			t.Error("there too long")
		}
	})
}
