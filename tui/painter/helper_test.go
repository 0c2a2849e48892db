package painter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"go.uber.org/goleak"

	_ "apitop/tui/background"
	"apitop/tui/canvas"
	"apitop/tui/theme"
)

// helperEnv makes the test binary a small program on a terminal, for the tests
// that need a process of its own.
const helperEnv = "PAINTER_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helperEnv) != "" {
		os.Exit(helper())
	}
	goleak.VerifyTestMain(m)
}

// helper runs the demo model and says after it how it ended. The modes "calm"
// and "busy" are for measurements: a dashboard whose numbers move each second,
// few of them or all.
func helper() int {
	if os.Getenv(helperEnv) == "nohup" {
		signal.Ignore(syscall.SIGHUP)
	}
	th, err := theme.ForTerminal(os.Getenv("PAINTER_THEME"), os.Getenv)
	if err != nil {
		return 2
	}
	mode := os.Getenv(helperEnv)
	demo := &demo{calm: mode == "calm", busy: mode == "busy"}
	demo.program = New(demo, Options{Theme: th, Mouse: os.Getenv("PAINTER_MOUSE") != ""})
	if os.Getenv(helperEnv) == "panic-in-init" {
		demo.fail = true
	}
	err = demo.program.Run(context.Background())
	return report(err)
}

func report(err error) int {
	var crash *PanicError
	switch {
	case errors.As(err, &crash):
		fmt.Fprintf(os.Stderr, "ended: %v, stack of %t\r\n", err, strings.Contains(string(crash.Stack), "helper_test.go"))
		return 70
	case err != nil:
		fmt.Fprintf(os.Stderr, "ended: %v\r\n", err)
		return cmp.Or(map[error]int{ErrHangup: 129, ErrInterrupted: 130}[err], 1)
	}
	fmt.Fprint(os.Stderr, "ended well\r\n")
	return 0
}

// demo shows its size, the last keys, and a count of the messages it got.
type demo struct {
	program  *Program
	w, h     int
	keys     string
	resumed  int
	ticks    int
	calm     bool
	busy     bool
	fail     bool
	failDraw bool
}

type tickMsg struct{}

func (d *demo) Init() tea.Cmd {
	if d.fail {
		panic("in Init")
	}
	return d.again()
}

func (d *demo) again() tea.Cmd {
	if !d.calm && !d.busy {
		return nil
	}
	return second()
}

func second() tea.Cmd { return tea.Tick(time.Second, func(time.Time) tea.Msg { return tickMsg{} }) }

func (d *demo) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		d.w, d.h = msg.Width, msg.Height
	case tea.ResumeMsg:
		d.resumed++
	case tickMsg:
		d.ticks++
		return d.again()
	case tea.MouseMsg:
		d.keys += fmt.Sprintf("<%d,%d>", msg.X, msg.Y)
	case tea.KeyMsg:
		d.keys += msg.String() + " "
		return d.key(msg.String())
	}
	return nil
}

// key does what the tests ask for, each in another place.
func (d *demo) key(key string) tea.Cmd {
	switch key {
	case "q":
		return tea.Quit
	case "i":
		return tea.Interrupt
	case "ctrl+z":
		return tea.Suspend
	case "ctrl+l":
		return Redraw
	case "M":
		return SetMouse(true)
	case "N":
		return SetMouse(false)
	case "y":
		return tea.Sequence(Copy("copied"), Bell)
	case "T":
		light, _ := theme.New("light", 0)
		return SetTheme(light)
	case "U":
		panic("in Update")
	case "D":
		d.failDraw = true
	case "G":
		d.program.Go(func() { panic(errors.New("in a goroutine")) })
	case "C":
		return func() tea.Msg { panic("in a command") }
	case "B":
		return tea.Batch(Bell, func() tea.Msg { panic("in a batch") })
	case "S":
		return tea.Sequence(Bell, func() tea.Msg { panic("in a sequence") })
	case "H":
		select {} // hang
	case "F": // a flood of output
		return func() tea.Msg { return rawMsg(strings.Repeat("x", 1<<20)) }
	}
	return nil
}

func (d *demo) Draw(a canvas.Area) {
	if d.failDraw {
		panic("in Draw")
	}
	if d.calm || d.busy {
		dashboard(a, d.ticks, d.calm)
		a.TextIn(40, 0, 40, fmt.Sprint(len(d.keys), " keys"), theme.Plain)
		return
	}
	w, h := a.Size()
	a.Text(0, 0, fmt.Sprintf("size %dx%d area %dx%d resumed %d ticks %d", d.w, d.h, w, h, d.resumed, d.ticks), theme.Title)
	a.TextRight(0, h-1, w, "corner", theme.Good)
	a.TextIn(0, 1, w, "keys "+d.keys+"世界", theme.Plain)
	for y := 2; y < h-1; y++ {
		a.Text(0, y, fmt.Sprintf("line %d", y), theme.Dim)
	}
}
