package stack

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

const (
	// tickEvery is how often the simulated clock moves: the resolution of TTLs.
	tickEvery = 100 * time.Millisecond
	// weighEvery bounds how often the size of all values is added up.
	weighEvery = 2 * time.Second
)

// embedded is a simulated Redis within this process. The simulation itself knows
// neither passing time nor most of what a monitor asks a server about itself;
// both are supplied here, as far as they can be known.
type embedded struct {
	m     *miniredis.Miniredis
	srv   *server.Server // m forgets it when it closes
	addr  string
	runID string
	began time.Time

	hits, misses atomic.Int64 // lookups of keys that were and were not there
	answered     atomic.Int64 // commands that the simulation never saw
	expired      atomic.Int64

	stop, done chan struct{}

	mu   sync.Mutex // guards seen
	seen view
}

// view is what the clock's last pass over the keys has seen.
type view struct {
	keys, expires int
	avgTTL        time.Duration
	opsPerSecond  float64
	bytes         int64     // approximate size of all keys and values
	weighed       time.Time // when bytes was added up
}

// startEmbedded starts the simulation on a loopback address; port 0 takes a free
// one.
func startEmbedded(addr string) (*embedded, error) {
	id := make([]byte, 20)
	if _, err := rand.Read(id); err != nil {
		return nil, fmt.Errorf("embedded redis: make a run id: %w", err)
	}
	e := &embedded{
		m: miniredis.NewMiniRedis(), runID: hex.EncodeToString(id), began: time.Now(),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	if err := e.m.StartAddr(addr); err != nil {
		return nil, fmt.Errorf("embedded redis: %w", err)
	}
	e.srv, e.addr = e.m.Server(), e.m.Addr()
	e.srv.SetPreHook(e.before)
	go e.run()
	return e, nil
}

func (e *embedded) url() string { return "redis://" + e.addr + "/0" }

func (e *embedded) close() {
	close(e.stop)
	<-e.done
	e.m.Close()
}

// run moves the simulated clock with the real one. The simulation could look at
// the clock by itself, but then walks over all keys at every command.
func (e *embedded) run() {
	defer close(e.done)
	t := time.NewTicker(tickEvery)
	defer t.Stop()
	last, counted, commands := time.Now(), time.Now(), e.commands()
	for {
		select {
		case <-e.stop:
			return
		case <-t.C:
		}
		now := time.Now()
		v := e.pass(now.Sub(last))
		e.m.FastForward(now.Sub(last))
		last = now
		if since := now.Sub(counted); since >= time.Second {
			n := e.commands()
			v.opsPerSecond = float64(n-commands) / since.Seconds()
			counted, commands = now, n
		}
		e.mu.Lock()
		e.seen = v
		e.mu.Unlock()
	}
}

// pass counts the keys of database 0, and those that end within the next step.
func (e *embedded) pass(step time.Duration) view {
	e.mu.Lock()
	v := e.seen
	e.mu.Unlock()
	db := e.m.DB(0)
	keys := db.Keys()
	v.keys, v.expires, v.avgTTL = len(keys), 0, 0
	var sum time.Duration
	for _, k := range keys {
		ttl := db.TTL(k)
		switch {
		case ttl <= 0: // none
		case ttl <= step:
			e.expired.Add(1)
			v.keys--
		default:
			v.expires++
			sum += ttl
		}
	}
	if v.expires > 0 {
		v.avgTTL = sum / time.Duration(v.expires)
	}
	return v
}

// commands is how many commands were processed, those of scripts included.
func (e *embedded) commands() int64 { return int64(e.srv.TotalCommands()) + e.answered.Load() }

// look returns the last view, with the bytes not older than weighEvery.
func (e *embedded) look(weigh bool) view {
	e.mu.Lock()
	defer e.mu.Unlock()
	if weigh && time.Since(e.seen.weighed) > weighEvery {
		e.seen.bytes, e.seen.weighed = e.weigh(), time.Now()
	}
	return e.seen
}

// weigh adds up keys and values with a rough overhead: this is a simulation, the
// true number of another program would be no truer.
func (e *embedded) weigh() int64 {
	const perKey, perField = 96, 48
	db := e.m.DB(0)
	var n int
	for _, k := range db.Keys() {
		n += perKey + len(k)
		switch db.Type(k) {
		case "string":
			s, _ := db.Get(k) // gone meanwhile: 0
			n += len(s)
		case "zset":
			members, _ := db.ZMembers(k)
			for _, m := range members {
				n += perField + len(m)
			}
		case "hash":
			fields, _ := db.HKeys(k)
			for _, f := range fields {
				n += perField + len(f) + len(db.HGet(k, f))
			}
		}
	}
	return int64(n)
}
