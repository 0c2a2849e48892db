package painter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/creack/pty"

	"apitop/tui/canvas"
)

// TestFirstFrame: the terminal of these tests answers no query at all.
func TestFirstFrame(t *testing.T) {
	for _, env := range []string{"TERM=xterm-256color", "TERM=linux", "TERM=tmux-256color", "TERM=dumb", "TERM=", "NO_COLOR=1"} {
		t.Run(env, func(t *testing.T) {
			term := start(t, "run", env)
			term.seeText(fmt.Sprintf("size %dx%d area %dx%d", cols, rows, cols, rows))
			term.seeText("corner")
			took := time.Since(term.since)
			if took > time.Second {
				t.Errorf("the first frame took %v", took)
			}
			t.Logf("first frame after %v", took)
			term.write("q")
			if code := term.exit(); code != 0 {
				t.Errorf("exit status %d", code)
			}
			term.said("ended well")
			term.restored()
		})
	}
}

func TestRestoredOnEveryWayOut(t *testing.T) {
	tests := map[string]struct {
		mode string
		key  string
		sig  syscall.Signal
		code int
		says string
	}{
		"quit":                 {key: "q", says: "ended well"},
		"interrupt":            {key: "i", code: 130, says: "ended: interrupted"},
		"SIGTERM":              {sig: syscall.SIGTERM, says: "ended well"},
		"SIGINT":               {sig: syscall.SIGINT, code: 130, says: "ended: interrupted"},
		"SIGQUIT":              {sig: syscall.SIGQUIT, code: 130, says: "ended: interrupted"},
		"SIGHUP":               {sig: syscall.SIGHUP, code: 129, says: "ended: the terminal went away"},
		"panic in Init":        {mode: "panic-in-init", code: 70, says: "ended: panic: in Init, stack of true"},
		"panic in Update":      {key: "U", code: 70, says: "ended: panic: in Update, stack of true"},
		"panic in Draw":        {key: "D", code: 70, says: "ended: panic: in Draw, stack of true"},
		"panic in a goroutine": {key: "G", code: 70, says: "ended: panic: in a goroutine, stack of true"},
		"panic in a command":   {key: "C", code: 70, says: "ended: panic: in a command, stack of true"},
		"panic in a batch":     {key: "B", code: 70, says: "ended: panic: in a batch, stack of true"},
		"panic in a sequence":  {key: "S", code: 70, says: "ended: panic: in a sequence, stack of true"},
		"SIGTERM while hung":   {key: "H", sig: syscall.SIGTERM, says: "ended well"},
		"SIGHUP while hung":    {key: "H", sig: syscall.SIGHUP, code: 129, says: "ended: the terminal went away"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			term := start(t, cmp.Or(tt.mode, "run"), "PAINTER_MOUSE=1")
			if tt.mode == "" {
				term.seeText("corner")
			}
			term.write(tt.key)
			if tt.sig != 0 {
				time.Sleep(50 * time.Millisecond) // the key must be in the model's hands
				term.signal(tt.sig)
			}
			if code := term.exit(); code != tt.code {
				t.Errorf("exit status %d, want %d", code, tt.code)
			}
			term.said(tt.says)
			term.restored()
		})
	}
}

// TestStalledTerminal: nobody reads the other end, so the program hangs in a
// write, and so would its farewell.
func TestStalledTerminal(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = master.Close() }()
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"TERM=xterm", "GORACE=atexit_sleep_ms=0", helperEnv + "=run"}
	cmd.Stdin, cmd.Stdout = slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	buf := make([]byte, 1000)
	if _, err := master.Read(buf); err != nil { // it has begun
		t.Fatal(err)
	}
	if _, err := master.WriteString("F"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond) // for the buffers to fill
	begin := time.Now()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	err = cmd.Wait()
	if took := time.Since(begin); err != nil || took > grace+2*farewell {
		t.Errorf("ends with %v after %v", err, took)
	}
}

