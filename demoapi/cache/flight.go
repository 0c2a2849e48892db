package cache

import "sync"

// flights are the loads under way. A load that began before its key was
// deleted may carry old data and must not be stored afterwards.
type flights struct {
	mu   sync.Mutex // guards open
	open map[string]*flight
}

type flight struct {
	mu    sync.Mutex // guards stale; held while storing
	stale bool
}

func (f *flights) begin(key string) *flight {
	fl := &flight{}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open[key] = fl
	return fl
}

func (f *flights) end(key string, fl *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[key] == fl { // else a newer one has taken its place
		delete(f.open, key)
	}
}

// spoil makes the present load of key stale. A store that has begun is waited
// for, so that a deletion after spoil finds it.
func (f *flights) spoil(key string) {
	f.mu.Lock()
	fl := f.open[key]
	f.mu.Unlock()
	if fl == nil {
		return
	}
	fl.mu.Lock()
	defer fl.mu.Unlock()
	fl.stale = true
}

// store runs put unless the load is stale.
func (fl *flight) store(put func()) {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if !fl.stale {
		put()
	}
}
