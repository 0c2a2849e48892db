package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// programArg makes the test binary the program itself.
const programArg = "test-program"

func TestMain(m *testing.M) {
	// The race detector's pause at exit would count as the program's.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	if len(os.Args) > 1 && os.Args[1] == programArg {
		os.Args = append(os.Args[:1], os.Args[2:]...)
		main()
	}
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "__") {
		main() // the program started itself again
	}
	os.Exit(m.Run())
}

// program is a running demoapi.
type program struct {
	cmd    *exec.Cmd
	url    string // of the API
	watch  string // the printed command
	stderr *bytes.Buffer
}

// launch starts the program and waits for its command line for apitop.
func launch(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	p := &program{stderr: &bytes.Buffer{}}
	p.cmd = exec.Command(os.Args[0], append([]string{programArg}, args...)...)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as a shell does
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
	var all strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan() && p.watch == ""; {
		fmt.Fprintln(&all, lines.Text())
		if url, ok := strings.CutPrefix(lines.Text(), "demoapi serves "); ok {
			p.url = url
		}
		if line := strings.TrimSpace(lines.Text()); strings.HasPrefix(line, "apitop ") {
			p.watch = line
			break
		}
	}
	if p.watch == "" {
		_ = p.cmd.Wait()
		t.Fatalf("no command line for apitop in:\n%s%s", all.String(), p.stderr)
	}
	t.Log(all.String())
	return p
}

// get returns the body of a successful answer.
func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v %s", url, resp.Status, err, body)
	}
	return string(body)
}

var inMemory = []string{"--listen", "127.0.0.1:0", "--redis", "embedded", "--postgres", "memory"}

// TestAlone runs the program as a user would, ends it with Ctrl-C and looks for
// what is left.
func TestAlone(t *testing.T) {
	tests := map[string]struct {
		env    []string
		args   []string
		signal syscall.Signal
		watch  string // pattern of the command line behind the address
	}{
		"own servers": {args: []string{"--listen", "127.0.0.1:0", "--traffic", "20"}, signal: syscall.SIGINT, watch: `--redis \S+( --postgres '\S+')? --pid `},
		"in memory":   {args: append(inMemory, "--traffic", "20"), signal: syscall.SIGTERM, watch: `--redis redis://127.0.0.1:\d+/0 --pid `},
		"nothing installed": {
			env: []string{"PATH=/nowhere", "APITOP_NO_SYSTEM_POSTGRES=1"}, args: []string{"--listen", "127.0.0.1:0"},
			signal: syscall.SIGHUP, watch: `--redis redis://127.0.0.1:\d+/0 --pid `,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			tmp := shortTemp(t)
			p := launch(t, append(tt.env, "TMPDIR="+tmp), tt.args...)
			t.Logf("up after %v", time.Since(began).Round(time.Millisecond))
			want := "^apitop " + regexp.QuoteMeta(p.url) + "/metrics " + tt.watch + strconv.Itoa(p.cmd.Process.Pid) + "$"
			if !regexp.MustCompile(want).MatchString(p.watch) {
				t.Errorf("printed %q, want %s", p.watch, want)
			}
			if strings.Contains(strings.Join(tt.args, " "), "--traffic") {
				waitForTraffic(t, p.url)
			}
			get(t, p.url+"/products/1")
			end(t, p, tt.signal)
			if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
				t.Errorf("left: %v %v", left, err)
			}
			for line := range strings.Lines(p.stderr.String()) {
				if !json.Valid([]byte(line)) {
					t.Errorf("not JSON on stderr: %q", line)
				}
			}
		})
	}
}

// TestFaults: what the command line switches on is on when the program says that
// it serves.
func TestFaults(t *testing.T) {
	args := []string{"--fault", "error-burst", "--fault", "goroutine_leak", "--limiter", "sliding-log", "--pprof", "127.0.0.1:0"}
	p := launch(t, nil, append(inMemory[:6:6], args...)...)
	var list struct {
		Faults []struct {
			Name string
			On   bool
		}
	}
	if err := json.Unmarshal([]byte(get(t, p.url+"/demo/faults")), &list); err != nil {
		t.Fatal(err)
	}
	on := 0
	for _, f := range list.Faults {
		if f.On != (f.Name == "error-burst" || f.Name == "goroutine-leak") {
			t.Errorf("%+v", f)
		}
		if f.On {
			on++
		}
	}
	if on != 2 {
		t.Errorf("%d are on", on)
	}
	end(t, p, syscall.SIGINT)
}

