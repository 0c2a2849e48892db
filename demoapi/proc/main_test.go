package proc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// ownerArg makes the test binary an owner of guarded children, to be killed by
// the test in various ways.
const ownerArg = "test-owner"

func TestMain(m *testing.M) {
	if handled, code := RunGuard(os.Args[1:]); handled {
		os.Exit(code)
	}
	// The race detector's pause at exit would count as the guard's.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	if len(os.Args) == 4 && os.Args[1] == ownerArg {
		if err := owner(os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// family is what an owner tells the test about itself.
type family struct {
	Dir   string
	Guard int
	PIDs  []int
	// Hit tells that a child had ended before the owner stopped it.
	Hit bool
}

// owner guards three children, one of which ignores the polite signals, reports
// on stdout, and then ends as how says.
func owner(base, how string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	g, err := Open(base)
	if err != nil {
		return err
	}
	f := family{Dir: g.Dir(), Guard: g.cmd.Process.Pid}
	var procs []*Process
	for _, script := range []string{"sleep 600 & wait", "exec sleep 600", deafScript(g.Dir())} {
		p, err := g.Start(exec.Command("/bin/sh", "-c", script), "child", syscall.SIGTERM)
		if err != nil {
			return err
		}
		procs, f.PIDs = append(procs, p), append(f.PIDs, p.PID())
	}
	for !exists(filepath.Join(f.Dir, "deaf")) {
		time.Sleep(time.Millisecond)
	}
	if err := json.NewEncoder(os.Stdout).Encode(f); err != nil {
		return err
	}
	switch how {
	case "panic":
		panic("on purpose")
	case "exit":
		return errors.New("on purpose")
	}
	<-ctx.Done()
	for _, p := range procs {
		f.Hit = f.Hit || p.ended(50*time.Millisecond)
	}
	if err := g.Close(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

// deafScript ignores the polite signals once it has made a file in dir.
func deafScript(dir string) string {
	return `trap "" TERM QUIT; : >` + dir + `/deaf; while :; do sleep 600; done`
}

// startOwner runs an owner in a process group of its own, as a shell would.
func startOwner(t *testing.T, how string) (*exec.Cmd, *json.Decoder, family) {
	t.Helper()
	cmd := exec.Command(os.Args[0], ownerArg, t.TempDir(), how)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	dec := json.NewDecoder(out)
	var f family
	if err := dec.Decode(&f); err != nil {
		t.Fatalf("owner: %v\n%s", err, stderr.String())
	}
	return cmd, dec, f
}

// within polls until ok or fails after limit.
func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

func running(pids ...int) []int {
	var left []int
	for _, pid := range pids {
		if _, ok := identity(pid); ok {
			left = append(left, pid)
		}
	}
	return left
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
