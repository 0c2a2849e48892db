package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"syscall"

	"github.com/shirou/gopsutil/v3/process"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// watched follows one process by its pid. A pid that vanishes and comes back is
// another process: it is looked at anew.
type watched struct {
	pid  int32
	proc *process.Process // caches the start time; nil until the process was seen
	cpu  float64          // seconds at the last reading
}

// newWatched follows pid; one that no system can have is simply not there.
func newWatched(pid int) *watched { return &watched{pid: int32(min(pid, math.MaxInt32))} }

// read gives the process as it is now, nil when it is not there, and what could
// not be read of it.
func (w *watched) read(ctx context.Context) (p *snapshot.Process, notes []snapshot.Note) {
	defer func() {
		if r := recover(); r != nil { // gopsutil on a /proc file it does not know
			p, notes = nil, []snapshot.Note{note(fmt.Sprintf("process %d cannot be read: %v", w.pid, r), "")}
		}
	}()
	seconds, err := w.cpuSeconds(ctx)
	if err != nil {
		w.proc = nil
		return nil, []snapshot.Note{w.explain(err)}
	}
	p = &snapshot.Process{PID: int(w.pid), CPUSeconds: snapshot.Known(seconds)}
	if ms, err := w.proc.CreateTimeWithContext(ctx); err == nil && ms > 0 {
		p.StartTime = snapshot.Known(float64(ms) / 1000)
	}
	if m, err := w.proc.MemoryInfoWithContext(ctx); err == nil {
		p.RSSBytes = snapshot.Known(float64(m.RSS))
	}
	if p.RSSBytes == snapshot.Known(0) && w.zombie(ctx) {
		w.proc = nil
		return nil, []snapshot.Note{note(fmt.Sprintf("process %d has ended; its parent has not collected it yet", w.pid), newPIDFix)}
	}
	if n, err := w.proc.NumThreadsWithContext(ctx); err == nil {
		p.Threads = snapshot.Known(float64(n))
	}
	// After the threads: on Linux the same file holds the name, so it is free.
	if name, err := w.proc.NameWithContext(ctx); err == nil {
		p.Name = safe.New(name)
	}
	fds, err := w.proc.NumFDsWithContext(ctx)
	if err == nil {
		p.OpenFDs = snapshot.Known(float64(fds))
	} else if errors.Is(err, fs.ErrPermission) {
		notes = append(notes, note(fmt.Sprintf("the open files of process %d may not be counted", w.pid), sameUserFix))
	}
	return p, notes
}

const (
	newPIDFix   = "give the new pid with --pid"
	sameUserFix = "run apitop as the user of that process"
)

// cpuSeconds reads user and system time. A total that fell belongs to another
// process with the same pid: its start time must not be the old one's.
func (w *watched) cpuSeconds(ctx context.Context) (float64, error) {
	if w.proc == nil {
		w.proc, w.cpu = &process.Process{Pid: w.pid}, 0
	}
	t, err := w.proc.TimesWithContext(ctx)
	if err != nil {
		return 0, fmt.Errorf("read process %d: %w", w.pid, err)
	}
	now := t.User + t.System
	if now < w.cpu {
		w.proc = &process.Process{Pid: w.pid}
	}
	w.cpu = now
	return now, nil
}

func (w *watched) zombie(ctx context.Context) bool {
	s, err := w.proc.StatusWithContext(ctx)
	return err == nil && slices.Contains(s, process.Zombie)
}

// explain turns the error of a process that cannot be read into a note. With
// hidepid on /proc a foreign process looks like one that is gone; a signal of 0
// tells the two apart.
func (w *watched) explain(err error) snapshot.Note {
	if errors.Is(err, fs.ErrPermission) || errors.Is(signal0(int(w.pid)), fs.ErrPermission) {
		return note(fmt.Sprintf("process %d may not be read", w.pid), sameUserFix)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) || errors.Is(err, process.ErrorProcessNotRunning) {
		return note(fmt.Sprintf("process %d is gone", w.pid), newPIDFix)
	}
	return note(err.Error(), "")
}

// signal0 asks whether a signal could be sent to pid; none is sent.
func signal0(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return fmt.Errorf("find process %d: %w", pid, err)
	}
	defer func() { _ = p.Release() }()
	return p.Signal(syscall.Signal(0))
}
