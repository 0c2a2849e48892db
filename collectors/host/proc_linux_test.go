package host

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v3/common"

	"apitop/collectors/snapshot"
)

// goodProc is a /proc of round numbers: sizes in kB and sectors of 512 bytes.
var goodProc = map[string]string{
	"stat":      "cpu  1000 200 300 5000 400 10 20 30 70 0\ncpu0 1 2 3 4 5 6 7 8 9 0\nbtime 1700000000\n",
	"meminfo":   "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\n",
	"loadavg":   "1.25 0.50 0.25 1/100 4242\n",
	"diskstats": " 254 0 vda 10 0 100 1 20 0 200 1 0 1 1\n 254 1 vda1 10 0 100 1 20 0 200 1 0 1 1\n 7 0 loop0 10 0 999 1 20 0 999 1 0 1 1\n",
	"net/dev":   "Inter-| Receive\n face |bytes\n lo: 7 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n eth0: 500 5 0 0 0 0 0 0 300 3 0 0 0 0 0 0\n veth1: 40 5 0 0 0 0 0 0 30 3 0 0 0 0 0 0\n",
}

// fakeHost makes a Collector that reads files as /proc, with the given physical
// devices, and the context to call it with.
func fakeHost(t *testing.T, files map[string]string, devices ...string) (*Collector, context.Context) {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		write(t, filepath.Join(root, "proc", name), content)
	}
	for _, d := range devices {
		write(t, filepath.Join(root, "sys", d, "device"), "")
	}
	t.Setenv("HOST_SYS", filepath.Join(root, "sys"))
	env := common.EnvMap{common.HostProcEnvKey: filepath.Join(root, "proc")}
	return New(Config{}), context.WithValue(t.Context(), common.EnvKey, env)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFigures(t *testing.T) {
	c, ctx := fakeHost(t, goodProc, "block/vda", "class/net/eth0")
	h := collect(ctx, t, c)
	hz := 100.0 // USER_HZ is 100 on every Linux that Go runs on
	tests := map[string]struct{ got, want snapshot.Value }{
		"busy":       {h.CPUBusySeconds, known((1000 + 200 + 300 + 10 + 20 + 30) / hz)},
		"total":      {h.CPUTotalSeconds, known((1000 + 200 + 300 + 10 + 20 + 30 + 5000 + 400) / hz)},
		"load":       {h.Load1, known(1.25)},
		"mem total":  {h.MemTotalBytes, known(1000 * 1024)},
		"mem used":   {h.MemUsedBytes, known(600 * 1024)},
		"swap used":  {h.SwapUsedBytes, known(30 * 1024)},
		"disk read":  {h.DiskReadBytes, known(100 * 512)},
		"disk write": {h.DiskWriteBytes, known(200 * 512)},
		"net rx":     {h.NetRxBytes, known(500)},
		"net tx":     {h.NetTxBytes, known(300)},
	}
	for name, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s = %v, want %v", name, tt.got, tt.want)
		}
	}
	if h.Cores < 1 || h.Hostname.IsZero() || h.At.IsZero() {
		t.Errorf("cores %d, hostname %q, at %v", h.Cores, h.Hostname, h.At)
	}
}

// TestPartsMissing: what a container hides is unknown, never zero, and named.
func TestPartsMissing(t *testing.T) {
	tests := map[string]struct {
		file, content string // replaces that file; empty content removes it
		devices       []string
		unknown       func(*snapshot.Host) []snapshot.Value
		note          string
	}{
		"no stat":       {file: "stat", unknown: cpuValues, note: "no cpu figures"},
		"garbled stat":  {file: "stat", content: "cpu a b c\n", unknown: cpuValues, note: "no cpu figures"},
		"no meminfo":    {file: "meminfo", unknown: memValues, note: "no memory figures"},
		"no diskstats":  {file: "diskstats", unknown: diskValues, note: "no disk figures"},
		"cut net/dev":   {file: "net/dev", content: "Inter-|", unknown: netValues, note: "no network figures"},
		"short net/dev": {file: "net/dev", content: "a\nb\n eth0: 1 2\n", unknown: netValues, note: "no network figures"},
		"no disks":      {devices: []string{"class/net/eth0"}, unknown: diskValues, note: "no physical disk"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			files := maps.Clone(goodProc)
			delete(files, tt.file)
			if tt.content != "" {
				files[tt.file] = tt.content
			}
			if tt.devices == nil {
				tt.devices = []string{"block/vda"}
			}
			c, ctx := fakeHost(t, files, tt.devices...)
			h := collect(ctx, t, c)
			for i, v := range tt.unknown(h) {
				if v.OK {
					t.Errorf("value %d is known: %v", i, v)
				}
			}
			if !h.Load1.OK {
				t.Error("the load is unknown although it could be read")
			}
			if !hasNote(c.Notes(), tt.note) {
				t.Errorf("notes %v do not say %q", c.Notes(), tt.note)
			}
		})
	}
}

func cpuValues(h *snapshot.Host) []snapshot.Value {
	return []snapshot.Value{h.CPUBusySeconds, h.CPUTotalSeconds}
}

func memValues(h *snapshot.Host) []snapshot.Value {
	return []snapshot.Value{h.MemTotalBytes, h.MemUsedBytes, h.SwapUsedBytes}
}

func diskValues(h *snapshot.Host) []snapshot.Value {
	return []snapshot.Value{h.DiskReadBytes, h.DiskWriteBytes}
}

func netValues(h *snapshot.Host) []snapshot.Value {
	return []snapshot.Value{h.NetRxBytes, h.NetTxBytes}
}

// TestNothingReadable: without /proc only the kernel's own load figures are
// left; they are kept beside the failure.
func TestNothingReadable(t *testing.T) {
	c, ctx := fakeHost(t, nil)
	r, err := c.Collect(ctx)
	if f, ok := errors.AsType[*snapshot.Failure](err); !ok || f.Kind != snapshot.Unsupported {
		t.Errorf("error = %v", err)
	}
	h, ok := r.(*snapshot.Host)
	if !ok || h.CPUBusySeconds.OK || h.MemTotalBytes.OK || !h.Load1.OK {
		t.Errorf("reading = %+v", r)
	}
}

// TestVirtualInterfaces: without a physical interface all but the loopback
// count, as inside a container.
func TestVirtualInterfaces(t *testing.T) {
	c, ctx := fakeHost(t, goodProc, "block/vda")
	if h := collect(ctx, t, c); h.NetRxBytes != known(540) || h.NetTxBytes != known(330) {
		t.Errorf("rx %v, tx %v", h.NetRxBytes, h.NetTxBytes)
	}
}

func TestDevicesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	d := devices{dir: dir}
	now := time.Now()
	if got := d.physical(now); got != nil {
		t.Fatalf("devices in an empty folder: %v", got)
	}
	write(t, filepath.Join(dir, "sdb", "device"), "")
	if got := d.physical(now.Add(devicesFor / 2)); got != nil {
		t.Errorf("the list was read again too soon: %v", got)
	}
	if got := d.physical(now.Add(devicesFor)); !slices.Equal(got, []string{"sdb"}) {
		t.Errorf("after a minute: %v", got)
	}
}
