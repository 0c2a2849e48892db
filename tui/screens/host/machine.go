package host

import (
	"fmt"
	"strings"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// bandRows is the height of the two panels at the top.
func bandRows(r *analysis.Report) int {
	if r.Host == nil && (r.Service == nil || r.Service.Runtime == nil) {
		return 3
	}
	return 5
}

// gauge is one bar with its label and number.
type gauge struct {
	label string
	share analysis.Value
	text  string
	style canvas.Style
}

// Shares of the machine from which it is in need.
const machineWarn, machineBad = 0.7, 0.9

func gauges(h *analysis.Host) []gauge {
	cores := analysis.Value{V: float64(h.Cores), OK: h.Cores > 0}
	memory, load := share01(h.MemoryUsedBytes, h.MemoryBytes), share01(h.Load1, cores)
	return []gauge{
		{"cpu", h.CPURatio, fmt.Sprintf("%s of %d cores", format.Percent(h.CPURatio), h.Cores), screen.Alarm(h.CPURatio, machineWarn, machineBad)},
		{"mem", memory, format.Bytes(h.MemoryUsedBytes) + " of " + format.Bytes(h.MemoryBytes), screen.Alarm(memory, machineWarn, machineBad)},
		{"load", load, format.Number(h.Load1) + " in a minute", screen.Alarm(load, 1, 2)},
	}
}

// transfers is what goes to and from the disks and the network.
func transfers(h *analysis.Host) string {
	return fmt.Sprintf("disk read %s/s write %s/s · net in %s/s out %s/s",
		format.Bytes(h.DiskReadPerSec), format.Bytes(h.DiskWritePerSec), format.Bytes(h.NetRxPerSec), format.Bytes(h.NetTxPerSec))
}

// shortTransfers is the same where there is little room.
func shortTransfers(h *analysis.Host) string {
	return fmt.Sprintf("disk r%s w%s  net i%s o%s",
		format.Bytes(h.DiskReadPerSec), format.Bytes(h.DiskWritePerSec), format.Bytes(h.NetRxPerSec), format.Bytes(h.NetTxPerSec))
}

// drawMachine is the panel of the machine.
func drawMachine(a canvas.Area, f screen.Frame) {
	body := screen.Panel(a, f, analysis.PartHost, "Host")
	h := f.Report.Host
	if h == nil {
		screen.Empty(body, f.Report, analysis.KindHost, "apitop, without --no-host")
		return
	}
	w, _ := body.Size()
	long := max(min(w-28, 40), 8)
	for y, g := range gauges(h) {
		body.Text(0, y, g.label, theme.Label)
		bar(body.Sub(5, y, long, 1), g.share, g.style)
		body.TextIn(6+long, y, w-6-long, g.text, screen.Quiet(g.share, theme.Plain))
	}
	text := transfers(h)
	if canvas.Width(text) > w {
		text = shortTransfers(h)
	}
	body.TextIn(0, 3, w, text, theme.Plain)
}

// drawMachineLines is the machine without a panel, in two lines.
func drawMachineLines(a canvas.Area, f screen.Frame) canvas.Area {
	h := f.Report.Host
	lines, rest := a.Top(2)
	if h == nil {
		lines, rest = a.Top(1)
		lines.Text(0, 0, "host "+format.Unknown, theme.Dim)
		return rest
	}
	if f.Report.Stale[analysis.PartHost] {
		lines = lines.With(canvas.Faint)
	}
	x := 0
	for _, g := range gauges(h) {
		x = lines.Text(x, 0, g.label+" ", theme.Label)
		bar(lines.Sub(x, 0, 5, 1), g.share, g.style)
		short, _, _ := strings.Cut(g.text, " ")
		lines.TextIn(x+6, 0, 6, short, theme.Plain)
		x += 14
	}
	w, _ := lines.Size()
	lines.TextIn(0, 1, w, shortTransfers(h), theme.Plain)
	return rest
}

// value is a label and a number.
type value struct {
	label, text string
	style       canvas.Style
}

// Shares of time spent collecting garbage, and lags of an event loop in seconds,
// from which requests feel it.
const (
	gcWarn, gcBad   = 0.05, 0.2
	lagWarn, lagBad = 0.02, 0.1
)

// processValues are the figures of the process and of its runtime.
func processValues(r *analysis.Report, w int) (process, runtime, collector []value) {
	if h := r.Host; h != nil && h.Process != nil {
		p := h.Process
		process = []value{
			{"cores", format.Number(p.CPUCores), screen.Quiet(p.CPUCores, theme.Plain)},
			{"rss", format.Bytes(p.RSSBytes), screen.Quiet(p.RSSBytes, theme.Plain)},
			{"fds", format.Whole(p.OpenFDs), screen.Quiet(p.OpenFDs, theme.Plain)},
		}
	}
	if r.Service == nil || r.Service.Runtime == nil {
		return process, nil, nil
	}
	t := r.Service.Runtime
	lag := screen.Alarm(t.LagSeconds, lagWarn, lagBad)
	if lag == theme.Good {
		lag = theme.Plain
	}
	runtime = []value{
		{"heap", format.Bytes(t.HeapBytes), screen.Quiet(t.HeapBytes, theme.Plain)},
		{tasks(t.Language, w), format.Whole(t.Tasks), screen.Quiet(t.Tasks, theme.Plain)},
		{"threads", format.Whole(t.Threads), screen.Quiet(t.Threads, theme.Plain)},
	}
	collector = []value{
		{"gc", format.Number(t.GCsPerSecond) + "/s", screen.Quiet(t.GCsPerSecond, theme.Plain)},
		{"gc time", format.Percent(t.GCRatio), calm(screen.Alarm(t.GCRatio, gcWarn, gcBad))},
		{"lag", format.Seconds(t.LagSeconds), calm(lag)},
	}
	return process, runtime, collector
}

// calm leaves what is well without a colour.
func calm(st canvas.Style) canvas.Style {
	if st == theme.Good {
		return theme.Plain
	}
	return st
}

// tasks is what a language calls what it runs many of, where there is room.
func tasks(language string, w int) string {
	switch {
	case language == "go" && w >= 45:
		return "goroutines"
	case language == "nodejs":
		return "handles"
	case language == "beam" && w >= 45:
		return "processes"
	}
	return "tasks"
}

// runtimeName is "go go1.26.0", or what is known of it.
func runtimeName(r *analysis.Report) string {
	if r.Service == nil || r.Service.Runtime == nil {
		return "Process"
	}
	t := r.Service.Runtime
	version := t.Version.String()
	if strings.HasPrefix(version, t.Language) {
		return "Process · " + version
	}
	return strings.TrimSpace("Process · " + t.Language + " " + version)
}

// drawProcess is the panel of the process.
func drawProcess(a canvas.Area, f screen.Frame) {
	part := analysis.PartHTTP
	if f.Report.Service == nil {
		part = analysis.PartHost
	}
	body := screen.Panel(a, f, part, runtimeName(f.Report))
	w, _ := body.Size()
	process, runtime, collector := processValues(f.Report, w)
	if process == nil && runtime == nil {
		widget.Wrap(body, theme.Dim, "no pid, and no metrics page that says it")
		return
	}
	drawGrid(body, [][]value{process, runtime, collector})
}

// drawProcessLines is the process without a panel.
func drawProcessLines(a canvas.Area, f screen.Frame) canvas.Area {
	w, _ := a.Size()
	process, runtime, collector := processValues(f.Report, w)
	for _, line := range [][]value{process, append(runtime, collector...)} {
		if line == nil {
			continue
		}
		var row canvas.Area
		row, a = a.Top(1)
		if f.Report.Stale[analysis.PartHTTP] {
			row = row.With(canvas.Faint)
		}
		drawTight(row, line)
	}
	return a
}

// drawGrid draws lines of labels and numbers in columns.
func drawGrid(a canvas.Area, lines [][]value) {
	w, _ := a.Size()
	var widths [3]int
	for _, line := range lines {
		for i, v := range line {
			widths[i] = max(widths[i], canvas.Width(v.label)+1+max(canvas.Width(v.text), 6))
		}
	}
	spare := max((w-widths[0]-widths[1]-widths[2])/len(widths), 1)
	y := 0
	for _, line := range lines {
		x := 0
		for i, v := range line {
			at := a.Text(x, y, v.label+" ", theme.Label)
			a.TextIn(at, y, x+widths[i]-at, v.text, v.style)
			x += widths[i] + min(spare, 8)
		}
		if line != nil {
			y++
		}
	}
}

// drawTight draws as many as fit, one after the other.
func drawTight(a canvas.Area, line []value) {
	w, _ := a.Size()
	x := 0
	for _, v := range line {
		if x+canvas.Width(v.label)+1+canvas.Width(v.text) > w {
			return
		}
		x = a.Text(x, 0, v.label+" ", theme.Label)
		x = a.Text(x, 0, v.text, v.style) + 2
	}
}
