package host

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"apitop/collectors/snapshot"
)

// TestForeignProcess watches a process of another user: what everybody may read
// is there, the open files are not, and a note says so.
func TestForeignProcess(t *testing.T) {
	var got helperResult
	if os.Geteuid() == 0 {
		got = readAsNobody(t, os.Getpid())
	} else {
		c := New(Config{PID: 1})
		got = helperResult{Host: collect(t.Context(), t, c), Notes: c.Notes()}
	}
	p := got.Host.Process
	if p == nil || !p.CPUSeconds.OK || !p.RSSBytes.OK {
		t.Fatalf("foreign process: %+v, notes %v", p, got.Notes)
	}
	if p.OpenFDs.OK || !hasNote(got.Notes, "may not be counted") {
		t.Errorf("open files %v, notes %v", p.OpenFDs, got.Notes)
	}
}

// readAsNobody runs this test binary as an unprivileged user.
func readAsNobody(t *testing.T, pid int) helperResult {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "hosttest") //nolint:usetesting // its parent is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "host.test")
	if err := os.WriteFile(copied, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(copied)
	cmd.Env = []string{fmt.Sprintf("%s=%d", helperEnv, pid)}
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: false}}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("helper: %v", err)
	}
	var got helperResult
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestExplain(t *testing.T) {
	gone := newWatched(1 << 22) // above the highest pid
	tests := map[string]struct {
		w    *watched
		err  error
		want string
	}{
		"permission": {gone, fmt.Errorf("open: %w", fs.ErrPermission), "may not be read"},
		"no file":    {gone, fmt.Errorf("open: %w", fs.ErrNotExist), "is gone"},
		"ESRCH":      {gone, fmt.Errorf("read: %w", syscall.ESRCH), "is gone"},
		"other":      {gone, fs.ErrClosed, "closed"},
	}
	for name, tt := range tests {
		if n := tt.w.explain(tt.err); !strings.Contains(n.What.String(), tt.want) {
			t.Errorf("%s: %q does not say %q", name, n.What, tt.want)
		}
	}
}

// TestReusedPID: a CPU total that falls belongs to a new process, whose start
// time must be read again.
func TestReusedPID(t *testing.T) {
	w := newWatched(os.Getpid())
	if p, notes := w.read(t.Context()); p == nil {
		t.Fatal(notes)
	}
	old := w.proc
	w.cpu = 1e9
	p, notes := w.read(t.Context())
	if p == nil || w.proc == old || p.StartTime == (snapshot.Value{}) {
		t.Errorf("process %+v, notes %v, looked at anew: %v", p, notes, w.proc != old)
	}
}
