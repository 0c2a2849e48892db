package main

import (
	"os"
	"strings"
	"testing"

	"apitop/tui/painter"
)

// TestCrashReport writes a file for its owner only, and prints one safe line.
func TestCrashReport(t *testing.T) {
	dir := t.TempDir()
	var errs strings.Builder
	p := process{getenv: func(k string) string { return map[string]string{"XDG_STATE_HOME": dir}[k] }, stderr: &errs}
	code := exitCode(p, &painter.PanicError{Value: "boom\x1b[2J\nmore", Stack: []byte("goroutine 7")})
	line := errs.String()
	if code != exitPanic || strings.Count(line, "\n") != 1 || strings.Contains(line, "\x1b") {
		t.Fatalf("exit %d, %q", code, line)
	}
	file := strings.TrimSpace(line[strings.LastIndex(line, " ")+1:])
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), "goroutine 7") || !strings.HasPrefix(file, dir) {
		t.Errorf("%s: %v, %q", file, err, text)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}
