package snapshot

import (
	"time"

	"apitop/collectors/safe"
)

// Host is one reading of this machine, the watched process and ourselves.
// Totals count since boot, those of a process since it started.
type Host struct {
	At       time.Time
	Hostname safe.Text
	Cores    int

	CPUBusySeconds  Value // all cores, without idle and iowait
	CPUTotalSeconds Value // all cores, everything
	Load1           Value
	MemTotalBytes   Value
	MemUsedBytes    Value // total - available
	SwapUsedBytes   Value
	DiskReadBytes   Value
	DiskWriteBytes  Value
	NetRxBytes      Value // without loopback
	NetTxBytes      Value

	Process *Process // the service, when its pid is known
	Self    *Process // this program
}

// Process is one process.
type Process struct {
	PID        int
	Name       safe.Text
	StartTime  Value // unix seconds
	CPUSeconds Value // user + system
	RSSBytes   Value
	OpenFDs    Value
	Threads    Value
}

func (h *Host) addTo(s *Snapshot) { s.Host = h }

// Facts implements [Reading].
func (h *Host) Facts() []Fact {
	f := append(text("hostname", h.Hostname), Fact{"cores", h.Cores})
	if h.Process != nil {
		f = append(f, Fact{"pid", h.Process.PID})
		f = append(f, text("process", h.Process.Name)...)
	}
	return f
}
