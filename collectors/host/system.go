package host

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/disk"
	"github.com/shirou/gopsutil/v3/load"
	"github.com/shirou/gopsutil/v3/mem"
	"github.com/shirou/gopsutil/v3/net"

	"apitop/collectors/snapshot"
)

// errEmpty is for sources that gopsutil reads as "no error, no figures".
var errEmpty = errors.New("not available")

// readCPU adds up the times of all cores. Guest time is part of user time on
// Linux, so it is left out (proc(5), /proc/stat).
func readCPU(ctx context.Context, h *snapshot.Host) error {
	all, err := cpu.TimesWithContext(ctx, false)
	if err != nil {
		return fmt.Errorf("read cpu times: %w", err)
	}
	if len(all) == 0 {
		return errEmpty
	}
	t := all[0]
	busy := t.User + t.System + t.Nice + t.Irq + t.Softirq + t.Steal
	h.CPUBusySeconds = snapshot.Known(busy)
	h.CPUTotalSeconds = snapshot.Known(busy + t.Idle + t.Iowait)
	return nil
}

func readMemory(ctx context.Context, h *snapshot.Host) error {
	m, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return fmt.Errorf("read memory: %w", err)
	}
	if m.Total == 0 {
		return errEmpty
	}
	h.MemTotalBytes = snapshot.Known(float64(m.Total))
	h.MemUsedBytes = snapshot.Known(float64(m.Total - min(m.Available, m.Total)))
	if runtime.GOOS == "linux" { // already in the same file; SwapMemory reads /proc/vmstat too
		h.SwapUsedBytes = snapshot.Known(float64(m.SwapTotal - min(m.SwapFree, m.SwapTotal)))
		return nil
	}
	if s, err := mem.SwapMemoryWithContext(ctx); err == nil {
		h.SwapUsedBytes = snapshot.Known(float64(s.Used))
	}
	return nil
}

func readLoad(ctx context.Context, h *snapshot.Host) error {
	l, err := load.AvgWithContext(ctx)
	if err != nil {
		return fmt.Errorf("read load: %w", err)
	}
	h.Load1 = snapshot.Known(l.Load1)
	return nil
}

// readDisks adds up the physical disks. Partitions, loop devices, RAID and
// device mapper repeat the bytes of the disks below them.
func (c *Collector) readDisks(ctx context.Context, h *snapshot.Host) error {
	names := c.disks.physical(h.At)
	if len(names) == 0 && runtime.GOOS == "linux" {
		return errors.New("no physical disk is visible")
	}
	counters, err := disk.IOCountersWithContext(ctx, slices.Clone(names)...) // it writes to its argument
	if err != nil {
		return fmt.Errorf("read disk counters: %w", err)
	}
	var read, written float64
	for _, d := range counters {
		read += float64(d.ReadBytes)
		written += float64(d.WriteBytes)
	}
	h.DiskReadBytes, h.DiskWriteBytes = snapshot.Known(read), snapshot.Known(written)
	return nil
}

// readNetwork adds up the physical interfaces, as bridges, tunnels and virtual
// pairs repeat their bytes; where there is none (inside a container) all but
// the loopback.
func (c *Collector) readNetwork(ctx context.Context, h *snapshot.Host) error {
	nics, err := net.IOCountersWithContext(ctx, true)
	if err != nil {
		return fmt.Errorf("read network counters: %w", err)
	}
	physical := c.nics.physical(h.At)
	var rx, tx float64
	for _, n := range nics {
		if loopback(n.Name) || len(physical) > 0 && !slices.Contains(physical, n.Name) {
			continue
		}
		rx += float64(n.BytesRecv)
		tx += float64(n.BytesSent)
	}
	h.NetRxBytes, h.NetTxBytes = snapshot.Known(rx), snapshot.Known(tx)
	return nil
}

// loopback tells the loopback interface of Linux (lo) and the BSDs (lo0).
func loopback(name string) bool { return name == "lo" || name == "lo0" }
