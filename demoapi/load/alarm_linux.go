package load

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// fineAlarm is an alarm made of a timer of the kernel, which the runtime watches
// like a connection: it has a resolution of microseconds, and costs no more.
type fineAlarm struct {
	file *os.File
	buf  [8]byte

	mu     sync.Mutex // guards all below, and fd against its reuse
	fd     int
	rung   bool // since the last wait
	closed bool
}

func newFineAlarm() (alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("load: create a timer: %w", err)
	}
	a := &fineAlarm{file: os.NewFile(uintptr(fd), "timer"), fd: fd}
	// Only what the runtime watches has deadlines.
	if err := a.file.SetReadDeadline(time.Time{}); err != nil {
		a.close()
		return nil, fmt.Errorf("load: watch a timer: %w", err)
	}
	return a, nil
}

func (a *fineAlarm) wait(d time.Duration) {
	if d == 0 || a.arm(d) {
		return
	}
	// An error is a timer that was closed; the caller looks at the clock anyway.
	_, _ = a.file.Read(a.buf[:])
}

// arm sets the timer, unless the bell rang.
func (a *fineAlarm) arm(d time.Duration) (rung bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	rung, a.rung = a.rung, false
	return rung || d > 0 && a.set(d) != nil
}

func (a *fineAlarm) ring() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rung = true
	_ = a.set(1) // without a timer nobody waits
}

// set needs mu.
func (a *fineAlarm) set(d time.Duration) error {
	if a.closed {
		return os.ErrClosed
	}
	return unix.TimerfdSettime(a.fd, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}, nil)
}

func (a *fineAlarm) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	_ = a.file.Close()
}
