package cache

import (
	"bytes"
	"context"
	"sync"
	"time"
)

const (
	mostRefreshes = 64 // at a time
	// refreshPause is the time before a value is tried again whose refresh
	// failed, or is left to another process.
	refreshPause = 500 * time.Millisecond
)

// refreshes are the keys that are being refreshed, or should be left alone.
type refreshes struct {
	mu   sync.Mutex // guards keys
	keys map[string]struct{}
}

func (r *refreshes) begin(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, on := r.keys[key]; on || len(r.keys) >= mostRefreshes {
		return false
	}
	r.keys[key] = struct{}{}
	return true
}

func (r *refreshes) end(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.keys, key)
}

// refreshLater loads the item anew in the background, unless that is going on.
func (c *Cache) refreshLater(j job, reason string) {
	if !c.refresh.begin(j.item.Key) {
		return
	}
	c.running.Go(func() {
		defer c.refresh.end(j.item.Key)
		// No request waits for it, so it has nothing of the request's context.
		if c.refreshNow(context.Background(), &j, reason) {
			return
		}
		select {
		case <-time.After(refreshPause):
		case <-c.ctx.Done():
		}
	})
}

// refreshNow reports whether there is a fresh value now.
func (c *Cache) refreshNow(ctx context.Context, j *job, reason string) bool {
	found, t, err := c.remote.begin(ctx, j.item.Key, j.last, true)
	switch {
	case err != nil:
		return false // what it brought could not be stored
	case !bytes.Equal(found.raw, j.last.raw): // another process was quicker
		if found.entry != nil && !found.entry.staleAt(time.Now()) {
			c.keep(j, found.entry)
		}
		return true
	case t.token == "":
		return false // another process is at it
	}
	c.cfg.Observer.CacheRefreshed(j.item.Cache, reason)
	_, err = c.loadAndStore(ctx, j, t)
	return err == nil
}
