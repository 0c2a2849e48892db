// Package host reads this machine, the watched process and apitop itself.
//
// All figures are raw totals by gopsutil; what gopsutil keeps in package
// variables (cpu.Percent) is not used, and the table of all processes is never
// walked. A part that cannot be read here, as in a container without
// /proc/diskstats, is unknown and leaves a note; the rest is read all the same.
package host

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/shirou/gopsutil/v3/cpu"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Config says what to watch.
type Config struct {
	PID int // the service's process on this machine; 0 or less: none
}

// Collector reads the host. Use it from one goroutine at a time.
type Collector struct {
	hostname safe.Text
	cores    int
	disks    devices
	nics     devices
	self     *watched
	process  *watched // nil without a pid
	notes    []snapshot.Note
}

// New makes a Collector; what never changes (name, number of cores) is read
// here, once.
func New(c Config) *Collector {
	name, err := os.Hostname()
	if err != nil {
		name = "unknown"
	}
	cores, err := cpu.Counts(true)
	if err != nil || cores < 1 {
		cores = runtime.NumCPU()
	}
	h := &Collector{
		hostname: safe.New(name),
		cores:    cores,
		disks:    devices{dir: sysDir("block")},
		nics:     devices{dir: sysDir("class", "net")},
		self:     newWatched(os.Getpid()),
	}
	if c.PID > 0 {
		h.process = newWatched(c.PID)
	}
	return h
}

// Source implements collectors.Collector.
func (c *Collector) Source() snapshot.Source {
	return snapshot.Source{Name: safe.New("host " + c.hostname.Raw()), Kind: snapshot.KindHost}
}

// Notes implements collectors.Noter: the parts that could not be read.
func (c *Collector) Notes() []snapshot.Note { return c.notes }

// Collect reads everything once. When neither CPU nor memory can be read, what
// else there is comes with a failure.
func (c *Collector) Collect(ctx context.Context) (snapshot.Reading, error) {
	c.notes = nil
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read the host: %w", err)
	}
	h := &snapshot.Host{At: time.Now(), Hostname: c.hostname, Cores: c.cores}
	for _, p := range c.parts() {
		if err := p.try(ctx, h); err != nil {
			c.notes = append(c.notes, note("no "+p.name+" figures here: "+err.Error(), ""))
		}
	}
	h.Self = c.watch(ctx, c.self)
	h.Process = c.watch(ctx, c.process)
	if !h.CPUTotalSeconds.OK && !h.MemTotalBytes.OK {
		return h, snapshot.Fail(snapshot.Unsupported, "nothing can be read about this machine", "mount /proc, or leave the host out with --no-host")
	}
	return h, nil
}

// part is one thing to read about the machine.
type part struct {
	name string
	read func(context.Context, *snapshot.Host) error
}

// parts lists them all.
func (c *Collector) parts() []part {
	return []part{
		{"cpu", readCPU},
		{"memory", readMemory},
		{"load", readLoad},
		{"disk", c.readDisks},
		{"network", c.readNetwork},
	}
}

// try reads the part. A panic is an error: gopsutil indexes into lines that a
// cut or foreign /proc file does not have.
func (p part) try(ctx context.Context, h *snapshot.Host) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("unexpected format: %v", r)
		}
	}()
	return p.read(ctx, h)
}

// watch reads the process w; nil when w is nil or its process is not there.
func (c *Collector) watch(ctx context.Context, w *watched) *snapshot.Process {
	if w == nil {
		return nil
	}
	p, notes := w.read(ctx)
	c.notes = append(c.notes, notes...)
	return p
}

func note(what, fix string) snapshot.Note {
	return snapshot.Note{What: safe.Short(what, 200), Fix: fix}
}
