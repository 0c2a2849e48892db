package host

import (
	"os"
	"path/filepath"
	"time"
)

// devices lists the physical devices of one class. Linux gives each of them a
// link "device" in its folder under /sys; virtual ones (loop, zram, dm, md,
// bridges, veth) have none. The list is read again each minute, as disks and
// interfaces come and go.
type devices struct {
	dir   string // such as /sys/block
	names []string
	until time.Time // when names is to be read again
}

const devicesFor = time.Minute

// physical gives the names at the time now; empty where there is no /sys.
func (d *devices) physical(now time.Time) []string {
	if now.Before(d.until) {
		return d.names
	}
	d.names, d.until = nil, now.Add(devicesFor)
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if _, err := os.Lstat(filepath.Join(d.dir, e.Name(), "device")); err == nil {
			d.names = append(d.names, e.Name())
		}
	}
	return d.names
}

// sysDir is a folder under /sys, which gopsutil too takes from HOST_SYS.
func sysDir(parts ...string) string {
	root := os.Getenv("HOST_SYS")
	if root == "" {
		root = "/sys"
	}
	return filepath.Join(append([]string{root}, parts...)...)
}
