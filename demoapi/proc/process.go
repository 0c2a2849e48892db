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
	select {
	case <-p.done:
		return p.err
	default:
		return nil
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
	if p.ended(stopPatience) {
		return nil
	}
	p.signal(syscall.SIGKILL)
	if p.ended(killPatience) {
		return nil
	}
	return fmt.Errorf("process %d (%s) does not end", p.PID(), p.name)
}

func (p *Process) signal(sig syscall.Signal) {
	select {
	case <-p.done: // reaped: its number may belong to somebody else
		return
	default:
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
