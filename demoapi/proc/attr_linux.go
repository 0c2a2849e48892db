package proc

import "syscall"

// dieWithOwner asks the kernel to signal the child when the thread that starts
// it ends; see serve for why that thread outlives the child.
func dieWithOwner(attr *syscall.SysProcAttr, sig syscall.Signal) {
	attr.Pdeathsig = sig
}
