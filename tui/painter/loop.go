package painter

import (
	"encoding/base64"
	"strings"
	"syscall"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/tui/theme"
)

// MaxCopy is how many bytes [Copy] takes at most; many terminals drop more.
const MaxCopy = 74994

// Messages to the painter itself; the model does not see them.
type (
	redrawMsg struct{}
	paintMsg  struct{}
	themeMsg  struct{ theme *theme.Theme }
	mouseMsg  bool
	rawMsg    string // goes to the terminal as it is
	copyMsg   string // for the clipboard
	contMsg   struct{}
)

// Redraw is a command that repaints every cell, for a screen that something
// else has written on.
func Redraw() tea.Msg { return redrawMsg{} }

// Bell is a command that rings the terminal's bell.
func Bell() tea.Msg { return rawMsg("\a") }

// SetTheme is a command that changes the theme.
func SetTheme(t *theme.Theme) tea.Cmd { return func() tea.Msg { return themeMsg{t} } }

// SetMouse is a command that switches the reports of the mouse on or off.
func SetMouse(on bool) tea.Cmd { return func() tea.Msg { return mouseMsg(on) } }

// Copy is a command that puts text into the clipboard of the terminal (OSC 52),
// also over ssh and inside tmux. The terminal may not allow it and does not say so. A text of
// more than [MaxCopy] bytes is not copied.
func Copy(text string) tea.Cmd {
	if len(text) > MaxCopy {
		return nil
	}
	return func() tea.Msg { return copyMsg(text) }
}

// clipboard is the sequence that puts text into the clipboard. tmux takes it for
// itself where it is set up to ("set-clipboard on"), and hands on what is wrapped
// for it, with each escape doubled, where that is allowed ("allow-passthrough
// on"); it drops the other one.
func clipboard(text string, tmux bool) string {
	set := "\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(text)) + "\a"
	if !tmux {
		return set
	}
	return set + "\x1bPtmux;" + strings.ReplaceAll(set, "\x1b", "\x1b\x1b") + "\x1b\\"
}

// loop is the program as Bubble Tea sees it.
type loop struct{ p *Program }

func (l loop) Init() tea.Cmd                           { return l.p.start() }
func (l loop) Update(msg tea.Msg) (tea.Model, tea.Cmd) { return l, l.p.update(msg) }
func (loop) View() string                              { return "" }

// start shows the first frame before anything is waited for.
func (p *Program) start() tea.Cmd {
	defer p.catch()
	init := p.guard(p.model.Init())
	size := p.resize(p.tty.size())
	p.paint()
	return tea.Batch(init, size)
}

// filter takes what Bubble Tea would handle in other ways: its suspension knows
// only its own renderer, and an interrupt would leave its reader of keys behind.
func (p *Program) filter(_ tea.Model, msg tea.Msg) tea.Msg {
	switch msg.(type) {
	case tea.SuspendMsg:
		p.suspend()
		return nil
	case tea.InterruptMsg:
		p.stop(ErrInterrupted)
		return tea.QuitMsg{}
	}
	return msg
}

// update handles one message and paints.
func (p *Program) update(msg tea.Msg) (cmd tea.Cmd) {
	defer p.catch()
	if p.ctx.Err() != nil {
		return nil // what came before the end: the model may have panicked
	}
	switch msg := msg.(type) {
	case paintMsg:
		if p.pending {
			p.paint()
		}
		return nil
	case rawMsg:
		p.write([]byte(msg))
		return nil
	case copyMsg:
		p.write([]byte(clipboard(string(msg), p.tty.tmux)))
		return nil
	case mouseMsg:
		p.write(p.tty.setMouse(bool(msg)))
		return nil
	case redrawMsg:
		p.screen.full = true
	case themeMsg:
		p.screen.setTheme(msg.theme)
	case contMsg:
		cmd = p.resume()
	case tea.WindowSizeMsg:
		cmd = p.resize(msg.Width, msg.Height)
	case tea.KeyMsg:
		cmd = p.keys(msg)
	default:
		cmd = p.guard(p.model.Update(msg))
	}
	p.paintSoon()
	return cmd
}

// keys hands over key presses one by one. Letters that arrive together, typed
// ahead or over a slow line, are one message of Bubble Tea's; it would match no
// key.
func (p *Program) keys(msg tea.KeyMsg) tea.Cmd {
	if msg.Type != tea.KeyRunes || msg.Paste || len(msg.Runes) < 2 {
		return p.guard(p.model.Update(msg))
	}
	cmds := make([]tea.Cmd, len(msg.Runes))
	for i, r := range msg.Runes {
		cmds[i] = p.guard(p.model.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}}))
	}
	return tea.Sequence(cmds...)
}

// resize tells the model the size it will draw in.
func (p *Program) resize(w, h int) tea.Cmd {
	w, h = p.screen.resize(w, h)
	return p.guard(p.model.Update(tea.WindowSizeMsg{Width: w, Height: h}))
}

// suspend gives the terminal back and stops the process, as the shell's Ctrl-Z
// would. Where no shell could continue it the system ignores the signal; then
// the program comes back by itself.
func (p *Program) suspend() {
	p.tty.leave()
	const soon = 500 * time.Millisecond // a stopped process gets here when it is continued
	time.AfterFunc(soon, func() {
		time.Sleep(soon / 10) // let SIGCONT come first
		if !p.tty.entered.Load() {
			p.Send(contMsg{})
		}
	})
	_ = syscall.Kill(0, syscall.SIGTSTP) // cannot fail for the own group
}

// resume takes the terminal again after a stop, whoever stopped the process. In
// the background it must not touch it: SIGCONT comes again with the foreground.
func (p *Program) resume() tea.Cmd {
	if !p.tty.foreground() {
		p.tty.abandon()
		return nil
	}
	if err := p.tty.enter(); err != nil {
		p.stop(ErrHangup) // the end of a terminal continues stopped processes, too
		return nil
	}
	p.screen.full = true
	return tea.Batch(p.resize(p.tty.size()), p.guard(p.model.Update(tea.ResumeMsg{})))
}

// paintSoon paints now or, when the last frame is only just out, a little later
// for all messages that come until then.
func (p *Program) paintSoon() {
	wait := frameGap - time.Since(p.painted)
	if wait <= 0 {
		p.paint()
		return
	}
	if !p.pending {
		p.pending = true
		time.AfterFunc(wait, func() { p.Send(paintMsg{}) })
	}
}

// paint draws a frame and sends what differs from the one before.
func (p *Program) paint() {
	p.painted, p.pending = time.Now(), false
	if p.tty.entered.Load() {
		p.write(p.screen.frame(p.model.Draw))
	}
}

func (p *Program) write(b []byte) {
	if err := p.tty.write(b); err != nil {
		p.stop(ErrHangup) // a terminal that can be written to no more is gone
	}
}
