package pgstat

import "syscall"

// dieWithParent stops the server even when the test process is killed.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGQUIT }
