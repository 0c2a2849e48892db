package painter

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// lookEvery is how often the terminal is checked for being there at all: a
// process that ignores SIGHUP would outlive it for ever.
const lookEvery = 500 * time.Millisecond

// resizings are the signals after which the size or the state of the terminal
// may be another.
var resizings = []os.Signal{syscall.SIGWINCH, syscall.SIGCONT}

// endings are the signals that end the program. A SIGHUP that is ignored on
// purpose (nohup) stays ignored; the terminal's loss is still noticed.
func endings() []os.Signal {
	s := []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) {
		s = append(s, syscall.SIGHUP)
	}
	return s
}

// watchEnds ends the program after a signal or when the terminal is lost. It
// never waits for the event loop, which may hang.
func (p *Program) watchEnds(signals <-chan os.Signal) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case s := <-signals:
			p.stop(ending(s))
		case <-look.C:
			if p.tty.lost() {
				p.stop(ErrHangup)
			}
		}
	}
}

func ending(s os.Signal) error {
	switch s {
	case syscall.SIGTERM:
		return errTerminated
	case syscall.SIGHUP:
		return ErrHangup
	}
	return ErrInterrupted
}

// watchChanges tells the event loop of a new size and of a continued process.
// It may wait for the loop: signals that come meanwhile are one change.
func (p *Program) watchChanges(signals <-chan os.Signal) {
	for {
		select {
		case <-p.ctx.Done():
			return
		case s := <-signals:
			if s == syscall.SIGCONT {
				p.Send(contMsg{})
				continue
			}
			w, h := p.tty.size()
			p.Send(tea.WindowSizeMsg{Width: w, Height: h})
		}
	}
}
