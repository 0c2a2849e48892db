package servertest

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// attributes make the child end with its parent, apart from Ctrl-C, and give it
// the user nobody when the parent is root.
func attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	if uid, gid, ok := nobody(); ok {
		attr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	return attr
}

// giveAway makes dir the server's own.
func giveAway(dir string) error {
	if uid, gid, ok := nobody(); ok {
		return os.Chown(dir, int(uid), int(gid))
	}
	return nil
}

// nobody is the user to run as; ok is false when the present one will do.
func nobody() (uid, gid uint32, ok bool) {
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return 65534, 65534, true
	}
	id, err1 := strconv.ParseUint(u.Uid, 10, 32)
	group, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err1 != nil || err2 != nil {
		return 65534, 65534, true
	}
	return uint32(id), uint32(group), true
}

// end stops a server at once. SIGQUIT makes Postgres take its children along;
// Redis takes it as it takes any signal, and it holds nothing worth saving.
func end(p *os.Process) { _ = p.Signal(syscall.SIGQUIT) }
