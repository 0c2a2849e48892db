package proc

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// zombie is SZOMB of <sys/proc.h>: ended, not yet reaped.
const zombie = 5

// identity names the process that has pid now by its start time. A number is
// used again after a while; together with the time it never is. ok is false
// when there is no such process or it has ended and only waits to be reaped.
func identity(pid int) (id string, ok bool) {
	p, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil || p.Proc.P_stat == zombie || int(p.Proc.P_pid) != pid {
		return "", false
	}
	return fmt.Sprintf("%d.%06d", p.Proc.P_starttime.Sec, p.Proc.P_starttime.Usec), true
}
