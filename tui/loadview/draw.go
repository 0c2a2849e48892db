package loadview

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/charmbracelet/bubbles/key"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// Draw implements painter.Model.
func (m *Model) Draw(a canvas.Area) {
	_, h := a.Size()
	head, body := a.Top(min(4, h))
	m.drawHead(head)
	if h < 6 {
		return
	}
	body, foot := body.Top(-1)
	m.drawFoot(foot)
	m.drawBody(body)
}

// drawHead is the four lines that matter most: what is tested, how far it is,
// what is sent, what came of it.
func (m *Model) drawHead(a canvas.Area) {
	v := &m.view
	w, _ := a.Size()
	x := a.Text(0, 0, "apitop load", theme.Title) + 1
	clock := ""
	if !v.At.IsZero() {
		clock = v.At.Format("15:04:05")
	}
	a.TextRight(0, 0, w, clock, theme.Plain)
	a.TextIn(x, 0, w-x-canvas.Width(clock)-1, v.Target, theme.Dim)
	m.drawProgress(a.Sub(0, 1, w, 1))
	m.drawRate(a.Sub(0, 2, w, 1))
	drawOutcomes(a.Sub(0, 3, w, 1), v.Outcomes)
}

// drawProgress is a bar of the time gone by, and the words beside it.
func (m *Model) drawProgress(a canvas.Area) {
	v := &m.view
	text := span(v.Elapsed)
	share := v.Done
	if v.Planned > 0 {
		share = analysis.Value{V: min(v.Elapsed.Seconds()/v.Planned.Seconds(), 1), OK: true}
		text = fmt.Sprintf("%s of %s, %s left", span(v.Elapsed), span(v.Planned), span(max(v.Planned-v.Elapsed, 0)))
	}
	w, _ := a.Size()
	x := w - canvas.Width(text)
	a.Text(x, 0, text, theme.Plain)
	phase := canvas.Width(v.Phase)
	if phase > 0 && x-phase-1 >= 12 {
		x -= phase + 2
		a.Text(x, 0, v.Phase, theme.Accent)
	}
	if bar := x - 1; bar >= 8 && share.OK {
		widget.Gauge(a.Sub(0, 0, bar, 1), share.V, theme.Gauge)
	}
}

// span is a time in whole seconds.
func span(d time.Duration) string {
	s := math.Round(d.Seconds())
	if s < 10 {
		return fmt.Sprintf("%.0fs", s)
	}
	return format.Age(analysis.Value{V: s, OK: true})
}

// drawRate is what is sent, and what is wrong with the figures.
func (m *Model) drawRate(a canvas.Area) {
	v := &m.view
	x := 0
	put := func(label, value string, st canvas.Style) {
		x = a.Text(x, 0, label+" ", theme.Label)
		x = a.Text(x, 0, value, st) + 2
	}
	if v.IntendedRPS.OK {
		put("intended", format.Number(v.IntendedRPS)+"/s", theme.Strong)
	}
	if v.SentRPS.OK {
		put("sent", format.Number(v.SentRPS)+"/s", theme.Strong)
	}
	put("in flight", strconv.Itoa(v.InFlight), theme.Plain)
	if v.Lag.OK {
		put("lag p95", format.Seconds(v.Lag), theme.Plain)
	}
	w, _ := a.Size()
	if v.Warning != "" && w-x > 12 {
		a.TextIn(x, 0, w-x, "! "+v.Warning, theme.Warn)
	}
}

// drawOutcomes is how requests ended, each with its share where it matters.
func drawOutcomes(a canvas.Area, outcomes []Outcome) {
	w, _ := a.Size()
	x := 0
	for _, o := range outcomes {
		count := format.Whole(analysis.Value{V: float64(o.Count), OK: true})
		share := ""
		st := theme.Strong
		switch {
		case o.Count == 0:
			st = theme.Dim
		case o.Bad:
			st = theme.Bad
			share = " " + format.Percent(o.Share)
		}
		if x+canvas.Width(o.Label)+canvas.Width(count)+canvas.Width(share)+1 > w {
			return // those that matter most come first
		}
		x = a.Text(x, 0, o.Label+" ", theme.Label)
		x = a.Text(x, 0, count+share, st) + 2
	}
}

// drawFoot is the keys that work here.
func (m *Model) drawFoot(a canvas.Area) {
	w, _ := a.Size()
	x := 0
	for _, k := range []key.Binding{m.keys.quit, m.keys.faster, m.keys.slower, m.keys.down, m.keys.up} {
		h := k.Help()
		if !k.Enabled() {
			continue
		}
		if n := canvas.Width(h.Key) + canvas.Width(h.Desc) + 3; x+n > w+2 {
			break
		}
		x = a.Text(x, 0, h.Key, theme.Key)
		x = a.Text(x+1, 0, h.Desc, theme.Dim) + 2
	}
}
