package proc

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTempBase(t *testing.T) {
	open, err := os.MkdirTemp("/tmp", "t") //nolint:usetesting // its parents are closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(open) })
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(open, "closed")
	if err := os.MkdirAll(filepath.Join(closed, "in"), 0o700); err != nil {
		t.Fatal(err)
	}
	if !OpenToAll(open) || OpenToAll(filepath.Join(closed, "in")) || OpenToAll("/no/such/folder") {
		t.Error("OpenToAll is wrong")
	}
	tests := map[string]struct{ tmp, want string }{
		"short":             {open, open},
		"no room for names": {"/" + strings.Repeat("x", maxBase), "/tmp"},
	}
	if os.Geteuid() == 0 {
		tests["closed to others"] = struct{ tmp, want string }{closed, "/tmp"}
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", tt.tmp)
			if got := TempBase(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestFolderModes: nobody but the owner lists the folder or opens its files.
func TestFolderModes(t *testing.T) {
	g, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()
	st, err := os.Stat(g.Dir())
	if err != nil || st.Mode().Perm()&0o066 != 0 {
		t.Errorf("folder: %v %v", st.Mode(), err)
	}
	lock, err := os.Stat(filepath.Join(g.Dir(), lockName))
	if err != nil || lock.Mode().Perm() != 0o600 {
		t.Errorf("lock: %v %v", lock.Mode(), err)
	}
}
