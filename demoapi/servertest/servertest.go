// Package servertest starts private servers for tests: on unix sockets in
// folders of their own, never on a port, stopped when the test ends or dies.
package servertest

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"
)

// missing skips the test for want of a program, or fails it when
// APITOP_REQUIRE_SERVERS=1.
func missing(tb testing.TB, what, how string) {
	tb.Helper()
	if os.Getenv("APITOP_REQUIRE_SERVERS") == "1" {
		tb.Fatalf("%s not found: %s", what, how)
	}
	tb.Skipf("%s not found: %s", what, how)
}

// folder makes a folder on a short path, since a socket's path may have 107
// bytes; the server's user must be able to walk down to it. So not tb.TempDir.
func folder(tb testing.TB, prefix string) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", prefix) //nolint:usetesting // for the reasons above
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// command runs a program with a clean environment in dir, as nobody when the
// test runs as root: Postgres refuses root.
func command(path, dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...) //nolint:gosec,noctx // a server of the test's own, ended by stop
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "HOME=" + dir}
	cmd.SysProcAttr = attributes()
	return cmd
}

// process is a running server.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	once  sync.Once
}

// start runs cmd until stop, its output in a file.
func start(tb testing.TB, cmd *exec.Cmd, logPath string) *process {
	tb.Helper()
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // a path of ours
	if err != nil {
		tb.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	p := &process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		defer close(p.ended)
		defer log.Close()
		// The server ends with the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it gets killed: that is no failure
		}
	}()
	if err := <-started; err != nil {
		tb.Fatalf("start %s: %v", cmd.Path, err)
	}
	return p
}

// stop ends the server and returns when it is gone. It may be called twice.
func (p *process) stop() {
	p.once.Do(func() { end(p.cmd.Process) })
	<-p.ended
}

// await calls try until it succeeds, for 20 s at most.
func await(tb testing.TB, logPath string, try func(context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			log, _ := os.ReadFile(logPath) //nolint:gosec // a path of ours, and only to explain the failure
			tb.Fatalf("the server does not answer: %v\n%s", err, log)
		}
	}
}
