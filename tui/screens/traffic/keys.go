package traffic

import (
	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// mostKeys is how many keys of a route are shown.
const mostKeys = 5

// keysOf are the cache keys that speak of the same thing as the route, the most
// read first; none where no name matches.
func keysOf(report *analysis.Report, r *analysis.Route) []analysis.HotKey {
	if report.HTTP == nil || report.Cache == nil {
		return nil
	}
	rows := report.HTTP.Rows()
	for i := range rows {
		if rows[i].Method != r.Method || rows[i].Route != r.Route {
			continue
		}
		var list []analysis.HotKey
		for _, k := range analysis.ByName(rows).Keys(i, report.Cache.HotKeys) {
			list = append(list, report.Cache.HotKeys[k])
		}
		return list
	}
	return nil
}

// goToKey asks for the page of the route's key that is read most; nothing where
// there is none.
func (m Model) goToKey(r *analysis.Report) tea.Cmd {
	rows := m.rows(r)
	i := m.cursor.Index(screen.RouteIDs(rows))
	if i < 0 {
		return nil
	}
	keys := keysOf(r, &rows[i])
	if len(keys) == 0 {
		return screen.Say("no cache key has a name like this route's")
	}
	return func() tea.Msg { return screen.Navigate{To: '4', Key: keys[0].Key} }
}

// drawKeys draws the route's keys; nothing where there are none, or no room for
// one.
func drawKeys(a canvas.Area, f screen.Frame, keys []analysis.HotKey) {
	if _, h := a.Size(); len(keys) == 0 || h < 2 {
		return
	}
	body := screen.Panel(a, f, analysis.PartKeys, "Cache keys by name: reads, size, TTL")
	w, _ := body.Size()
	for y := range keys[:min(len(keys), mostKeys)] {
		k := &keys[y]
		rate := format.Number(k.ReadsPerSecond)
		if k.AtLeast {
			rate = "≥" + rate
		}
		ttl := format.Age(k.TTLSeconds)
		if k.NoTTL {
			ttl = "∞"
		}
		body.TextIn(0, y, w-24, widget.Shorten(k.Key.String(), w-24), theme.Plain)
		body.TextRight(w-23, y, 8, rate+"/s", screen.Quiet(k.ReadsPerSecond, theme.Plain))
		body.TextRight(w-14, y, 6, format.Bytes(k.Bytes), theme.Dim)
		body.TextRight(w-7, y, 7, ttl, theme.Dim)
	}
}