func TestSuspend(t *testing.T) {
	script := `set -m; "$0"; echo "STOPPED"; stty -a | tr '\n' ' '; echo; fg >/dev/null; echo "DONE $?"`
	term := startCommand(t, exec.Command("/bin/sh", "-c", script, os.Args[0]), helperEnv+"=run", "PAINTER_MOUSE=1")
	term.seeText("corner")
	term.write("\x1a")
	term.said("STOPPED")
	term.said(" icanon ")
	term.seeText("resumed 1")
	term.see("the modes again", func(v *vt) bool {
		return v.modes["1049"] && !v.modes["25"] && v.modes["2004"] && v.modes["1000"] && v.clears >= 2
	})
	term.seeText("corner")
	term.write("x")
	term.seeText("keys ctrl+z x ")
	term.write("q")
	if code := term.exit(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	term.said("DONE 0")
	term.restored()
}

// TestBackground: continued by "bg" the program must neither draw nor stop again
// by touching the terminal, and end when it is told to.
func TestBackground(t *testing.T) {
	script := `set -m; "$0"; bg >/dev/null; while jobs -l | grep -q -i stopped; do :; done; stty -a | tr '\n' ' '; echo BACKGROUND
		kill -TERM %1; wait %1; echo "DONE $?"`
	term := startCommand(t, exec.Command("/bin/sh", "-c", script, os.Args[0]), helperEnv+"=run")
	term.seeText("corner")
	term.write("\x1a")
	term.said("BACKGROUND")
	term.said("DONE 0")
	term.exit()
	term.restored()
	if !strings.Contains(term.tail, " icanon ") || term.vt.clears != 1 {
		t.Errorf("in the background it took the terminal: %q, %d repaints", term.tail, term.vt.clears)
	}
}

// TestSuspendWithoutShell: nobody could continue the leader of a session, so
// the system does not stop it, and the program must come back.
func TestSuspendWithoutShell(t *testing.T) {
	term := start(t, "run")
	term.seeText("corner")
	term.write("\x1a")
	term.see("the screen left", func(v *vt) bool { return !v.modes["1049"] })
	term.seeText("resumed 1")
	term.write("q")
	if code := term.exit(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	term.restored()
}

// TestOutsideStop: a stop the program did not ask for leaves the screen as it
// is; once continued it takes the terminal again and repaints everything.
func TestOutsideStop(t *testing.T) {
	term := start(t, "run")
	term.seeText("corner")
	term.signal(syscall.SIGSTOP)
	time.Sleep(20 * time.Millisecond)
	term.signal(syscall.SIGCONT)
	term.seeText("resumed 1")
	term.see("a full repaint", func(v *vt) bool { return v.clears == 2 })
	term.signal(syscall.SIGTERM)
	if code := term.exit(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	term.restored()
}

func TestResizeStorm(t *testing.T) {
	term := start(t, "run")
	term.seeText("corner")
	r := rand.New(rand.NewPCG(5, 6))
	sizes := []pty.Winsize{{Cols: 1, Rows: 1}, {}, {Cols: 500, Rows: 200}, {Cols: 1, Rows: 60}, {Cols: 200, Rows: 1}, {Cols: 0, Rows: 9}}
	term.mu.Lock()
	term.vt.resize(500, 200) // large enough for whatever is under way
	term.mu.Unlock()
	for i := range 1000 {
		size := sizes[i%len(sizes)]
		if i%2 == 0 {
			size = pty.Winsize{Cols: uint16(r.IntN(120)), Rows: uint16(r.IntN(60))}
		}
		if err := pty.Setsize(term.master, &size); err != nil {
			t.Fatal(err)
		}
	}
	if err := pty.Setsize(term.master, &pty.Winsize{Cols: 44, Rows: 7}); err != nil {
		t.Fatal(err)
	}
	term.seeText("size 44x7 area 44x7")
	term.write("xyz")
	term.seeText("keys x y z ")
	term.write("q")
	if code := term.exit(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	term.restored()
}

func TestNoSizeIsTheClassicSize(t *testing.T) {
	term := start(t, "run")
	term.seeText("corner")
	term.mu.Lock()
	term.vt.resize(80, 24)
	term.mu.Unlock()
	if err := pty.Setsize(term.master, &pty.Winsize{}); err != nil {
		t.Fatal(err)
	}
	term.seeText("size 80x24")
}

// TestTerminalLost closes the other end: the program must not run on without a
// terminal, whether SIGHUP is ignored or not.
func TestTerminalLost(t *testing.T) {
	for _, mode := range []string{"run", "nohup"} {
		t.Run(mode, func(t *testing.T) {
			term := start(t, mode)
			term.seeText("corner")
			begin := time.Now()
			term.hangUp()
			code := term.exit()
			if took := time.Since(begin); code != 129 || took > 2*time.Second {
				t.Errorf("ends with status %d after %v", code, took)
			}
		})
	}
}

func TestMessagesToThePainter(t *testing.T) {
	term := start(t, "run")
	term.seeText("corner")
	term.write("M")
	term.see("the mouse on", func(v *vt) bool { return v.modes["1000"] && v.modes["1006"] })
	term.write("\x1b[<0;8;3M")
	term.seeText("<7,2>")
	term.write("N")
	term.see("the mouse off", func(v *vt) bool { return !v.modes["1000"] && !v.modes["1006"] })
	term.write("y")
	term.see("a copy and a bell", func(v *vt) bool { return strings.Join(v.extra, " ") == "Y29waWVk \a" })
	term.write("\f")
	term.see("a full repaint", func(v *vt) bool { return v.clears == 2 })
	term.write("T")
	term.see("another theme", func(v *vt) bool { return v.cells[0].sgr == "\x1b[0;1;38;2;11;92;173m" })
	term.write("\x1b[200~q\x1b[201~")
	term.seeText("[q]") // pasted text is no key
	term.write("q")
	if code := term.exit(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	term.restored()
	if Copy(strings.Repeat("x", MaxCopy+1)) != nil {
		t.Error("a text that terminals drop is copied")
	}
}

// TestCopyInTmux: tmux gets the sequence for itself, and wrapped for the terminal
// around it.
func TestCopyInTmux(t *testing.T) {
	term := start(t, "run", "TMUX=/tmp/tmux-1000/default,4711,0")
	term.seeText("corner")
	term.write("y")
	want := "Y29waWVk \x1b]52;c;Y29waWVk\a \a" // the last one is a bell
	term.see("a copy for both", func(v *vt) bool { return strings.Join(v.extra, " ") == want })
	term.write("q")
	if code := term.exit(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	term.restored()
}

// TestIdle: no output, and next to no CPU time, while nothing happens.
func TestIdle(t *testing.T) {
	term := start(t, "run")
	term.seeText("corner")
	time.Sleep(50 * time.Millisecond)
	term.mu.Lock()
	before := term.raw.Len()
	term.mu.Unlock()
	time.Sleep(700 * time.Millisecond)
	term.mu.Lock()
	sent := term.raw.Len() - before
	term.mu.Unlock()
	if sent != 0 {
		t.Errorf("%d bytes sent while idle", sent)
	}
	term.write("q")
	term.exit()
}

// TestBurst: many messages at once become few frames.
func TestBurst(t *testing.T) {
	term := start(t, "run")
	term.seeText("corner")
	term.mu.Lock()
	before := term.vt.frames
	term.mu.Unlock()
	begin := time.Now()
	term.write(strings.Repeat("\x1b[A", 200))
	term.see("the keys", func(v *vt) bool { return strings.Contains(v.text(), "up …") })
	time.Sleep(3 * frameGap)
	term.mu.Lock()
	frames := term.vt.frames - before
	term.mu.Unlock()
	if most := int(time.Since(begin)/frameGap) + 2; frames > most {
		t.Errorf("%d frames for 200 keys, want %d at most", frames, most)
	}
	term.write("q")
	term.exit()
}

type still struct{}

func (still) Init() tea.Cmd          { return tea.Quit }
func (still) Update(tea.Msg) tea.Cmd { return nil }
func (still) Draw(canvas.Area)       {}

func TestNotATerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = master.Close(), slave.Close() }()
	for name, o := range map[string]Options{
		"standard input":  {In: null, Out: slave},
		"standard output": {In: slave, Out: null},
	} {
		err := Run(t.Context(), still{}, o)
		if !errors.Is(err, ErrNotTerminal) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "apitop once") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestInThisProcess runs a program on a pty without a process of its own, for
// the race detector and the check for leaked goroutines.
func TestInThisProcess(t *testing.T) {
	cause := errors.New("enough")
	for name, tt := range map[string]struct {
		model Model
		ctx   func() context.Context
		want  error
	}{
		"quit": {still{}, t.Context, nil},
		"context": {&demo{}, func() context.Context {
			ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, cause)
			t.Cleanup(cancel)
			return ctx
		}, cause},
	} {
		t.Run(name, func(t *testing.T) {
			master, slave, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _, _ = master.Close(), slave.Close() }()
			go drain(master)
			p := New(tt.model, Options{In: slave, Out: slave})
			p.Go(func() { p.Send(tickMsg{}) })
			if err := p.Run(tt.ctx()); !errors.Is(err, tt.want) {
				t.Errorf("ends with %v, want %v", err, tt.want)
			}
			p.Send(tickMsg{}) // after the end: no effect, no block
		})
	}
}

func drain(f *os.File) { _, _ = io.Copy(io.Discard, f) }
