package proc

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestOwnerGone ends owners in every way that lets them clear nothing up
// themselves; nothing may be left after three seconds.
func TestOwnerGone(t *testing.T) {
	tests := map[string]struct {
		how  string
		kill func(t *testing.T, cmd *exec.Cmd, f family)
	}{
		"kill -9": {how: "wait", kill: func(t *testing.T, cmd *exec.Cmd, _ family) {
			kill(t, cmd.Process.Pid, syscall.SIGKILL)
		}},
		"kill -9 of the whole group": {how: "wait", kill: func(t *testing.T, cmd *exec.Cmd, _ family) {
			kill(t, -cmd.Process.Pid, syscall.SIGKILL)
		}},
		"SIGQUIT": {how: "wait", kill: func(t *testing.T, cmd *exec.Cmd, _ family) {
			kill(t, cmd.Process.Pid, syscall.SIGQUIT)
		}},
		"panic": {how: "panic", kill: func(*testing.T, *exec.Cmd, family) {}},
		"exit":  {how: "exit", kill: func(*testing.T, *exec.Cmd, family) {}},
		"signals to the guard do not stop it": {how: "wait", kill: func(t *testing.T, cmd *exec.Cmd, f family) {
			for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT} {
				kill(t, f.Guard, sig)
			}
			kill(t, cmd.Process.Pid, syscall.SIGKILL)
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd, _, f := startOwner(t, tt.how)
			if tt.how == "wait" && len(running(f.PIDs...)) != len(f.PIDs) {
				t.Fatal("children do not run")
			}
			tt.kill(t, cmd, f)
			began := time.Now()
			within(t, 3*time.Second, "everything gone", func() bool {
				return len(running(append(f.PIDs, f.Guard)...)) == 0 && !exists(f.Dir)
			})
			if left := marked(f.Dir); len(left) > 0 {
				t.Errorf("left by children: %v", left)
			}
			t.Logf("gone after %v", time.Since(began).Round(time.Millisecond))
		})
	}
}

// TestSignals checks the orderly ends: the terminal's signal goes to the whole
// group, hits only the owner, and the owner leaves nothing.
func TestSignals(t *testing.T) {
	for name, sig := range map[string]syscall.Signal{"Ctrl-C": syscall.SIGINT, "hangup": syscall.SIGHUP, "terminate": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd, dec, f := startOwner(t, "wait")
			kill(t, -cmd.Process.Pid, sig)
			var after family
			if err := dec.Decode(&after); err != nil {
				t.Fatal(err)
			}
			if after.Hit {
				t.Error("the signal hit a child")
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			if left := append(running(append(f.PIDs, f.Guard)...), marked(f.Dir)...); len(left) > 0 || exists(f.Dir) {
				t.Errorf("left: processes %v, folder %v", left, exists(f.Dir))
			}
		})
	}
}

