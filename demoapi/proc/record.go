//nolint:gosec // all paths lie in the private folder
package proc

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

const (
	// stopPatience is how long a process may take to end after its own signal.
	stopPatience = 1500 * time.Millisecond
	// killPatience is how long the kernel may take to end a killed one.
	killPatience = 500 * time.Millisecond
)

// record is a line of the list of started processes.
type record struct {
	Name string         `json:"name"`
	PID  int            `json:"pid"` // also its process group
	ID   string         `json:"id"`  // identity when it was started
	Stop syscall.Signal `json:"stop"`
}

// addRecord appends the process to the folder's list.
func addRecord(dir string, r record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode a process record: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, recordName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the list of processes: %w", err)
	}
	if _, err = f.Write(append(line, '\n')); err != nil {
		_ = f.Close() // the write's error tells more
		return fmt.Errorf("note process %q: %w", r.Name, err)
	}
	return f.Close()
}

// alive returns the recorded processes that still run. A number that meanwhile
// belongs to somebody else is not among them.
func alive(dir string) []record {
	data, err := os.ReadFile(filepath.Join(dir, recordName))
	if err != nil {
		return nil // nothing was started
	}
	var running []record
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		var r record
		if json.Unmarshal(lines.Bytes(), &r) == nil && r.runs() {
			running = append(running, r)
		}
	}
	return running
}

func (r record) runs() bool {
	id, ok := identity(r.PID)
	return ok && r.PID > 1 && id == r.ID
}

// endAll ends the processes of the folder, recorded and marked: each with its own
// signal first, with SIGKILL when that does not help. It returns when they are
// gone, at the latest after stopPatience and killPatience.
func endAll(dir string) {
	signalAll(dir, 0)
	if waitGone(dir, stopPatience) {
		return
	}
	signalAll(dir, syscall.SIGKILL)
	waitGone(dir, killPatience)
}

// signalAll signals the recorded process groups, then the marked processes; sig 0
// means each one's own stop signal. One that is gone meanwhile is fine.
func signalAll(dir string, sig syscall.Signal) {
	rs := alive(dir)
	for _, r := range rs {
		_ = syscall.Kill(-r.PID, cmp.Or(sig, r.Stop))
	}
	for _, pid := range marked(dir) {
		if !slices.ContainsFunc(rs, func(r record) bool { return r.PID == pid }) {
			_ = syscall.Kill(pid, cmp.Or(sig, syscall.SIGTERM))
		}
	}
}

func waitGone(dir string, patience time.Duration) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if len(alive(dir)) == 0 && len(marked(dir)) == 0 {
			return true
		}
	}
	return false
}
