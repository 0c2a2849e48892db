//go:build unix

package load

import (
	"crypto/tls"
	"net"
	"syscall"
)

// alive looks, without waiting and without taking anything, whether an idle
// connection is still open.
func alive(c net.Conn) bool {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	sys, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := sys.SyscallConn()
	if err != nil {
		return false
	}
	open := false
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
		// Nothing to read is as it should be; the end, an error, or an answer
		// that nobody has asked for, are not.
		open = err == syscall.EAGAIN
		return true
	})
	return err == nil && open
}
