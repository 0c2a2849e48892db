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
)

// terminal is the helper program on a real pty.
type terminal struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	before unix.Termios
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
	term := &terminal{t: t, master: master, cmd: cmd, vt: newVT(cols, rows), since: time.Now(),
		ended: make(chan struct{}), hungup: make(chan struct{}), idle: make(chan struct{})}
	term.before = term.termios()
	cmd.Env = append([]string{"TERM=xterm-256color", "PATH=" + os.Getenv("PATH"), "TZ=UTC", "GORACE=atexit_sleep_ms=0"}, env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go term.read()
	go func() {
		_ = cmd.Wait() // the status is looked at by exit
		close(term.ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-term.ended
		term.hangUp()
	})
	return term
}

// hangUp closes the terminal's end. A read that waits would keep it open.
func (term *terminal) hangUp() {
	select {
	case <-term.hungup:
		return
	default:
	}
	close(term.hungup)
	<-term.idle
	_ = term.master.Close()
}

// read takes the output apart: what lies between entering and leaving the
// alternate screen must be frames, the rest is plain text.
func (term *terminal) read() {
	defer close(term.idle)
	buf := make([]byte, 1<<16)
	fds := []unix.PollFd{{Fd: int32(term.master.Fd()), Events: unix.POLLIN}}
	for {
		select {
		case <-term.hungup:
			return
		default:
		}
		if n, _ := unix.Poll(fds, 10); n == 0 {
			continue
		}
		n, err := term.master.Read(buf)
		if err != nil {
			return // the last process on the slave is gone
		}
		term.mu.Lock()
		term.raw.Write(buf[:n])
		term.take(string(buf[:n]))
		term.mu.Unlock()
	}
}

const enterScreen, leaveScreen = "\x1b[?1049h", "\x1b[?1049l"

func (term *terminal) take(s string) {
	for s != "" {
		if term.vt.modes["1049"] || term.vt.rest != "" {
			head, rest, left := strings.Cut(s, leaveScreen)
			if left {
				head += leaveScreen
			}
			term.vt.feed(head)
			s = rest
			continue
		}
		head, rest, entered := strings.Cut(s, enterScreen)
		term.tail += head
		if entered {
			term.vt.feed(enterScreen)
		}
		s = rest
	}
}

// see waits until cond holds of the terminal.
func (term *terminal) see(what string, cond func(*vt) bool) {
	term.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) {
		term.mu.Lock()
		ok, fault := cond(term.vt), term.vt.fault
		term.mu.Unlock()
		if fault != nil {
			term.t.Fatalf("output: %v", fault)
		}
		if ok {
			return
		}
		time.Sleep(time.Millisecond)
	}
	term.mu.Lock()
	defer term.mu.Unlock()
	term.t.Fatalf("never seen: %s; the screen is\n%s\nafter it %q, modes %v", what, term.vt.text(), term.tail, term.vt.modes)
}

func (term *terminal) seeText(s string) {
	term.t.Helper()
	term.see(s, func(v *vt) bool { return strings.Contains(v.text(), s) })
}

func (term *terminal) write(s string) {
	term.t.Helper()
	if _, err := term.master.WriteString(s); err != nil {
		term.t.Fatal(err)
	}
}

func (term *terminal) signal(s syscall.Signal) {
	term.t.Helper()
	if err := term.cmd.Process.Signal(s); err != nil {
		term.t.Fatal(err)
	}
}

// exit waits for the end of the program and returns its status.
func (term *terminal) exit() int {
	term.t.Helper()
	select {
	case <-term.ended:
	case <-time.After(6 * time.Second):
		term.t.Fatal("the program does not end")
	}
	return term.cmd.ProcessState.ExitCode()
}

func (term *terminal) termios() unix.Termios {
	term.t.Helper()
	state, err := unix.IoctlGetTermios(int(term.master.Fd()), unix.TCGETS)
	if err != nil {
		term.t.Fatal(err)
	}
	return *state
}

// restored holds that the terminal is as it was before the program.
func (term *terminal) restored() {
	term.t.Helper()
	term.see("a restored screen", func(v *vt) bool {
		return !v.modes["1049"] && v.modes["25"] && v.modes["7"] && !v.modes["2004"] && !v.modes["1000"] && !v.modes["1006"] &&
			!v.modes["2026"] && v.sgr == "\x1b[m"
	})
	if now := term.termios(); now != term.before {
		term.t.Errorf("the modes of the line are %+v, were %+v", now, term.before)
	}
}

// said waits until the program has printed s after its screen was left.
func (term *terminal) said(s string) {
	term.t.Helper()
	term.see("the words "+s, func(*vt) bool { return strings.Contains(term.tail, s) })
}
