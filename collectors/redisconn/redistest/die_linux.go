package redistest

import (
	"os/exec" //nolint:depguard // test support: no program links it
	"syscall"
)

// dieWithParent ends the server also when the test process is killed.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
