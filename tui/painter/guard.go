package painter

import (
	"reflect"
	"runtime/debug"

	tea "github.com/charmbracelet/bubbletea"
)

// Go runs f in a goroutine. If it panics the program ends, the terminal is
// restored, and [Program.Run] returns a [*PanicError]; with a plain go statement
// the process would die and leave the terminal raw. It may be called before Run.
func (p *Program) Go(f func()) {
	go func() {
		defer p.catch()
		f()
	}()
}

// catch, deferred, makes a panic the cause of the program's end.
func (p *Program) catch() {
	if v := recover(); v != nil {
		p.stop(&PanicError{Value: v, Stack: debug.Stack()})
	}
}

// loop runs the event loop of Bubble Tea, which calls the model, here. Panics of
// the model are caught closer to it, so that the loop can still clean up.
func (p *Program) loop() error {
	defer p.catch()
	_, err := p.tea.Run()
	return err
}

// guard is cmd with its panics caught, also those of the commands it gives.
// Bubble Tea would catch them as well, but prints them on the screen that is
// about to vanish.
func (p *Program) guard(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() tea.Msg {
		defer p.catch()
		msg := cmd()
		p.guardNested(msg)
		return msg
	}
}

// guardNested guards the commands in what [tea.Batch] and [tea.Sequence] give:
// both are slices of commands, but the type of the second has no name here.
func (p *Program) guardNested(msg tea.Msg) {
	v := reflect.ValueOf(msg)
	if v.Kind() != reflect.Slice || v.Type().Elem() != reflect.TypeFor[tea.Cmd]() {
		return
	}
	for i := range v.Len() {
		if cmd, ok := reflect.TypeAssert[tea.Cmd](v.Index(i)); ok {
			v.Index(i).Set(reflect.ValueOf(p.guard(cmd)))
		}
	}
}
