// Package sources is the screen of what is polled: is it reached, is it
// permitted, what is known of it, and what watching costs.
package sources

import (
	"fmt"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// Model is the screen. It is a value: Update gives the next one.
type Model struct{ cursor screen.Cursor[analysis.Text] }

// New makes the screen.
func New() Model { return Model{} }

// Title implements [screen.Screen].
func (m Model) Title() string { return "Sources" }

// Keys implements [screen.Screen].
func (m Model) Keys() []key.Binding { return screen.MoveKeys() }

// Update implements [screen.Screen].
func (m Model) Update(msg tea.Msg, r *analysis.Report) (screen.Screen, tea.Cmd) {
	m.cursor, _ = m.cursor.Update(msg, names(ordered(r)))
	return m, nil
}

// ordered is the sources as they are listed: those that fail first.
func ordered(r *analysis.Report) []*analysis.Source {
	var failed, rest []*analysis.Source
	for i := range r.Sources {
		if s := &r.Sources[i]; s.State == analysis.StateFailed {
			failed = append(failed, s)
		} else {
			rest = append(rest, s)
		}
	}
	return append(failed, rest...)
}

func names(list []*analysis.Source) []analysis.Text {
	names := make([]analysis.Text, len(list))
	for i, s := range list {
		names[i] = s.Name
	}
	return names
}

// Draw implements [screen.Screen].
func (m Model) Draw(a canvas.Area, f screen.Frame) {
	r := f.Report
	list, self := a.Top(-1)
	drawSelf(self, r)
	if len(r.Sources) == 0 {
		widget.Wrap(widget.Panel(list, "Sources", ""), theme.Dim, "waiting for the first round …")
		return
	}
	rows := ordered(r)
	selected := m.cursor.Index(names(rows))
	_, h := list.Size()
	top, detail := list.Top(min(len(rows)+2, max(h/2, 3)))
	drawTable(top, rows, selected)
	drawDetail(detail, rows[selected])
}

// title counts the sources, and those that fail where they may be out of sight.
func title(rows []*analysis.Source) string {
	failed := 0
	for failed < len(rows) && rows[failed].State == analysis.StateFailed {
		failed++
	}
	if failed == 0 {
		return fmt.Sprintf("Sources %d", len(rows))
	}
	return fmt.Sprintf("Sources %d, %d failed", len(rows), failed)
}

func drawTable(a canvas.Area, rows []*analysis.Source, selected int) {
	body := widget.Panel(a, title(rows), "")
	_, h := body.Size()
	widget.Table{
		Columns: []widget.Column{
			{Title: "", Width: 1},
			{Title: "SOURCE", Width: 18, Flex: true, Ends: true},
			{Title: "STATE", Width: 7},
			{Title: "AGE", Width: 6, Right: true},
			{Title: "TOOK", Width: 6, Right: true, Drop: 1},
			{Title: "NEXT", Width: 6, Right: true, Drop: 2},
		},
		Rows:     len(rows),
		Row:      func(i int) []widget.Cell { return cells(rows[i]) },
		Selected: selected,
		Top:      screen.Top(selected, len(rows), h-1),
	}.Draw(body)
}

func cells(s *analysis.Source) []widget.Cell {
	glyph, st := screen.Glyph(s.State)
	state := string(s.State)
	if s.State == analysis.StateOK && len(s.Notes) > 0 {
		state, st = "partly", theme.Warn
	}
	return []widget.Cell{
		{Text: string(glyph), Style: st},
		{Text: s.Name.String()},
		{Text: state, Style: st},
		{Text: format.Age(s.AgeSeconds)},
		{Text: format.Seconds(s.TookSeconds), Style: theme.Dim},
		{Text: next(s), Style: theme.Dim},
	}
}

func next(s *analysis.Source) string {
	if s.RetryInSeconds.OK {
		return format.Age(s.RetryInSeconds)
	}
	return ""
}

// drawDetail is all that is known of one source: what is wrong first.
func drawDetail(a canvas.Area, s *analysis.Source) {
	body := widget.Panel(a, s.Name.String(), "")
	if s.Error != nil {
		body = widget.Wrap(body, theme.Bad, *s.Error)
		body = advice(body, s.Fix)
	}
	for _, n := range s.Notes {
		body = widget.Wrap(body, theme.Warn, n.What.String())
		body = advice(body, n.Fix)
	}
	s.Detail.Each(func(name, text string) {
		w, _ := body.Size()
		body.TextIn(0, 0, 18, name, theme.Label)
		body.TextIn(19, 0, w-19, text, theme.Plain)
		_, body = body.Top(1)
	})
}

// advice is what to do, behind an arrow.
func advice(a canvas.Area, fix string) canvas.Area {
	if fix == "" {
		return a
	}
	return widget.Wrap(a, theme.Accent, "→ "+fix)
}

// drawSelf is what apitop itself costs.
func drawSelf(a canvas.Area, r *analysis.Report) {
	w, _ := a.Size()
	a.TextIn(0, 0, w, fmt.Sprintf("apitop itself: cpu %s of a core · memory %s · history %d of 3600 rounds",
		format.Percent(r.Self.CPURatio), format.Bytes(r.Self.RSSBytes), len(r.History)), theme.Dim)
}
