package proc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// guardPatience bounds the guard's first word and its clearing up.
const guardPatience = 5 * time.Second

// ErrClosed is returned by [Guard.Start] after [Guard.Close].
var ErrClosed = errors.New("the guard is closed")

// Guard owns a private folder and the processes started through it. Its methods
// may be called concurrently; the zero value is of no use, see [Open].
type Guard struct {
	dir     string
	lock    *os.File // held by us and by the guard process
	life    *os.File // the guard process reads the other end until we are gone
	cmd     *exec.Cmd
	starts  chan start
	closing chan struct{}
	once    sync.Once
	err     error // of Close

	mu    sync.Mutex // guards procs
	procs []*Process // in order of their start
}

// start asks the starting thread to start a command.
type start struct {
	cmd  *exec.Cmd
	done chan error
}

// Open clears what crashed runs left in base (empty: [TempBase]), makes a
// private folder there and starts the guard process for it.
func Open(base string) (*Guard, error) {
	if os.Getenv(childMark) != "" {
		return nil, errors.New("start a guard: this program is itself a guarded child; its main has to call proc.RunGuard first")
	}
	if base == "" {
		base = TempBase()
	}
	sweep(base)
	dir, lock, err := makeDir(base)
	if err != nil {
		return nil, err
	}
	g := &Guard{dir: dir, lock: lock, starts: make(chan start), closing: make(chan struct{})}
	if err := g.startGuard(); err != nil {
		return nil, errors.Join(err, removeDir(dir), lock.Close())
	}
	go g.serve()
	return g, nil
}

// Dir is the private folder. Everything in it is removed by Close or, should
// this process die, by the guard.
func (g *Guard) Dir() string { return g.dir }

// startGuard starts the guard process and waits for its first word.
func (g *Guard) startGuard() error {
	cmd, err := Self(guardArg, g.dir)
	if err != nil {
		return fmt.Errorf("find this program's file: %w", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make the guard's pipe: %w", err)
	}
	defer read.Close()
	// A session of its own: what the terminal sends to us does not reach it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Dir = "/" // keeps no file system busy
	cmd.Stdin = read
	cmd.ExtraFiles = []*os.File{g.lock} // descriptor 3
	hello, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("start the guard: %w", err), write.Close())
	}
	g.cmd, g.life = cmd, write
	// Not the guard's doing when it stays silent: the main does not call RunGuard.
	late := time.AfterFunc(guardPatience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	word := make([]byte, len(guardHello))
	if _, err := io.ReadFull(hello, word); err != nil || string(word) != guardHello {
		_ = cmd.Process.Kill() // it may have ended by itself
		return errors.Join(errors.New("start the guard: no answer; main has to call proc.RunGuard first"), write.Close(), reap(cmd))
	}
	return nil
}

// reap waits for a killed command; that it was killed is no error.
func reap(cmd *exec.Cmd) error {
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}

// serve starts the children. The kernel signals a child when the thread that
// started it ends, not the process: so all are started on this one thread, which
// ends only after Close has stopped them.
func (g *Guard) serve() {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	for s := range g.starts {
		s.done <- s.cmd.Start()
	}
}

// Start starts cmd in a process group of its own, so that a Ctrl-C in the
// terminal does not hit it, and puts it under guard; stop is the signal that
// ends it. cmd.SysProcAttr may hold credentials; of the environment only what a
// child needs is passed on.
func (g *Guard) Start(cmd *exec.Cmd, name string, stop syscall.Signal) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.Env = append(cleanEnv(cmd.Environ()), childMark+"="+g.dir)
	dieWithOwner(cmd.SysProcAttr, stop)

	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.closing:
		return nil, fmt.Errorf("start %s: %w", name, ErrClosed)
	default:
	}
	s := start{cmd: cmd, done: make(chan error, 1)}
	g.starts <- s // received: serve runs until closing is closed, under the same lock
	if err := <-s.done; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Process{name: name, cmd: cmd, stop: stop, done: make(chan struct{})}
	// Servers that are switched off and on would fill the list with ended ones.
	g.procs = append(slices.DeleteFunc(g.procs, (*Process).over), p)
	err := note(g.dir, p)
	go p.wait()
	if err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// note records p for the guard. A child that has already ended needs no guard.
func note(dir string, p *Process) error {
	id, ok := identity(p.PID())
	if !ok {
		return nil
	}
	return addRecord(dir, record{Name: p.name, PID: p.PID(), ID: id, Stop: p.stop})
}

// Close stops the children, the last started first, removes the folder and ends
// the guard process. It may be called more than once.
func (g *Guard) Close() error {
	g.once.Do(func() { g.err = g.close() })
	return g.err
}

func (g *Guard) close() error {
	g.mu.Lock()
	close(g.closing)
	procs := g.procs
	g.mu.Unlock()

	var errs []error
	for _, p := range slices.Backward(procs) {
		errs = append(errs, p.Stop())
	}
	close(g.starts)
	// The guard sees the end of its pipe, finds nobody to end and removes the
	// folder; should it be gone, we do.
	errs = append(errs, g.life.Close())
	late := time.AfterFunc(guardPatience, func() { _ = g.cmd.Process.Kill() })
	defer late.Stop()
	errs = append(errs, reap(g.cmd), removeDir(g.dir), g.lock.Close())
	return errors.Join(errs...)
}
