package proc

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// Process is a started child. Its methods may be called concurrently.
type Process struct {
	name string
	cmd  *exec.Cmd
	stop syscall.Signal
	done chan struct{}
	err  error // set before done is closed
}

// Name is what the child was started as.
func (p *Process) Name() string { return p.name }

// PID is the child's process id, and the id of its process group.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended and was reaped.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err tells how the child ended: nil for exit status 0 and while it runs.
func (p *Process) Err() error {
	if p.over() {
		return p.err
	}
	return nil
}

// over tells whether the child has ended.
func (p *Process) over() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *Process) wait() {
	p.err = p.cmd.Wait()
	close(p.done)
}

// Stop sends the child's stop signal to its group and waits for its end; after
// a while it kills the group. A child that has ended is left alone. The
// error is nil unless the kernel does not end a killed child either.
func (p *Process) Stop() error {
	p.signal(p.stop)
	return p.finish(stopPatience)
}

// StopWith is a Stop by another signal, which the child alone gets, not its group:
// so a server can be asked to end in order, or be ended at once, and be started
// again. After the patience its group is killed.
func (p *Process) StopWith(sig syscall.Signal, patience time.Duration) error {
	if !p.over() {
		_ = p.cmd.Process.Signal(sig) // it may have ended meanwhile
	}
	return p.finish(patience)
}

// finish waits for the end of a child that was told to, and enforces it.
func (p *Process) finish(patience time.Duration) error {
	if p.ended(patience) {
		return nil
	}
	p.signal(syscall.SIGKILL)
	if p.ended(killPatience) {
		return nil
	}
	return fmt.Errorf("process %d (%s) does not end", p.PID(), p.name)
}

func (p *Process) signal(sig syscall.Signal) {
	if p.over() { // reaped: its number may belong to somebody else
		return
	}
	if err := syscall.Kill(-p.PID(), sig); errors.Is(err, syscall.EPERM) {
		_ = p.cmd.Process.Signal(sig) // a member of another user: at least the leader
	}
}

func (p *Process) ended(patience time.Duration) bool {
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-p.done:
		return true
	case <-t.C:
		return false
	}
}
