package painter

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// terminal is the helper program on a real pty.
type terminal struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	before *term.State
	ended  chan struct{}
	hungup chan struct{} // closed to let go of the terminal
	idle   chan struct{} // closed when nothing reads any more

	mu    sync.Mutex // guards what follows, written by the reader
	raw   bytes.Buffer
	vt    *vt
	tail  string // what came after the program had left the screen
	since time.Time
}

const cols, rows = 60, 10

// start runs the helper; env are settings like "TERM=dumb".
func start(t *testing.T, mode string, env ...string) *terminal {
	t.Helper()
	return startCommand(t, exec.Command(os.Args[0]), append(env, helperEnv+"="+mode)...)
}

func startCommand(t *testing.T, cmd *exec.Cmd, env ...string) *terminal {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slave.Close() }()
	if err := pty.Setsize(master, &pty.Winsize{Rows: rows, Cols: cols}); err != nil {
		t.Fatal(err)
	}
	pt := &terminal{t: t, master: master, cmd: cmd, vt: newVT(cols, rows), since: time.Now(),
		ended: make(chan struct{}), hungup: make(chan struct{}), idle: make(chan struct{})}
	pt.before = pt.termios()
	cmd.Env = append([]string{"TERM=xterm-256color", "PATH=" + os.Getenv("PATH"), "TZ=UTC", "GORACE=atexit_sleep_ms=0"}, env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go pt.read()
	go func() {
		_ = cmd.Wait() // the status is looked at by exit
		close(pt.ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-pt.ended
		pt.hangUp()
	})
	return pt
}

// hangUp closes the terminal's end. A read that waits would keep it open.
func (pt *terminal) hangUp() {
	select {
	case <-pt.hungup:
		return
	default:
	}
	close(pt.hungup)
	<-pt.idle
	_ = pt.master.Close()
}

// read takes the output apart: what lies between entering and leaving the
// alternate screen must be frames, the rest is plain text.
func (pt *terminal) read() {
	defer close(pt.idle)
	buf := make([]byte, 1<<16)
	fds := []unix.PollFd{{Fd: int32(pt.master.Fd()), Events: unix.POLLIN}}
	for {
		select {
		case <-pt.hungup:
			return
		default:
		}
		if n, _ := unix.Poll(fds, 10); n == 0 {
			continue
		}
		n, err := pt.master.Read(buf)
		if err != nil {
			return // the last process on the slave is gone
		}
		pt.mu.Lock()
		pt.raw.Write(buf[:n])
		pt.take(string(buf[:n]))
		pt.mu.Unlock()
	}
}

const enterScreen, leaveScreen = "\x1b[?1049h", "\x1b[?1049l"

func (pt *terminal) take(s string) {
	for s != "" {
		if pt.vt.modes["1049"] || pt.vt.rest != "" {
			head, rest, left := strings.Cut(s, leaveScreen)
			if left {
				head += leaveScreen
			}
			pt.vt.feed(head)
			s = rest
			continue
		}
		head, rest, entered := strings.Cut(s, enterScreen)
		pt.tail += head
		if entered {
			pt.vt.feed(enterScreen)
		}
		s = rest
	}
}

// see waits until cond holds of the terminal.
func (pt *terminal) see(what string, cond func(*vt) bool) {
	pt.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) {
		pt.mu.Lock()
		ok, fault := cond(pt.vt), pt.vt.fault
		pt.mu.Unlock()
		if fault != nil {
			pt.t.Fatalf("output: %v", fault)
		}
		if ok {
			return
		}
		time.Sleep(time.Millisecond)
	}
	pt.mu.Lock()
	defer pt.mu.Unlock()
	pt.t.Fatalf("never seen: %s; the screen is\n%s\nafter it %q, modes %v", what, pt.vt.text(), pt.tail, pt.vt.modes)
}

func (pt *terminal) seeText(s string) {
	pt.t.Helper()
	pt.see(s, func(v *vt) bool { return strings.Contains(v.text(), s) })
}

func (pt *terminal) write(s string) {
	pt.t.Helper()
	if _, err := pt.master.WriteString(s); err != nil {
		pt.t.Fatal(err)
	}
}

func (pt *terminal) signal(s syscall.Signal) {
	pt.t.Helper()
	if err := pt.cmd.Process.Signal(s); err != nil {
		pt.t.Fatal(err)
	}
}

// exit waits for the end of the program and returns its status.
func (pt *terminal) exit() int {
	pt.t.Helper()
	select {
	case <-pt.ended:
	case <-time.After(6 * time.Second):
		pt.t.Fatal("the program does not end")
	}
	return pt.cmd.ProcessState.ExitCode()
}

// termios is the state of the line, which both ends share.
func (pt *terminal) termios() *term.State {
	pt.t.Helper()
	state, err := term.GetState(int(pt.master.Fd()))
	if err != nil {
		pt.t.Fatal(err)
	}
	return state
}

// restored holds that the terminal is as it was before the program.
func (pt *terminal) restored() {
	pt.t.Helper()
	pt.see("a restored screen", func(v *vt) bool {
		return !v.modes["1049"] && v.modes["25"] && v.modes["7"] && !v.modes["2004"] && !v.modes["1000"] && !v.modes["1006"] &&
			!v.modes["2026"] && v.sgr == "\x1b[m"
	})
	if now := pt.termios(); *now != *pt.before {
		pt.t.Errorf("the modes of the line are %+v, were %+v", now, pt.before)
	}
}

// said waits until the program has printed s after its screen was left.
func (pt *terminal) said(s string) {
	pt.t.Helper()
	pt.see("the words "+s, func(*vt) bool { return strings.Contains(pt.tail, s) })
}
