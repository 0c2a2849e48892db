// Package queue runs jobs in the background: at most so many at a time, at most
// so many waiting, each within a time limit.
//
// A place is reserved first, so that whoever makes something that has to be
// worked on knows beforehand that it will be:
//
//	place, err := q.Reserve()
//	if err != nil { ... } // full: refuse the work
//	defer place.Release() // does nothing after Submit
//	id := make it
//	place.Submit(func(ctx context.Context) error { return workOn(ctx, id) })
package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Errors of [Queue.Reserve].
var (
	// ErrFull: as many jobs wait as may.
	ErrFull = errors.New("queue full")
	// ErrClosed: the queue takes no more jobs.
	ErrClosed = errors.New("queue closed")
)

// Job is a piece of work. Its context ends with the job's time limit, and when
// the queue is closed and cannot wait any longer. An error and a panic make it
// count as failed; what to do about that is the job's own business.
type Job func(ctx context.Context) error

// Observer is told of each job that ended: how long it waited and took. It is
// called concurrently and must not block.
type Observer interface {
	JobEnded(queue string, waited, took time.Duration)
}

// Config has a usable zero value.
type Config struct {
	Name     string        // for the observer and for errors
	Capacity int           // jobs that may wait; 0: 1000
	Workers  int           // jobs that may run at the same time; 0: 4
	Timeout  time.Duration // of one job; 0: 10 s
	Observer Observer      // may be nil
	Failed   func(error)   // told of each failure, concurrently; may be nil
}

// Stats are a queue's figures at one moment.
type Stats struct {
	Waiting  int // jobs and reserved places, 0..Capacity
	Capacity int
	Workers  int // most jobs at a time
	Busy     int // jobs running, 0..Workers

	// Since the start. A job that was accepted and is neither waiting nor running
	// has completed, failed, or was dropped by Close.
	Accepted, Rejected, Completed, Failed uint64
}

// Queue is safe for concurrent use. It has goroutines only while it has jobs.
type Queue struct {
	cfg    Config
	base   context.Context
	cancel context.CancelFunc
	ended  chan struct{} // closed when the queue is closed and no job is left

	mu       sync.Mutex // guards what follows
	waiting  []entry
	reserved int
	busy     int // workers; each runs a job or is about to
	paused   bool
	closed   bool
	counts   Stats // only what is counted since the start
}

// entry is a job that waits.
type entry struct {
	job   Job
	since time.Time
}

// New returns a queue without jobs.
func New(cfg Config) *Queue {
	if cfg.Capacity <= 0 {
		cfg.Capacity = 1000
	}
	if cfg.Workers <= 0 {
		cfg.Workers = 4
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	q := &Queue{cfg: cfg, ended: make(chan struct{})}
	q.base, q.cancel = context.WithCancel(context.Background())
	return q
}

// Place is room for one job. It belongs to one goroutine.
type Place struct {
	queue *Queue // nil: used or given back
}

// Reserve takes a place, or returns [ErrFull] or [ErrClosed]. It never waits.
func (q *Queue) Reserve() (*Place, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return nil, fmt.Errorf("%s: %w", q.cfg.Name, ErrClosed)
	case len(q.waiting)+q.reserved >= q.cfg.Capacity:
		q.counts.Rejected++
		return nil, fmt.Errorf("%s: %w", q.cfg.Name, ErrFull)
	}
	q.reserved++
	return &Place{q}, nil
}

// Release gives the place back, unless a job has it.
func (p *Place) Release() {
	if q := p.queue; q != nil {
		p.queue = nil
		q.mu.Lock()
		defer q.mu.Unlock()
		q.reserved--
	}
}

// Submit hands over the job for this place. It never waits. A closed queue
// drops the job.
func (p *Place) Submit(job Job) {
	q := p.queue
	if q == nil {
		return
	}
	p.queue = nil
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reserved--
	if q.closed {
		return
	}
	q.counts.Accepted++
	q.waiting = append(q.waiting, entry{job, time.Now()})
	q.hireLocked()
}

// hireLocked starts as many workers as there is work for.
func (q *Queue) hireLocked() {
	if q.paused && !q.closed {
		return
	}
	for range min(q.cfg.Workers-q.busy, len(q.waiting)) {
		q.busy++
		go q.work()
	}
}

// Pause lets no more jobs begin until Resume. Those under way go on, and new
// ones are taken until the queue is full.
func (q *Queue) Pause() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.paused = true
}

// Resume ends a Pause.
func (q *Queue) Resume() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.paused = false
	q.hireLocked()
}

// Len is the number of jobs waiting.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// Stats returns the queue's figures.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.counts
	s.Waiting, s.Busy = len(q.waiting)+q.reserved, q.busy
	s.Capacity, s.Workers = q.cfg.Capacity, q.cfg.Workers
	return s
}
