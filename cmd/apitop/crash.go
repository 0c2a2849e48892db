package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"apitop/cmd/internal/build"
	"apitop/collectors/safe"
	"apitop/tui/painter"
)

// stateDir is the folder for what the program leaves behind.
func stateDir(getenv func(string) string) string {
	dir := getenv("XDG_STATE_HOME")
	if dir == "" {
		dir = filepath.Join(getenv("HOME"), ".local", "state")
	}
	return filepath.Join(dir, "apitop")
}

// crashReport writes what went wrong to a file that only the user can read, and
// gives the line to print.
func crashReport(p process, crash *painter.PanicError) string {
	text := fmt.Sprintf("%s\n%s\n\n%v\n\n%s\n", build.Version("apitop"), time.Now().Format(time.RFC3339), crash, crash.Stack)
	dir := stateDir(p.getenv)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return text
	}
	name := filepath.Join(dir, "crash-"+time.Now().Format("20060102-150405")+".txt")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		return text
	}
	return fmt.Sprintf("a fault in apitop stopped it: %s; the report is in %s", safe.Clean(crash.Error(), 200), name)
}
