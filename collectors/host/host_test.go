package host

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"apitop/collectors/snapshot"
)

// helperEnv makes the test binary read the process with this pid, print the
// result and exit: a way to collect as another user.
const helperEnv = "HOST_TEST_READ_PID"

func TestMain(m *testing.M) {
	if os.Getenv(helperEnv) != "" {
		readAsHelper()
		return
	}
	goleak.VerifyTestMain(m)
}

func collect(ctx context.Context, t *testing.T, c *Collector) *snapshot.Host {
	t.Helper()
	r, err := c.Collect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return r.(*snapshot.Host)
}

func known(v float64) snapshot.Value { return snapshot.Known(v) }

func hasNote(notes []snapshot.Note, part string) bool {
	return slices.ContainsFunc(notes, func(n snapshot.Note) bool {
		return strings.Contains(n.What.String(), part)
	})
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := New(Config{}).Collect(ctx); err == nil || r != nil {
		t.Errorf("a cancelled context gave %v, %v", r, err)
	}
}

func TestSelf(t *testing.T) {
	c := New(Config{})
	first := collect(t.Context(), t, c)
	if first.Self == nil {
		t.Fatal(c.Notes())
	}
	h := first
	for end := time.Now().Add(10 * time.Second); h.Self.CPUSeconds.V-first.Self.CPUSeconds.V < 0.02; { // collecting is work too
		if time.Now().After(end) {
			t.Fatalf("10 s of work gave %v -> %v", first.Self.CPUSeconds, h.Self.CPUSeconds)
		}
		h = collect(t.Context(), t, c)
	}
	p := h.Self
	if p.PID != os.Getpid() {
		t.Fatalf("self = %+v", p)
	}
	age := float64(time.Now().Unix()) - p.StartTime.V
	if !p.StartTime.OK || age < -2 || age > 3600 {
		t.Errorf("start time %v is %v s ago", p.StartTime, age)
	}
	if p.RSSBytes.V < 1<<20 || p.Threads.V < 2 || p.OpenFDs.V < 3 || p.Name.IsZero() {
		t.Errorf("self = %+v", p)
	}
	if h.Process != nil {
		t.Error("a process is watched although no pid was given")
	}
}

// TestProcessEnds follows a child from its life to its end.
func TestProcessEnds(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Skipf("no sleep command: %v", err)
	}
	c := New(Config{PID: cmd.Process.Pid})
	h := collect(t.Context(), t, c)
	if p := h.Process; p == nil || p.PID != cmd.Process.Pid || !p.CPUSeconds.OK || len(c.Notes()) != 0 {
		t.Fatalf("alive: %+v, notes %v", p, c.Notes())
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); ; {
		h = collect(t.Context(), t, c)
		if h.Process == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("still there: %+v", h.Process)
		}
	}
	if !hasNote(c.Notes(), "has ended") {
		t.Errorf("before the parent collected it: %v", c.Notes())
	}
	_ = cmd.Wait()
	if h = collect(t.Context(), t, c); h.Process != nil || !hasNote(c.Notes(), "is gone") {
		t.Errorf("after: %+v, %v", h.Process, c.Notes())
	}
	if !h.CPUBusySeconds.OK || h.Self == nil {
		t.Error("the rest was lost with the process")
	}
}

// readAsHelper is the body of the helper process.
func readAsHelper() {
	var pid int
	if err := json.Unmarshal([]byte(os.Getenv(helperEnv)), &pid); err != nil {
		panic(err)
	}
	c := New(Config{PID: pid})
	r, err := c.Collect(context.Background())
	if err != nil {
		panic(err)
	}
	out := helperResult{Host: r.(*snapshot.Host), Notes: c.Notes()}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		panic(err)
	}
}

type helperResult struct {
	Host  *snapshot.Host
	Notes []snapshot.Note
}
