// Package painter owns the terminal.
//
// Bubble Tea runs the event loop and reads keys; its renderer is off, since it
// ticks for ever and rebuilds strings. After every message the model draws on a
// canvas of cells; what differs from the frame before goes out in one write,
// wrapped in a synchronised update (DEC mode 2026). Bursts of messages become
// one frame. Nothing is written while nothing changes, and no query is ever
// sent, so a terminal that answers nothing delays nothing.
//
// The terminal is restored on every way out: quit, signal, lost terminal, hung
// model, and a panic in the model, in a command or in a goroutine started with
// [Program.Go]. Only os.Exit, SIGKILL and a panic in some other goroutine leave
// it as it is. While a Program runs nothing else may write to its terminal.
//
// The package works on Unix systems.
package painter

import (
	"context"
	"io"
	"os"
	"os/signal"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/muesli/termenv"

	"apitop/tui/canvas"
	"apitop/tui/theme"
)

// Model is what a Program shows. Its methods are called by one goroutine, one
// after the other, and must not block. Init comes first, then Update with the
// size ([tea.WindowSizeMsg]), then Draw.
//
// Commands may be the ones of Bubble Tea that give messages, and [tea.Quit],
// [tea.Interrupt] and [tea.Suspend]; those that change the screen (alternate
// screen, mouse, title, [tea.Exec]) have no effect here or a bad one.
type Model interface {
	Init() tea.Cmd
	Update(msg tea.Msg) tea.Cmd
	// Draw draws the whole frame; the area is blank before.
	Draw(canvas.Area)
}

// Options say where to paint.
type Options struct {
	In, Out *os.File     // the terminal; nil is os.Stdin and os.Stdout
	Theme   *theme.Theme // nil is the default one in sixteen colours
	Mouse   bool         // report clicks and the wheel; the terminal's own selection then needs Shift
}

const (
	frameGap = 8 * time.Millisecond // between the starts of two frames at least
	grace    = 2 * time.Second      // for the loop to end once it was told to
)

// Program is a model with its terminal. It runs once.
type Program struct {
	model  Model
	tty    *tty
	screen *screen
	tea    *tea.Program

	ctx  context.Context // ends when the program must; the cause says why
	stop context.CancelCauseFunc
	kill context.CancelFunc // ends the event loop of Bubble Tea without its goodbye

	// Owned by the event loop.
	painted time.Time // start of the last frame
	pending bool      // a frame is due, a timer will ask for it
}

// New prepares a Program; it does not touch the terminal yet.
func New(m Model, o Options) *Program {
	if o.In == nil {
		o.In = os.Stdin
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if o.Theme == nil {
		o.Theme, _ = theme.New("", termenv.ANSI) // the default name is always known
	}
	p := &Program{model: m, tty: newTTY(o.In, o.Out, o.Mouse), screen: newScreen(o.Theme)}
	p.ctx, p.stop = context.WithCancelCause(context.Background())
	ctx, kill := context.WithCancel(context.Background())
	p.kill = kill
	p.tea = tea.NewProgram(loop{p},
		tea.WithContext(ctx), tea.WithInput(o.In), tea.WithOutput(io.Discard), tea.WithFilter(p.filter),
		tea.WithoutRenderer(), tea.WithoutSignalHandler(), tea.WithoutCatchPanics())
	return p
}

// Run shows m until it ends; see [Program.Run].
func Run(ctx context.Context, m Model, o Options) error { return New(m, o).Run(ctx) }

// Run takes the terminal, runs the model until it ends, and gives the terminal
// back before it returns. The error is nil after [tea.Quit] and SIGTERM,
// [ErrInterrupted] after [tea.Interrupt], SIGINT and SIGQUIT, [ErrHangup] after
// SIGHUP and when the terminal is lost, a [*PanicError] after a panic,
// [ErrNotTerminal] when there is no terminal to take, and the cause of ctx when
// that ended. A model that hangs is left behind after two seconds.
func (p *Program) Run(ctx context.Context) error {
	defer p.kill() // nothing that sends may wait after the end
	defer p.stop(nil)
	defer context.AfterFunc(ctx, func() { p.stop(context.Cause(ctx)) })()

	if err := p.tty.check(); err != nil {
		return err
	}
	ends, changes := make(chan os.Signal, 4), make(chan os.Signal, 1)
	signal.Notify(ends, endings()...)
	signal.Notify(changes, resizings...)
	defer signal.Stop(ends) // last of all: a second signal must not kill a half restored terminal
	defer signal.Stop(changes)

	defer p.tty.leave()
	if err := p.tty.enter(); err != nil {
		return err
	}
	p.Go(func() { p.watchEnds(ends) })
	p.Go(func() { p.watchChanges(changes) })
	return p.wait()
}

// wait runs the event loop until it ends, or does not end although it must.
func (p *Program) wait() error {
	ended := make(chan error, 1)
	go func() { ended <- p.loop() }()
	select {
	case err := <-ended:
		return p.verdict(err)
	case <-p.ctx.Done():
		go p.tea.Quit() // killed, it would leave its reader of keys behind
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case err := <-ended:
		return p.verdict(err)
	case <-late.C: // Update hangs, or the terminal takes no output
		return p.verdict(nil)
	}
}

// Send hands msg to the model. It blocks while the event loop is busy or not
// started yet, and does nothing once the program has ended.
func (p *Program) Send(msg tea.Msg) { p.tea.Send(msg) }
