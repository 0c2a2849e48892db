package main

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// demoReport is what the tests read of a headless demo's report.
type demoReport struct {
	HTTP struct {
		RPS    *float64
		Routes []struct {
			Method, Route   string
			CallsPerRequest *float64 `json:"calls_per_request"`
		}
	}
	Sources []struct {
		Name, State string
		Error       *string
		Notes       []struct{ What string }
	}
	Cache struct {
		HotKeys []any `json:"hot_keys"`
	}
	Limits   struct{ Subjects []any }
	Database *struct{ Statements []any }
	Demo     struct {
		Traffic struct{ RPS *float64 }
		Faults  []string
	}
}

// headless runs "apitop demo --headless" as a process and reads its report.
func headless(t *testing.T, env []string, args ...string) demoReport {
	t.Helper()
	args = append([]string{"demo", "--headless", "--for", "12s", "--format", "json"}, args...)
	cmd := exec.CommandContext(t.Context(), program(t), args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("%v: %s\n%s", err, exit.Stderr, out)
		}
		t.Fatal(err)
	}
	var r demoReport
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return r
}

// checkDemo holds what must be true of every demo.
func checkDemo(t *testing.T, r *demoReport) {
	t.Helper()
	for _, s := range r.Sources {
		if s.State != "ok" {
			t.Errorf("source %s is %s: %v", s.Name, s.State, s.Error)
		}
	}
	if r.HTTP.RPS == nil || r.Demo.Traffic.RPS == nil || math.Abs(*r.HTTP.RPS / *r.Demo.Traffic.RPS - 1) > 0.05 {
		t.Errorf("rps = %v, the generator itself counts %v", r.HTTP.RPS, r.Demo.Traffic.RPS)
	}
	if len(r.HTTP.Routes) < 5 {
		t.Errorf("only %d routes", len(r.HTTP.Routes))
	}
	if len(r.Cache.HotKeys) == 0 || len(r.Limits.Subjects) == 0 {
		t.Errorf("%d hot keys, %d limiter subjects", len(r.Cache.HotKeys), len(r.Limits.Subjects))
	}
}

func TestHeadlessDemo(t *testing.T) {
	requireProgram(t, "redis-server", "apt-get install redis-server")
	t.Parallel()
	r := headless(t, nil)
	checkDemo(t, &r)
	if r.Database == nil || len(r.Database.Statements) == 0 {
		t.Error("no statements")
	}
}

// TestHeadlessDemoWithoutServers: on a machine with neither Redis nor Postgres
// the demo works and says what is missing.
func TestHeadlessDemoWithoutServers(t *testing.T) {
	t.Parallel()
	r := headless(t, []string{"PATH=" + t.TempDir(), "APITOP_NO_SYSTEM_POSTGRES=1"})
	checkDemo(t, &r)
	for _, s := range r.Sources {
		if s.Name == "postgres" && (len(s.Notes) == 0 || !strings.Contains(s.Notes[0].What, "memory")) {
			t.Errorf("the missing Postgres is not explained: %+v", s)
		}
	}
}

// TestHeadlessDemoFault: a fault shows in the report.
func TestHeadlessDemoFault(t *testing.T) {
	requireProgram(t, "redis-server", "apt-get install redis-server")
	t.Parallel()
	r := headless(t, nil, "--fault", "n-plus-one", "--for", "6s")
	if r.Database == nil {
		t.Skip("needs a Postgres: apt-get install postgresql")
	}
	if len(r.Demo.Faults) != 1 || r.Demo.Faults[0] != "n-plus-one" {
		t.Errorf("faults %q", r.Demo.Faults)
	}
	for _, route := range r.HTTP.Routes {
		if route.Method != "GET" || route.Route != "/products" {
			continue
		}
		if route.CallsPerRequest == nil || *route.CallsPerRequest < 10 {
			t.Errorf("%+v", route)
		}
		return
	}
	t.Errorf("no product lists in %+v", r.HTTP.Routes)
}

