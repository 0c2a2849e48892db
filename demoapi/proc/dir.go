//nolint:gosec // all paths lie in folders of our own
package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// dirPrefix begins the name of every private folder.
	dirPrefix = "apitop-demo-"
	// lockName is locked by the owner and its guard for as long as one of them
	// lives; a folder without it is not ours.
	lockName = "apitop.lock"
	// recordName lists the started processes, one JSON object a line.
	recordName = "children"
	// maxBase keeps a Postgres socket below the folder within the 103 bytes that
	// the shortest common socket address takes (macOS).
	maxBase = 60
)

// TempBase is the folder for private folders: the system's temporary folder, or
// /tmp when that path is too long for a socket below it or, for root, closed to
// the unprivileged user that Postgres has to run as.
func TempBase() string {
	base := os.TempDir()
	if len(base) > maxBase || (os.Geteuid() == 0 && !OpenToAll(base)) {
		return "/tmp"
	}
	return base
}

// OpenToAll tells whether any user may pass through dir and all its parents.
func OpenToAll(dir string) bool {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	for {
		st, err := os.Stat(dir)
		if err != nil || st.Mode().Perm()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
		dir = filepath.Dir(dir)
	}
}

// makeDir creates a private folder below base and its lock, which it returns
// locked. For root the folder can be passed through, not listed, by others: a
// server that refuses to run as root has its own closed folder inside.
func makeDir(base string) (string, *os.File, error) {
	dir, err := os.MkdirTemp(base, dirPrefix)
	if err != nil {
		return "", nil, fmt.Errorf("make a private folder: %w", err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chmod(dir, 0o711); err != nil { // see above
			return "", nil, errors.Join(fmt.Errorf("open the private folder: %w", err), os.Remove(dir))
		}
	}
	lock, err := makeLock(dir)
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, lock, nil
}

// makeLock locks a file before it gets its final name, so that a sweep running
// at the same time never sees an unlocked one.
func makeLock(dir string) (*os.File, error) {
	fresh := filepath.Join(dir, lockName+".new")
	f, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the folder's lock: %w", err)
	}
	err = tryLock(f)
	if err == nil {
		err = os.Rename(fresh, filepath.Join(dir, lockName))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the private folder: %w", err), f.Close())
	}
	return f, nil
}

// tryLock takes the lock on f or fails at once.
func tryLock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// sweep clears what crashed runs of this user left in base. A folder counts as
// left only when its lock is free: its owner and its guard are both gone.
func sweep(base string) {
	found, err := filepath.Glob(filepath.Join(base, dirPrefix+"*"))
	if err != nil {
		return // only a malformed base
	}
	for _, dir := range found {
		if mine(dir, fs.ModeDir) && mine(filepath.Join(dir, lockName), 0) {
			sweepOne(dir)
		}
	}
}

func sweepOne(dir string) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if tryLock(f) != nil {
		return
	}
	endAll(dir)
	_ = removeDir(dir) // a later run tries again
}

// mine tells whether path is of the wanted type and belongs to this user.
func mine(path string, typ fs.FileMode) bool {
	st, err := os.Lstat(path)
	if err != nil || st.Mode().Type() != typ {
		return false
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Geteuid()
}

// removeDir removes dir, its lock last: a removal cut short leaves a folder that
// the next sweep still knows as ours. A process that is just ending may still
// write, so it tries for a second.
func removeDir(dir string) error {
	var err error
	for deadline := time.Now().Add(time.Second); ; time.Sleep(20 * time.Millisecond) {
		if err = removeOnce(dir); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

func removeOnce(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list the private folder: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), lockName) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("remove from the private folder: %w", err)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove the private folder: %w", err)
	}
	return nil
}
