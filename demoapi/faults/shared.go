package faults

import (
	"slices"
	"sync"

	"apitop/demoapi/store"
)

// shared are the switches that several faults use: each stays as it is needed
// until the last of them has let go.
type shared struct {
	mu       sync.Mutex // guards the rest; held while switching
	cache    Cache
	store    Store
	bypassed map[string]int // how many want that cache to be passed by
	faults   store.Faults
}

// bypass makes the caches load at every read, until the release.
func (s *shared) bypass(caches ...string) undo {
	s.count(caches, 1)
	return releasing(func() { s.count(caches, -1) })
}

func (s *shared) count(caches []string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range caches {
		s.bypassed[c] += n
	}
	var names []string
	for c, n := range s.bypassed {
		if n > 0 {
			names = append(names, c)
		}
	}
	slices.Sort(names)
	s.cache.Bypass(names...)
}

// spoil changes what the store does wrong; undone by another change.
func (s *shared) spoil(change func(*store.Faults)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.faults)
	s.store.SetFaults(s.faults)
}
