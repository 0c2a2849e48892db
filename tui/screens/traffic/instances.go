package traffic

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// instances is the table of the service's instances: one that behaves unlike
// the others is hidden in their sum.
type instances struct{ cursor screen.Cursor[analysis.Text] }

func (t instances) update(msg tea.KeyMsg, r *analysis.Report) instances {
	t.cursor, _ = t.cursor.Update(msg, instanceNames(instanceRows(r)))
	return t
}

// selected is the name of the instance with the cursor; empty when there is none.
func (t instances) selected(r *analysis.Report) string {
	names := instanceNames(instanceRows(r))
	if i := t.cursor.Index(names); i >= 0 {
		return names[i].Raw()
	}
	return ""
}

// instanceRows puts those that do not answer first, then the busiest.
func instanceRows(r *analysis.Report) []analysis.Instance {
	if r.HTTP == nil {
		return nil
	}
	rows := slices.Clone(r.HTTP.Instances)
	slices.SortStableFunc(rows, func(a, b analysis.Instance) int {
		return cmp.Or(
			cmp.Compare(up(a), up(b)),
			cmp.Compare(screen.Rank(b.RPS), screen.Rank(a.RPS)),
			strings.Compare(a.Name.String(), b.Name.String()),
		)
	})
	return rows
}

func up(i analysis.Instance) int {
	if i.Up {
		return 1
	}
	return 0
}

func instanceNames(rows []analysis.Instance) []analysis.Text {
	names := make([]analysis.Text, len(rows))
	for i := range rows {
		names[i] = rows[i].Name
	}
	return names
}

func (t instances) draw(a canvas.Area, f screen.Frame) {
	rows := instanceRows(f.Report)
	body := screen.Panel(a, f, analysis.PartHTTP, instanceHeading(f.Report, rows))
	if len(rows) == 0 {
		widget.Wrap(body, theme.Dim, "one instance only: i goes back to its routes")
		return
	}
	_, h := body.Size()
	selected := t.cursor.Index(instanceNames(rows))
	widget.Table{
		Columns: []widget.Column{
			{Title: "", Width: 1},
			{Title: "INSTANCE", Width: 16, Flex: true, Ends: true},
			{Title: "RPS", Width: 6, Right: true, Sort: -1},
			{Title: "P50", Width: 6, Right: true, Drop: 3},
			{Title: "P95", Width: 6, Right: true},
			{Title: "P99", Width: 6, Right: true, Drop: 2},
			{Title: "ERR", Width: 5, Right: true},
			{Title: "FLIGHT", Width: 6, Right: true, Drop: 1},
			{Title: "PROCS", Width: 5, Right: true, Drop: 4},
		},
		Rows:     len(rows),
		Row:      func(i int) []widget.Cell { return instanceCells(&rows[i], f.Report.Stale[analysis.PartHTTP]) },
		Selected: selected,
		Top:      screen.Top(selected, len(rows), h-1),
	}.Draw(body)
}

// instanceCells is the row of an instance. Where no instance answers any more,
// none is known to be up: stale.
func instanceCells(i *analysis.Instance, stale bool) []widget.Cell {
	state, plain := analysis.StateOK, theme.Plain
	switch {
	case !i.Up:
		state, plain = analysis.StateFailed, theme.Dim
	case stale:
		state = analysis.StateLate
	}
	glyph, look := screen.Glyph(state)
	processes := format.Whole(analysis.Value{V: float64(i.Processes), OK: i.Processes > 0})
	return []widget.Cell{
		{Text: string(glyph), Style: look},
		{Text: i.Name.String(), Style: plain},
		{Text: format.Number(i.RPS), Style: screen.Quiet(i.RPS, plain)},
		quantileCell(i, i.P50, i.P50Bucket, screen.EnoughP50),
		quantileCell(i, i.P95, i.P95Bucket, screen.EnoughP95),
		quantileCell(i, i.P99, i.P99Bucket, screen.EnoughP99),
		{Text: format.Percent(i.ErrorRatio), Style: screen.Quiet(i.ErrorRatio, screen.ErrorLook(i.ErrorRatio))},
		{Text: format.Whole(i.InFlight), Style: plain},
		{Text: processes, Style: theme.Dim},
	}
}

func quantileCell(i *analysis.Instance, v analysis.Value, b *analysis.Bucket, enough float64) widget.Cell {
	look := screen.Quiet(v, screen.QuantileLook(i.Measured, enough, b))
	if !i.Up {
		look = theme.Dim
	}
	return widget.Cell{Text: format.Quantile(v, b), Style: look}
}

func instanceHeading(r *analysis.Report, rows []analysis.Instance) string {
	down := 0
	for i := range rows {
		if !rows[i].Up {
			down++
		}
	}
	title := fmt.Sprintf("Instances %d", len(rows))
	if down > 0 {
		title += fmt.Sprintf(", %d down", down)
	}
	return title + " · last " + format.Age(r.WindowSeconds)
}
