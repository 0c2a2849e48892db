package analysis

import (
	"apitop/collectors/snapshot"
)

// hostState follows the machine, the watched process and ourselves.
type hostState struct {
	totals  *growth[string]
	process *growth[string]
	self    Self
	own     *growth[string]
	page    *growth[string] // the process as its metrics page tells of it
	host    *snapshot.Host
	paged   *snapshot.HTTP
	section *Host
}

func newHostState(opt Options) hostState {
	return hostState{
		totals:  newGrowth[string](opt),
		process: newGrowth[string](opt),
		own:     newGrowth[string](opt),
		page:    newGrowth[string](opt),
	}
}

// step takes the host's reading and, for a service without a known pid, what
// its metrics page says of its process.
func (h *hostState) step(s snapshot.Snapshot, page *snapshot.HTTP) {
	if page != nil && page != h.paged {
		fresh := h.paged != nil && moved(h.paged.StartTime, page.StartTime)
		h.paged = page
		h.page.begin(page.At, fresh)
		h.page.put("cpu", page.Process.CPUSeconds)
		h.page.end()
	}
	if s.Host == nil {
		return
	}
	h.take(s.Host)
	h.section = h.report(s.Host)
	if s.Host.Self != nil {
		h.self = Self{CPURatio: h.own.rate("cpu"), RSSBytes: s.Host.Self.RSSBytes}
	}
}

func (h *hostState) take(r *snapshot.Host) {
	prev := h.host
	h.host = r
	h.totals.begin(r.At, false)
	h.totals.put("busy", r.CPUBusySeconds)
	h.totals.put("total", r.CPUTotalSeconds)
	h.totals.put("read", r.DiskReadBytes)
	h.totals.put("write", r.DiskWriteBytes)
	h.totals.put("rx", r.NetRxBytes)
	h.totals.put("tx", r.NetTxBytes)
	h.totals.end()
	if r.Process != nil {
		h.process.begin(r.At, prev != nil && replaced(prev.Process, r.Process))
		h.process.put("cpu", r.Process.CPUSeconds)
		h.process.end()
	}
	if r.Self != nil {
		h.own.begin(r.At, false)
		h.own.put("cpu", r.Self.CPUSeconds)
		h.own.end()
	}
}

// replaced tells whether a pid now belongs to another process.
func replaced(before, after *snapshot.Process) bool {
	return before != nil && (before.PID != after.PID || moved(before.StartTime, after.StartTime))
}

func (h *hostState) report(r *snapshot.Host) *Host {
	return &Host{
		CPURatio:        over(h.totals.one("busy"), h.totals.one("total")),
		Cores:           r.Cores,
		Load1:           r.Load1,
		MemoryUsedBytes: r.MemUsedBytes,
		MemoryBytes:     r.MemTotalBytes,
		DiskReadPerSec:  h.totals.rate("read"),
		DiskWritePerSec: h.totals.rate("write"),
		NetRxPerSec:     h.totals.rate("rx"),
		NetTxPerSec:     h.totals.rate("tx"),
		Process:         h.reportProcess(r.Process),
	}
}

func (h *hostState) reportProcess(p *snapshot.Process) *Process {
	if p != nil {
		pid := p.PID
		return &Process{PID: &pid, CPUCores: h.process.rate("cpu"), RSSBytes: p.RSSBytes, OpenFDs: p.OpenFDs}
	}
	if h.paged == nil {
		return nil
	}
	t := h.paged.Process
	if !t.CPUSeconds.OK && !t.RSSBytes.OK {
		return nil
	}
	return &Process{CPUCores: h.page.rate("cpu"), RSSBytes: t.RSSBytes, OpenFDs: t.OpenFDs}
}
