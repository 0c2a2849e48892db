package proc

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

const (
	// guardArg is the hidden first argument that makes this program a guard.
	guardArg = "__guard"
	// guardHello is the guard's only line on stdout: it is on watch.
	guardHello = "on guard\n"
	// lockFD is where the guard inherits the folder's lock.
	lockFD = 3
)

// RunGuard runs the guard when args (os.Args without the program's name) ask for
// it, until its owner is gone. main calls it before anything else and exits
// with code when handled is true.
func RunGuard(args []string) (handled bool, code int) {
	if len(args) != 2 || args[0] != guardArg {
		return false, 0
	}
	if err := guard(args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return true, 1
	}
	return true, 0
}

func guard(dir string) error {
	lock, err := heldLock(dir)
	if err != nil {
		return err
	}
	defer lock.Close() // last: until then no sweep touches the folder
	// Only the owner's end ends the guard.
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGPIPE)
	if _, err := io.WriteString(os.Stdout, guardHello); err != nil {
		return fmt.Errorf("guard: greet the owner: %w", err)
	}
	// The owner never writes: this returns when its last descriptor is closed.
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return fmt.Errorf("guard: watch the owner: %w", err)
	}
	endAll(dir)
	if err := removeDir(dir); err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	return nil
}

// heldLock is the inherited lock, if it is the one of dir: nothing but a folder
// handed over by its owner is ever cleared.
func heldLock(dir string) (*os.File, error) {
	f := os.NewFile(lockFD, lockName)
	ours, err := f.Stat()
	if err == nil {
		var there os.FileInfo
		there, err = os.Lstat(filepath.Join(dir, lockName)) //nolint:gosec // only looked at
		if err == nil && os.SameFile(ours, there) {
			return f, nil
		}
	}
	return nil, fmt.Errorf("guard: %s was not handed over by its owner; this command is internal", dir)
}
