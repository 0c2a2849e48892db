package painter

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

// Why a program ended, other than by its own will.
var (
	// ErrHangup: the terminal went away, or SIGHUP came. Exit status 129.
	ErrHangup = errors.New("the terminal went away")
	// ErrInterrupted: SIGINT or SIGQUIT came. Exit status 130.
	ErrInterrupted = errors.New("interrupted")
	// ErrNotTerminal: there is no terminal to paint on.
	ErrNotTerminal = errors.New("not a terminal")

	errTerminated = errors.New("terminated") // SIGTERM: a wish to quit, no failure
)

// PanicError is a panic of the model, of a command, or of a goroutine started
// with [Program.Go]. Exit status 70, with a crash report.
type PanicError struct {
	Value any    // what the code panicked with
	Stack []byte // of the goroutine that did
}

// Error is the value; the stack is for a crash report.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap is the value, if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// verdict turns the end of the event loop into the error of Run: what stopped
// it counts more than how it stopped.
func (p *Program) verdict(err error) error {
	switch cause := context.Cause(p.ctx); {
	case errors.Is(cause, errTerminated):
		return nil
	case cause != nil:
		return cause
	case err == nil:
		return nil
	case errors.Is(err, syscall.EIO): // what a read gives when the other end is gone
		return ErrHangup
	}
	return fmt.Errorf("read the terminal: %w", err)
}
