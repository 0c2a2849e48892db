//go:build !linux

package pgstat

import "syscall"

// dieWithParent does nothing where the system cannot.
func dieWithParent(*syscall.SysProcAttr) {}
