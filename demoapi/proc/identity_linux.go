package proc

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// identity names the process that has pid now: boot id and start time in ticks
// since boot. A number is used again after a while; this pair never is. ok is
// false when there is no such process or it has ended and only waits to be
// reaped.
func identity(pid int) (id string, ok bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	// The second field is the name in brackets and may hold spaces and brackets;
	// of those after it, state is the first and starttime (22) the twentieth.
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(f) < 20 || string(f[0]) == "Z" || string(f[0]) == "X" {
		return "", false
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", false
	}
	return strings.TrimSpace(string(boot)) + ":" + string(f[19]), true
}
