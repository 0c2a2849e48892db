package proc

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// marked lists the processes whose environment carries the mark of dir: children
// that their owner had no time to record, and what children started themselves
// and left behind.
func marked(dir string) []int {
	want := []byte(childMark + "=" + dir)
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil // only a malformed pattern
	}
	var pids []int
	for _, f := range files {
		env, err := os.ReadFile(f) //nolint:gosec // of the kernel
		if err != nil {
			continue // gone, or of another user
		}
		for kv := range bytes.SplitSeq(env, []byte{0}) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil && bytes.Equal(kv, want) {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