// TestSweep kills owner and guard alike: the next run clears up.
func TestSweep(t *testing.T) {
	cmd, _, f := startOwner(t, "wait")
	base := filepath.Dir(f.Dir)
	foreign := filepath.Join(base, dirPrefix+"notes")
	if err := os.Mkdir(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	sweep(base)
	if !exists(f.Dir) || len(running(f.PIDs...)) != len(f.PIDs) {
		t.Fatal("a sweep cleared a folder in use")
	}
	kill(t, f.Guard, syscall.SIGKILL)
	kill(t, cmd.Process.Pid, syscall.SIGKILL)
	_ = cmd.Wait()
	within(t, time.Second, "the guard is gone", func() bool { return len(running(f.Guard)) == 0 })

	// The lock of a process that was killed is free when its last thread has
	// ended, which on a busy machine is a little later.
	within(t, 2*time.Second, "the next start clears up", func() bool {
		g, err := Open(base)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		return len(running(f.PIDs...)) == 0 && !exists(f.Dir)
	})
	if !exists(foreign) {
		t.Error("a folder without our lock was removed")
	}
}

func TestClose(t *testing.T) {
	g, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	short, err := g.Start(exec.Command("/bin/sh", "-c", "exit 3"), "short", syscall.SIGTERM)
	if err != nil {
		t.Fatal(err)
	}
	<-short.Done()
	if short.Err() == nil {
		t.Error("exit status 3 is no error")
	}
	deaf, err := g.Start(exec.Command("/bin/sh", "-c", deafScript(g.Dir())), "deaf", syscall.SIGTERM)
	if err != nil {
		t.Fatal(err)
	}
	within(t, 3*time.Second, "the trap is set", func() bool { return exists(filepath.Join(g.Dir(), "deaf")) })
	if deaf.Err() != nil || deaf.Name() != "deaf" {
		t.Error(deaf.Name(), deaf.Err())
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := g.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if left := running(short.PID(), deaf.PID(), g.cmd.Process.Pid); len(left) > 0 || exists(g.Dir()) {
		t.Errorf("left: processes %v, folder %v", left, exists(g.Dir()))
	}
	if _, err := g.Start(exec.Command("/bin/true"), "late", syscall.SIGTERM); !errors.Is(err, ErrClosed) {
		t.Errorf("start after close: %v", err)
	}
}

// TestGuardLost checks that Close clears up alone when the guard was killed.
func TestGuardLost(t *testing.T) {
	g, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	kill(t, g.cmd.Process.Pid, syscall.SIGKILL)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if exists(g.Dir()) {
		t.Error("the folder is left")
	}
}

func TestStartErrors(t *testing.T) {
	g, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if _, err := g.Start(exec.Command("/no/such/program"), "ghost", syscall.SIGTERM); err == nil || !strings.Contains(err.Error(), "ghost") {
		t.Errorf("missing program: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("a guard in a missing folder")
	}
	t.Setenv(childMark, "1")
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "RunGuard") {
		t.Errorf("a guard within a guarded child: %v", err)
	}
}

// TestReusedNumber checks that a recorded number that belongs to another process
// by now is left alone.
func TestReusedNumber(t *testing.T) {
	other := exec.Command("/bin/sleep", "600")
	other.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	}()
	dir := t.TempDir()
	id, ok := identity(other.Process.Pid)
	if !ok {
		t.Fatal("no identity")
	}
	if err := addRecord(dir, record{PID: other.Process.Pid, ID: id + "0", Stop: syscall.SIGKILL}); err != nil {
		t.Fatal(err)
	}
	endAll(dir)
	if _, ok := identity(other.Process.Pid); !ok {
		t.Fatal("a process of somebody else was ended")
	}
	if err := addRecord(dir, record{PID: other.Process.Pid, ID: id, Stop: syscall.SIGTERM}); err != nil {
		t.Fatal(err)
	}
	endAll(dir) // the control: with the right identity it is ended
	if _, ok := identity(other.Process.Pid); ok {
		t.Error("the recorded process still runs")
	}
}

// TestGuardArguments: called by hand, the hidden command clears nothing.
func TestGuardArguments(t *testing.T) {
	dir := t.TempDir()
	for name, args := range map[string][]string{
		"none": nil, "other": {"--version"}, "no folder": {guardArg}, "too many": {guardArg, dir, "x"},
	} {
		if handled, _ := RunGuard(args); handled {
			t.Errorf("%s: taken for a guard", name)
		}
	}
	cmd, err := Self(guardArg, dir)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "internal") {
		t.Errorf("guard of a foreign folder: %v %s", err, out)
	}
	if !exists(dir) {
		t.Error("a foreign folder was removed")
	}
}

func TestSelfEnvironment(t *testing.T) {
	t.Setenv("PGOPTIONS", "-c work_mem=1")
	t.Setenv("REDIS_URL", "redis://elsewhere")
	cmd, err := Self("x")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(cmd.Env, childMark+"=1") {
		t.Error("not marked as a child")
	}
	for _, kv := range cmd.Env {
		if name, _, _ := strings.Cut(kv, "="); name == "PGOPTIONS" || name == "REDIS_URL" {
			t.Errorf("%s is passed on", kv)
		}
	}
}

// TestReplacedProgram: a program that was rebuilt meanwhile still starts itself.
func TestReplacedProgram(t *testing.T) {
	if !exists(procLink) {
		t.Skip("this system has no link to the running program")
	}
	if path, err := selfPath(); err != nil || path == procLink {
		t.Errorf("untouched: %q %v", path, err)
	}
	if !replaced("/bin/sh") || !replaced("/no/such/file") {
		t.Error("another file is taken for this program")
	}
	cmd := exec.Command(procLink, guardArg, t.TempDir())
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "internal") {
		t.Errorf("started by the link: %v %s", err, out)
	}
}

func kill(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatalf("signal %v to %d: %v", sig, pid, err)
	}
}
