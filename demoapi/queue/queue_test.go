package queue_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"apitop/demoapi/queue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// submit hands over a job and fails the test if there is no room.
func submit(t *testing.T, q *queue.Queue, job queue.Job) {
	t.Helper()
	p, err := q.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	p.Submit(job)
}

// takes is a job that takes that long, or until its context ends.
func takes(d time.Duration) queue.Job {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ended records what the queue tells.
type ended struct {
	mu     sync.Mutex // guards the rest
	waited []time.Duration
	took   []time.Duration
	errs   []error
}

func (e *ended) JobEnded(_ string, waited, took time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waited, e.took = append(e.waited, waited), append(e.took, took)
}

func (e *ended) failed(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.errs = append(e.errs, err)
}

func TestWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e ended
		q := queue.New(queue.Config{Workers: 2, Capacity: 10, Observer: &e})
		for range 5 {
			submit(t, q, takes(time.Second))
		}
		synctest.Wait()
		if s := q.Stats(); s.Busy != 2 || s.Waiting != 3 || s.Accepted != 5 || q.Len() != 3 || s.Workers != 2 || s.Capacity != 10 {
			t.Errorf("at the start: %+v", s)
		}
		time.Sleep(2500 * time.Millisecond)
		if s := q.Stats(); s.Busy != 1 || s.Waiting != 0 || s.Completed != 4 {
			t.Errorf("after 2.5 s: %+v", s)
		}
		start := time.Now()
		if err := q.Close(t.Context()); err != nil || time.Since(start) != 500*time.Millisecond {
			t.Errorf("Close: %v after %v", err, time.Since(start))
		}
		if s := q.Stats(); s.Busy != 0 || s.Completed != 5 {
			t.Errorf("at the end: %+v", s)
		}
		if len(e.waited) != 5 || e.waited[4] != 2*time.Second || e.took[4] != time.Second {
			t.Errorf("observed %+v", &e)
		}
	})
}

func TestFull(t *testing.T) {
	q := queue.New(queue.Config{Name: "orders", Capacity: 2})
	q.Pause()
	first, err := q.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	submit(t, q, takes(0))
	if _, err := q.Reserve(); !errors.Is(err, queue.ErrFull) || !strings.Contains(err.Error(), "orders") {
		t.Errorf("a third place: %v", err)
	}
	first.Release()
	first.Release()        // does nothing
	first.Submit(takes(0)) // nor does this
	submit(t, q, takes(0)) // the one given back
	if s := q.Stats(); s.Waiting != 2 || s.Rejected != 1 || s.Accepted != 2 {
		t.Errorf("%+v", s)
	}
	if err := q.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if s := q.Stats(); s.Waiting != 0 || s.Completed != 2 {
		t.Errorf("%+v", s)
	}
	if _, err := q.Reserve(); !errors.Is(err, queue.ErrClosed) {
		t.Errorf("a place in a closed queue: %v", err)
	}
	if err := q.Close(t.Context()); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Config{Workers: 3})
		submit(t, q, takes(time.Second))
		q.Pause()
		q.Pause() // twice is once
		for range 4 {
			submit(t, q, takes(time.Second))
		}
		time.Sleep(time.Hour)
		if s := q.Stats(); s.Completed > 1 || s.Waiting < 4 || s.Busy != 0 {
			t.Errorf("paused: %+v", s)
		}
		q.Resume()
		q.Resume()
		time.Sleep(1500 * time.Millisecond)
		if s := q.Stats(); s.Completed < 3 || s.Waiting != 0 {
			t.Errorf("resumed: %+v", s)
		}
		if err := q.Close(t.Context()); err != nil || q.Stats().Completed != 5 {
			t.Errorf("%v, %+v", err, q.Stats())
		}
	})
}

// TestFailures: whatever a job does, the next one is run.
func TestFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e ended
		q := queue.New(queue.Config{Name: "orders", Workers: 1, Timeout: time.Minute, Failed: e.failed})
		wrong := errors.New("wrong")
		submit(t, q, func(context.Context) error { panic("boom") })
		submit(t, q, func(context.Context) error { return wrong })
		submit(t, q, takes(time.Hour))
		submit(t, q, takes(time.Second))
		if err := q.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if s := q.Stats(); s.Failed != 3 || s.Completed != 1 {
			t.Errorf("%+v", s)
		}
		if len(e.errs) != 3 || e.errs[0].Error() != "orders: a job panicked: boom" || !errors.Is(e.errs[1], wrong) || !errors.Is(e.errs[2], context.DeadlineExceeded) {
			t.Errorf("told of %v", e.errs)
		}
	})
}

func TestCloseIsBounded(t *testing.T) {
	tests := map[string]struct {
		job  queue.Job
		took time.Duration
	}{
		"a job that looks at its context": {takes(time.Hour), 5 * time.Second},
		"a job that does not":             {func(context.Context) error { time.Sleep(time.Hour); return nil }, 6 * time.Second},
	}
	for name, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			q := queue.New(queue.Config{Name: "orders", Workers: 1, Timeout: 2 * time.Hour})
			submit(t, q, tt.job)
			submit(t, q, tt.job)
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			start := time.Now()
			err := q.Close(ctx)
			if err == nil || !strings.Contains(err.Error(), "1 jobs dropped and 1 cut off") || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(start); took != tt.took {
				t.Errorf("%s: Close took %v, want %v", name, took, tt.took)
			}
			time.Sleep(2 * time.Hour) // the job ends
			if s := q.Stats(); s.Busy != 0 || s.Waiting != 0 {
				t.Errorf("%s: %+v", name, s)
			}
		})
	}
}

// TestLateSubmit: a place taken before the end is no way in after it.
func TestLateSubmit(t *testing.T) {
	q := queue.New(queue.Config{})
	p, err := q.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Submit(func(context.Context) error { t.Error("run"); return nil })
	if s := q.Stats(); s.Waiting != 0 || s.Accepted != 0 {
		t.Errorf("%+v", s)
	}
}

// TestMany: under load nothing is lost, and never more than the workers run.
func TestMany(t *testing.T) {
	q := queue.New(queue.Config{Workers: 3, Capacity: 50})
	var mu sync.Mutex
	running, most, done := 0, 0, 0
	count := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		running += n
		most = max(most, running)
		if n < 0 {
			done++
		}
	}
	job := func(context.Context) error { count(1); defer count(-1); return nil }
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				p, err := q.Reserve()
				if err == nil {
					p.Submit(job)
				}
			}
		})
	}
	for range 100 {
		q.Pause()
		q.Resume()
	}
	wg.Wait()
	if err := q.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := q.Stats()
	if uint64(done) != s.Accepted || s.Completed != s.Accepted || s.Accepted+s.Rejected != 8*500 || most > 3 {
		t.Errorf("done %d, at most %d at a time, %+v", done, most, s)
	}
}
