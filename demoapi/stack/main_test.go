package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"apitop/demoapi/proc"
)

// ownerArg makes the test binary the owner of a stack, to be killed by the test.
const ownerArg = "test-owner"

func TestMain(m *testing.M) {
	if handled, code := proc.RunGuard(os.Args[1:]); handled {
		os.Exit(code)
	}
	// The race detector's pause at exit would count as the guard's.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	if len(os.Args) == 2 && os.Args[1] == ownerArg {
		if err := owner(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// owner starts a stack, tells its folder and ends it on a signal.
func owner() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	s, err := Start(ctx, Options{})
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(s.Guard().Dir()); err != nil {
		return errors.Join(err, s.Close())
	}
	<-ctx.Done()
	return s.Close()
}

// needServers skips where the servers are not installed, unless the environment
// requires them.
func needServers(t *testing.T) {
	t.Helper()
	_, _, err := findPostgres(t.Context(), os.Getenv)
	if _, ok := lookPath(os.Getenv("PATH"), "redis-server"); ok && err == nil {
		return
	}
	const how = "needs redis-server and postgres: apt install redis-server postgresql"
	if os.Getenv("APITOP_REQUIRE_SERVERS") == "1" {
		t.Fatal(how)
	}
	t.Skip(how)
}

// processesIn lists the running processes that name dir in their command line.
func processesIn(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range files {
		line, err := os.ReadFile(f)
		if err == nil && strings.Contains(string(line), dir) {
			found = append(found, f+": "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// sharedMemory lists the kernel's shared memory segments that processes of dir
// made; Postgres takes a small one, which outlives a server that is killed.
func sharedMemory(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	for _, p := range processesIn(t, dir) {
		name, _, _ := strings.Cut(p, "/cmdline")
		for id, maker := range segments(t) {
			if maker == filepath.Base(name) {
				found = append(found, id)
			}
		}
	}
	return found
}

// segments is the pid that made each segment, by segment id.
func segments(t *testing.T) map[string]string {
	t.Helper()
	const id, maker = 1, 4 // columns of /proc/sysvipc/shm
	list := map[string]string{}
	text, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		return list // not every kernel has it
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > maker {
			list[f[id]] = f[maker]
		}
	}
	return list
}

// checkGone fails for a shared memory segment that is still there.
func checkGone(t *testing.T, ids []string) {
	t.Helper()
	left := segments(t)
	for _, id := range ids {
		if _, ok := left[id]; ok {
			t.Errorf("shared memory segment %s is left", id)
		}
	}
}

// within polls until ok or fails after limit.
func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
