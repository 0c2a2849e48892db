package load

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"sync"
	"syscall"
	"time"
)

// Stats are the totals since the start. Sent = completed + errors + abandoned +
// those under way.
type Stats struct {
	Elapsed   time.Duration     // since Run began; 0 before
	Sent      uint64            // requests begun
	Completed uint64            // answers read to the end, whatever their status
	Status    map[int]uint64    // Completed by status
	Errors    map[string]uint64 // requests without a whole answer: "timeout", "refused", "reset", "eof", "other"
	Abandoned uint64            // under way when Run was told to stop
	Late      uint64            // begun over 100 ms after they were due: MaxInFlight were under way, or this machine was busy
	Skipped   uint64            // given up: the generator was more than 10 s behind
	MaxLag    time.Duration     // the longest a request began after it was due
}

// Failed is the number of requests without a whole answer.
func (s Stats) Failed() uint64 {
	var n uint64
	for _, k := range s.Errors {
		n += k
	}
	return n
}

// lateAfter is well above what a busy scheduler adds to a timer.
const lateAfter = 100 * time.Millisecond

// tally is a Stats that several may write.
type tally struct {
	mu    sync.Mutex // guards all below
	s     Stats
	began time.Time
	ended time.Time
}

func (t *tally) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.s = Stats{Status: map[int]uint64{}, Errors: map[string]uint64{}}
	t.began, t.ended = time.Now(), time.Time{}
}

func (t *tally) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = time.Now()
}

func (t *tally) sent(lag time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.s.Sent++
	t.s.MaxLag = max(t.s.MaxLag, lag)
	if lag > lateAfter {
		t.s.Late++
	}
}

func (t *tally) skipped(n uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.s.Skipped += n
}

func (t *tally) completed(status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.s.Completed++
	t.s.Status[status]++
}

// failed counts a request without an answer; over says that the generator was
// told to stop, so that it is nobody's failure.
func (t *tally) failed(err error, over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if over {
		t.s.Abandoned++
		return
	}
	t.s.Errors[errorKind(err)]++
}

func (t *tally) snapshot() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.s
	s.Status, s.Errors = maps.Clone(t.s.Status), maps.Clone(t.s.Errors)
	switch {
	case t.began.IsZero():
	case t.ended.IsZero():
		s.Elapsed = time.Since(t.began)
	default:
		s.Elapsed = t.ended.Sub(t.began)
	}
	return s
}

func errorKind(err error) string {
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "eof"
	}
	return "other"
}
