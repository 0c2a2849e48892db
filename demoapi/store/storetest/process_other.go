//go:build !linux

package storetest

import (
	"os"
	"syscall"
)

func attributes() *syscall.SysProcAttr { return nil }

func giveAway(string) error { return nil }

func stop(p *os.Process) { _ = p.Kill() }
