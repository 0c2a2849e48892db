package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// binary builds apitop once for the tests that need a process of its own.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "apitop-test")
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "apitop")
	out, err := exec.Command("go", "build", "-o", name, ".").CombinedOutput()
	if err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return name, nil
})

func program(t *testing.T) string {
	t.Helper()
	name, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// page serves a small metrics page.
func page(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = w.Write([]byte("# TYPE http_requests_total counter\nhttp_requests_total{method=\"GET\",route=\"/products\",status=\"200\"} 7\n"))
	}))
	t.Cleanup(s.Close)
	return s.URL + "/metrics"
}

// TestSilentTerminal: the first frame must not wait for a terminal's answer.
// Bubble Tea asks for the background colour before main and waits five seconds;
// the package tui/background disarms that, as long as it is initialised first.
func TestSilentTerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	url := page(t)
	for _, term := range []string{"xterm-256color", "xterm", "tmux-256color", "dumb"} {
		t.Run(term, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, program(t), url, "--no-host")
			cmd.Env = append(os.Environ(), "TERM="+term)
			start := time.Now()
			screen, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 80, Rows: 24})
			if err != nil {
				t.Fatal(err)
			}
			defer screen.Close()
			text := readUntil(t, screen, "/products")
			if d := time.Since(start); d > 3*time.Second {
				t.Errorf("the first full frame took %v", d)
			}
			for _, query := range []string{"\x1b]11;?", "\x1b[6n", "\x1b[c", "\x1b]10;?"} {
				if bytes.Contains(text, []byte(query)) {
					t.Errorf("a query was sent: %q", query)
				}
			}
			if _, err := screen.WriteString("q"); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("q: %v", err)
			}
		})
	}
}

// readUntil reads from the terminal until want was drawn.
func readUntil(t *testing.T, f *os.File, want string) []byte {
	t.Helper()
	var got bytes.Buffer
	buf := make([]byte, 4096)
	for {
		n, err := f.Read(buf)
		got.Write(buf[:n])
		if strings.Contains(got.String(), want) {
			return got.Bytes()
		}
		if err != nil {
			t.Fatalf("%v; on the screen so far:\n%q", err, got.String())
		}
	}
}

// TestNoTerminal: without a terminal the dashboard says what to do instead.
func TestNoTerminal(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), program(t), page(t))
	cmd.Stdin = nil
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailure || !strings.Contains(string(out), "apitop once") {
		t.Errorf("%v: %s", err, out)
	}
}