// TestDemoWrongFault is found out before anything is started; one that is not
// available, before the dashboard is there.
func TestDemoWrongFault(t *testing.T) {
	tests := map[string]struct {
		fault, says string
		code        int
	}{
		"unknown":     {"nope", "n-plus-one, drop-index", exitUsage},
		"unavailable": {"postgres-down", "install postgresql", exitFailure},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), program(t), "demo", "--headless", "--fault", tt.fault)
			cmd.Env = append(os.Environ(), "PATH="+t.TempDir(), "APITOP_NO_SYSTEM_POSTGRES=1")
			out, err := cmd.CombinedOutput()
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.ExitCode() != tt.code || !strings.Contains(string(out), tt.says) {
				t.Errorf("%v: %s", err, out)
			}
			if started := strings.Contains(string(out), "starting"); started != (tt.code == exitFailure) {
				t.Errorf("started: %v", started)
			}
		})
	}
}

// TestDemoWithoutTerminal starts nothing and says what to do.
func TestDemoWithoutTerminal(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), program(t), "demo")
	out, err := cmd.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != exitFailure || !strings.Contains(string(out), "--headless") || strings.Contains(string(out), "starting") {
		t.Errorf("%v: %s", err, out)
	}
}

// demoProcess is a demo with its dashboard in a terminal, in a folder of its own.
type demoProcess struct {
	cmd *exec.Cmd
	dir string
	tty *os.File
}

func startDemo(t *testing.T) *demoProcess {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "at") //nolint:usetesting // a test's own folder is too long a path for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // a private Postgres of root runs as nobody
		t.Fatal(err)
	}
	d := &demoProcess{cmd: exec.CommandContext(t.Context(), program(t), "demo"), dir: dir}
	d.cmd.Env = append(os.Environ(), "TERM=xterm-256color", "TMPDIR="+dir)
	if d.tty, err = pty.StartWithSize(d.cmd, &pty.Winsize{Cols: 120, Rows: 40}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.tty.Close() })
	readUntil(t, d.tty, "/products")
	go drain(d.tty)
	return d
}

// drain keeps the terminal from filling up.
func drain(f *os.File) {
	buf := make([]byte, 4096)
	for {
		if _, err := f.Read(buf); err != nil {
			return
		}
	}
}

// nothingLeft waits until no process and no file of the demo is left.
func (d *demoProcess) nothingLeft(t *testing.T) {
	t.Helper()
	var left []string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if left = append(d.files(), d.processes()...); len(left) == 0 {
			return
		}
	}
	t.Errorf("left behind: %q", left)
}

func (d *demoProcess) files() []string {
	left, _ := filepath.Glob(filepath.Join(d.dir, "*")) // the pattern is well formed
	return left
}

// processes lists what runs in the demo's folder.
func (d *demoProcess) processes() []string {
	var left []string
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range lines {
		text, err := os.ReadFile(name)
		if err == nil && strings.Contains(string(text), d.dir) {
			left = append(left, strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return left
}

func TestDemoLeavesNothing(t *testing.T) {
	tests := map[string]struct {
		end  func(*demoProcess) error
		code int // exit code; -1: killed by a signal
	}{
		"q":       {func(d *demoProcess) error { _, err := d.tty.WriteString("q"); return err }, exitOK},
		"ctrl-c":  {func(d *demoProcess) error { _, err := d.tty.WriteString("\x03"); return err }, exitOK},
		"SIGTERM": {func(d *demoProcess) error { return d.cmd.Process.Signal(syscall.SIGTERM) }, exitOK},
		"SIGHUP":  {func(d *demoProcess) error { return d.cmd.Process.Signal(syscall.SIGHUP) }, exitHangup},
		"kill -9": {func(d *demoProcess) error { return d.cmd.Process.Kill() }, -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := startDemo(t)
			if err := tt.end(d); err != nil {
				t.Fatal(err)
			}
			_ = d.cmd.Wait() // its exit code is looked at below
			if code := d.cmd.ProcessState.ExitCode(); code != tt.code {
				t.Errorf("exit %d, want %d", code, tt.code)
			}
			d.nothingLeft(t)
		})
	}
}
