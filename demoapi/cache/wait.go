package cache

import (
	"sync"
	"time"
)

const (
	firstPoll = 2 * time.Millisecond
	lastPoll  = 25 * time.Millisecond

	leastWait   = 50 * time.Millisecond
	longestWait = time.Second
	unknownWait = 250 * time.Millisecond
)

// pollPause is the sleep before the n-th (from 0) question whether another
// process has loaded a value.
func pollPause(n int) time.Duration {
	if n > 3 {
		return lastPoll
	}
	return firstPoll << n
}

// waitBound is how long another process's load is waited for before loading
// oneself: twice the usual time of a load, 0 when that is not known.
func waitBound(usual time.Duration) time.Duration {
	if usual <= 0 {
		return unknownWait
	}
	return min(max(2*usual, leastWait), longestWait)
}

// usuals are the usual load times by cache: moving averages of the last loads.
type usuals struct {
	mu    sync.Mutex // guards times
	times map[string]time.Duration
}

// usualShare is the weight of the newest load: one part in eight, as TCP
// smooths its round-trip times (RFC 6298).
const usualShare = 8

func (u *usuals) loaded(cache string, took time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if old, known := u.times[cache]; known {
		took = old + (took-old)/usualShare
	}
	u.times[cache] = max(took, 1) // 0 means unknown
}

func (u *usuals) of(cache string) time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.times[cache]
}
