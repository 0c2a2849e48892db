package painter

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// The modes of the screen. Automatic wrapping is off, so that a character which
// the terminal takes for wider than we do cannot push the next row away. Pasted
// text is bracketed, so that its letters are no keys.
const (
	modesOn  = "\x1b[?1049h" + "\x1b[?25l" + "\x1b[?7l" + "\x1b[?2004h"
	modesOff = "\x1b[?2026l" + "\x1b[m" + mouseOff + "\x1b[?2004l" + "\x1b[?7h" + "\x1b[?25h" + "\x1b[?1049l"

	mouseOn  = "\x1b[?1000h" + "\x1b[?1006h"
	mouseOff = "\x1b[?1006l" + "\x1b[?1000l"
)

// farewell is how long a terminal may take to accept the last sequence.
const farewell = 500 * time.Millisecond

// tty is the terminal: its modes, its size and the one way to write to it.
type tty struct {
	in, out *os.File
	mouse   bool
	tmux    bool        // it is a pane of tmux, which keeps sequences that it does not know
	saved   *term.State // as it was before; nil before the first enter
	entered atomic.Bool // it is ours
}

func newTTY(in, out *os.File, mouse bool) *tty {
	return &tty{in: in, out: out, mouse: mouse, tmux: os.Getenv("TMUX") != ""}
}

// check says what is not a terminal, if so.
func (t *tty) check() error {
	for _, f := range []struct {
		file *os.File
		name string
	}{{t.in, "input"}, {t.out, "output"}} {
		if !term.IsTerminal(int(f.file.Fd())) {
			return fmt.Errorf("standard %s is %w: the dashboard needs one; use \"apitop once\" in pipes and scripts",
				f.name, ErrNotTerminal)
		}
	}
	return nil
}

// enter makes the terminal raw and switches to the alternate screen. It may be
// repeated, after something else has used the terminal.
func (t *tty) enter() error {
	state, err := term.MakeRaw(int(t.in.Fd()))
	if err != nil {
		return fmt.Errorf("make the terminal raw: %w", err)
	}
	if !t.entered.Load() {
		t.saved = state // not when an outside stop left our own modes behind
	}
	t.entered.Store(true)
	modes := modesOn
	if t.mouse {
		modes += mouseOn
	}
	if err := t.write([]byte(modes)); err != nil {
		return ErrHangup
	}
	return nil
}

// leave gives the terminal back as it was. Nothing is written after it. It may
// be called by another goroutine than the event loop's, when that hangs, and
// does nothing when the terminal is not ours.
func (t *tty) leave() {
	if !t.entered.Swap(false) {
		return
	}
	t.say(modesOff)
	_ = term.Restore(int(t.in.Fd()), t.saved) // fails only when the terminal is gone
}

// abandon forgets the terminal from the background: the shell has it, with the
// modes it wants, and setting them from here would stop the process.
func (t *tty) abandon() {
	if t.entered.Swap(false) {
		t.say(modesOff)
	}
}

// say writes a last sequence, but does not wait for a terminal that stalls.
func (t *tty) say(s string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = t.out.WriteString(s) // a terminal that is gone needs no farewell
	}()
	select {
	case <-done:
	case <-time.After(farewell):
	}
}

// write sends b, unless the terminal is not ours any more.
func (t *tty) write(b []byte) error {
	for len(b) > 0 && t.entered.Load() {
		n, err := t.out.Write(b)
		b = b[n:]
		switch {
		case err == nil:
		case errors.Is(err, syscall.EAGAIN): // a process that shares the terminal made it non-blocking
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(t.out.Fd()), Events: unix.POLLOUT}}, 100)
		default:
			return err
		}
	}
	return nil
}

// setMouse is the sequence that switches the mouse on or off.
func (t *tty) setMouse(on bool) []byte {
	t.mouse = on
	if on {
		return []byte(mouseOn)
	}
	return []byte(mouseOff)
}

// size is the width and height in cells; a terminal that does not know them
// (a serial line) gets the classic size.
func (t *tty) size() (w, h int) {
	w, h, err := term.GetSize(int(t.out.Fd()))
	if err != nil || w == 0 && h == 0 {
		return 80, 24
	}
	return w, h
}

// lost tells whether the other end of the terminal is gone.
func (t *tty) lost() bool {
	fds := []unix.PollFd{{Fd: int32(t.out.Fd())}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0 && fds[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
}

// foreground tells whether the process may set the modes of the terminal.
func (t *tty) foreground() bool {
	group, err := unix.IoctlGetInt(int(t.in.Fd()), unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp() // err: not our controlling terminal, nobody stops us
}
