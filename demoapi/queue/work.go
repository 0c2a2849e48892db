package queue

import (
	"context"
	"fmt"
	"time"
)

// cancelGrace is how long Close waits for jobs whose context has ended.
const cancelGrace = time.Second

// work runs jobs until there are none.
func (q *Queue) work() {
	for {
		e, ok := q.next()
		if !ok {
			return
		}
		q.run(e)
	}
}

// next takes the job that waits longest. Without one the worker is gone.
func (q *Queue) next() (entry, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 || q.paused && !q.closed {
		q.busy--
		q.doneLocked()
		return entry{}, false
	}
	e := q.waiting[0]
	q.waiting[0] = entry{} // let go of what the job refers to
	q.waiting = q.waiting[1:]
	return e, true
}

// run runs one job and counts it.
func (q *Queue) run(e entry) {
	began := time.Now()
	err := q.try(e.job)
	if q.cfg.Observer != nil {
		q.cfg.Observer.JobEnded(q.cfg.Name, began.Sub(e.since), time.Since(began))
	}
	if err != nil && q.cfg.Failed != nil {
		q.cfg.Failed(err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.counts.Failed++
	} else {
		q.counts.Completed++
	}
}

// try runs the job within its time limit; a panic becomes its error.
func (q *Queue) try(job Job) (err error) {
	ctx, cancel := context.WithTimeout(q.base, q.cfg.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: a job panicked: %v", q.cfg.Name, p)
		}
	}()
	return job(ctx)
}

// doneLocked tells Close when nothing is left to do.
func (q *Queue) doneLocked() {
	if q.closed && q.busy == 0 && len(q.waiting) == 0 {
		select {
		case <-q.ended:
		default:
			close(q.ended)
		}
	}
}

// Close takes no more jobs and returns when all are done, even if the queue was
// paused. When ctx ends, the jobs that wait are dropped and those under way are
// cancelled, which the error says. It may be called more than once.
func (q *Queue) Close(ctx context.Context) error {
	q.mu.Lock()
	q.closed = true
	q.hireLocked()
	q.doneLocked()
	q.mu.Unlock()
	defer q.cancel()
	select {
	case <-q.ended:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	dropped, cut := len(q.waiting), q.busy
	q.waiting = nil
	q.doneLocked()
	q.mu.Unlock()
	q.cancel()
	grace := time.NewTimer(cancelGrace)
	defer grace.Stop()
	select {
	case <-q.ended:
	case <-grace.C: // a job that does not look at its context
	}
	return fmt.Errorf("%s: %d jobs dropped and %d cut off: %w", q.cfg.Name, dropped, cut, ctx.Err())
}