func waitForTraffic(t *testing.T, url string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if strings.Contains(get(t, url+"/metrics"), `http_requests_total{method="GET",route="/products/{id}",status="200"}`) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no traffic")
		}
	}
}

// end signals the program's group, as a terminal does, and expects status 0.
func end(t *testing.T, p *program, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(-p.cmd.Process.Pid, sig); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("after %v: %v\n%s", sig, err, p.stderr)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %v to end", took)
	}
}

// TestKilled: nothing is left after kill -9 either.
func TestKilled(t *testing.T) {
	tmp := shortTemp(t)
	p := launch(t, []string{"TMPDIR=" + tmp}, "--listen", "127.0.0.1:0", "--traffic", "20")
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
	for deadline := time.Now().Add(3 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if left, err := os.ReadDir(tmp); err == nil && len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the folder is left after 3 s")
		}
	}
	if resp, err := http.Get(p.url + "/health"); err == nil {
		_ = resp.Body.Close()
		t.Error("something still answers")
	}
}

// shortTemp is a temporary folder that leaves room for a socket and that any
// user may pass through.
func shortTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "t") //nolint:usetesting // its paths are too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestStatus(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	const canary = "S3cr3tPW"
	tests := map[string]struct {
		args           []string
		code           int
		stdout, stderr string // parts
	}{
		"help":             {[]string{"--help"}, 0, "--traffic", ""},
		"version":          {[]string{"--version"}, 0, "demoapi ", ""},
		"unknown flag":     {[]string{"--nope"}, 2, "", "unknown flag"},
		"argument":         {[]string{"x"}, 2, "", `unknown command "x"`},
		"no address":       {[]string{"--listen", "8000"}, 2, "", "want host:port"},
		"bad port":         {[]string{"--listen", "127.0.0.1:http"}, 2, "", "number from 0 to 65535"},
		"bad traffic":      {[]string{"--traffic", "NaN"}, 2, "", "--traffic NaN"},
		"no number":        {[]string{"--traffic", "much"}, 2, "", "--traffic"},
		"bad redis":        {[]string{"--redis", "redis://:" + canary + "@h:port"}, 2, "", "--redis: cannot read"},
		"bad postgres":     {[]string{"--postgres", "postgres://u:" + canary + "@h:port/"}, 2, "", "--postgres: cannot read"},
		"address taken":    {[]string{"--listen", taken.Addr().String()}, 1, "", taken.Addr().String() + ": another program listens there"},
		"no such redis":    {append(inMemory[:2:2], "--postgres", "memory", "--redis", "unix:///nowhere/s"), 1, "", "given Redis"},
		"no such fault":    {[]string{"--fault", "n-plus-one", "--fault", "nope"}, 2, "", "n-plus-one, drop-index"},
		"no such limiter":  {[]string{"--limiter", "bucket"}, 2, "", "gcra or sliding-log"},
		"profiles for all": {[]string{"--pprof", "0.0.0.0:6060"}, 2, "", "address of this machine alone"},
		"no such server":   {append(inMemory[:6:6], "--fault", "lock-table"), 1, "", "install postgresql"},
		"guard by hand":    {[]string{"__guard", filepath.Dir(os.Args[0])}, 1, "", "this command is internal"},
		"child by hand":    {[]string{"__demo-api"}, 2, "", "this command is internal"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			cmd := exec.Command(os.Args[0], append([]string{programArg}, tt.args...)...)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			var exit *exec.ExitError
			if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if code := cmd.ProcessState.ExitCode(); code != tt.code {
				t.Errorf("status %d, want %d", code, tt.code)
			}
			if !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("stdout %q\nstderr %q", &stdout, &stderr)
			}
			if strings.Contains(stdout.String()+stderr.String(), canary) {
				t.Errorf("a password was printed: %s%s", &stdout, &stderr)
			}
		})
	}
}

// TestRunCancelled ends before anything runs.
func TestRunCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, inMemory, io.Discard, io.Discard); err == nil || ctx.Err() == nil {
		t.Errorf("run with an ended context: %v", err)
	}
}
