package host

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// kind tells the lists apart, in the order of the screen.
type kind uint8

const (
	pools kind = iota
	queues
	caches
	counting
	kinds
)

// itemID is the identity of a row.
type itemID struct {
	list   kind
	kind   string
	name   analysis.Text
	labels analysis.Text
}

// item is a row with a cell for each column.
type item struct {
	id    itemID
	cells []cell
}

// cell is a text with what it is sorted by: the number, or the text when it has
// none.
type cell struct {
	text  string
	by    analysis.Value
	style canvas.Style
	bar   bool // drawn as a bar of by, 0..1
}

// list is one table of the screen.
type list struct {
	kind  kind
	title string
	heads []widget.Column
	items []item
}

// lists are the tables that have rows, each in its order.
func (m Model) lists(r *analysis.Report) []list {
	s := r.Service
	if s == nil {
		return nil
	}
	all := []list{poolList(s.Pools), queueList(s.Queues), cacheList(s.Caches), counterList(s.Counters)}
	all = slices.DeleteFunc(all, func(l list) bool { return len(l.items) == 0 })
	for i := range all {
		all[i].sort(m.orders[all[i].kind])
	}
	return all
}

// sort puts the rows into order, the largest number or the first name on top,
// and marks the column.
func (l *list) sort(o order) {
	if o.by > 0 {
		c := o.by - 1
		slices.SortStableFunc(l.items, func(a, b item) int {
			x, y := a.cells[c], b.cells[c]
			if !x.by.OK && !y.by.OK {
				return strings.Compare(x.text, y.text)
			}
			return cmp.Compare(orLess(y.by), orLess(x.by))
		})
		l.heads[c].Sort = -1
		if o.reverse {
			l.heads[c].Sort = 1
		}
	}
	if o.reverse {
		slices.Reverse(l.items)
	}
}

// orLess sorts unknown numbers below all known ones.
func orLess(v analysis.Value) float64 {
	if !v.OK {
		return -2
	}
	return v.V
}

// named is the cell of a name; kind stands for a thing without one.
func named(kind string, name analysis.Text) cell {
	text := strings.TrimSpace(kind + " " + name.String())
	if text == "" {
		text = "(the only one)"
	}
	return cell{text: text}
}

// number is a cell that is dimmed when it is unknown or nothing.
func number(text string, v analysis.Value, st canvas.Style) cell {
	return cell{text: text, by: v, style: screen.Quiet(v, st)}
}

// used is "3/10", or "3" without a limit.
func used(now, most analysis.Value) string {
	if !most.OK {
		return format.Whole(now)
	}
	return format.Whole(now) + "/" + format.Whole(most)
}

// Shares of a pool in use from which it may run out.
const fullWarn, fullBad = 0.7, 0.9

func poolList(rows []analysis.Pool) list {
	l := list{kind: pools, title: fmt.Sprintf("Pools %d", len(rows)), heads: []widget.Column{
		{Title: "POOL", Width: 8, Flex: true},
		{Title: "", Width: 8, Drop: 6},
		{Title: "USED", Width: 7, Right: true},
		{Title: "QUEUED", Width: 6, Right: true, Drop: 2},
		{Title: "TAKEN/S", Width: 7, Right: true, Drop: 5},
		{Title: "WAITS/S", Width: 7, Right: true, Drop: 3},
		{Title: "WAIT", Width: 6, Right: true},
		{Title: "GAVE UP", Width: 7, Right: true, Drop: 4},
	}}
	for i := range rows {
		p := &rows[i]
		look := screen.Alarm(p.UsedRatio, fullWarn, fullBad)
		if !p.UsedRatio.OK {
			look = theme.Plain
		}
		l.items = append(l.items, item{itemID{pools, p.Kind, p.Name, analysis.Text{}}, []cell{
			named(p.Kind, p.Name),
			{by: p.UsedRatio, style: look, bar: true},
			{text: used(p.InUse, p.Max), by: p.InUse, style: screen.Quiet(p.InUse, look)},
			number(format.Whole(p.Waiting), p.Waiting, theme.Warn),
			number(format.Number(p.AcquiresPerSecond), p.AcquiresPerSecond, theme.Plain),
			number(format.Number(p.WaitsPerSecond), p.WaitsPerSecond, theme.Warn),
			number(format.Seconds(p.WaitSeconds), p.WaitSeconds, theme.Plain),
			number(format.Number(p.TimeoutsPerSecond), p.TimeoutsPerSecond, theme.Bad),
		}})
	}
	return l
}

func queueList(rows []analysis.Queue) list {
	l := list{kind: queues, title: fmt.Sprintf("Queues %d", len(rows)), heads: []widget.Column{
		{Title: "QUEUE", Width: 8, Flex: true},
		{Title: "LENGTH", Width: 6, Right: true},
		{Title: "BUSY", Width: 7, Right: true, Drop: 2},
		{Title: "DONE/S", Width: 6, Right: true},
		{Title: "FAIL/S", Width: 6, Right: true, Drop: 1},
		{Title: "WAIT", Width: 6, Right: true},
	}}
	for i := range rows {
		q := &rows[i]
		l.items = append(l.items, item{itemID{queues, q.Kind, q.Name, analysis.Text{}}, []cell{
			named(q.Kind, q.Name),
			number(format.Whole(q.Length), q.Length, theme.Strong),
			{text: used(q.Busy, q.Workers), by: q.Busy, style: screen.Quiet(q.Busy, theme.Plain)},
			number(format.Number(q.DonePerSecond), q.DonePerSecond, theme.Plain),
			number(format.Number(q.FailedPerSecond), q.FailedPerSecond, theme.Bad),
			number(format.Seconds(q.WaitSeconds), q.WaitSeconds, theme.Plain),
		}})
	}
	return l
}

func cacheList(rows []analysis.CacheUse) list {
	l := list{kind: caches, title: fmt.Sprintf("Caches %d", len(rows)), heads: []widget.Column{
		{Title: "CACHE", Width: 8, Flex: true},
		{Title: "", Width: 8, Drop: 3},
		{Title: "HIT", Width: 5, Right: true},
		{Title: "ASKED/S", Width: 7, Right: true},
		{Title: "ENTRIES", Width: 7, Right: true, Drop: 2},
		{Title: "EVICT/S", Width: 7, Right: true, Drop: 1},
	}}
	for i := range rows {
		c := &rows[i]
		l.items = append(l.items, item{itemID{caches, c.Kind, c.Name, analysis.Text{}}, []cell{
			named(c.Kind, c.Name),
			{by: c.HitRatio, style: theme.Gauge, bar: true},
			{text: format.Percent(c.HitRatio), by: c.HitRatio, style: screen.Quiet(c.HitRatio, theme.Plain)},
			number(format.Number(c.LookupsPerSecond), c.LookupsPerSecond, theme.Plain),
			number(format.Whole(c.Entries), c.Entries, theme.Plain),
			number(format.Number(c.EvictionsPerSecond), c.EvictionsPerSecond, theme.Warn),
		}})
	}
	return l
}

func counterList(rows []analysis.Counter) list {
	l := list{kind: counting, title: fmt.Sprintf("Counters %d", len(rows)), heads: []widget.Column{
		{Title: "COUNTER", Width: 20, Flex: true, Ends: true},
		{Title: "PER SEC", Width: 7, Right: true},
		{Title: "CHANGE", Width: 6, Right: true},
		{Title: "TOTAL", Width: 6, Right: true, Drop: 1},
	}}
	for i := range rows {
		c := &rows[i]
		l.items = append(l.items, item{itemID{counting, "", c.Name, c.Labels}, []cell{
			{text: counterName(c)},
			number(format.Number(c.PerSecond), c.PerSecond, theme.Plain),
			{text: change(c.ChangeRatio), by: c.ChangeRatio, style: changeLook(c)},
			number(format.Whole(c.Total), c.Total, theme.Dim),
		}})
	}
	return l
}

// counterName is a counter as it is shown, in few words: "orders status=paid".
func counterName(c *analysis.Counter) string {
	name := strings.TrimSuffix(c.Name.String(), "_total")
	labels := strings.ReplaceAll(strings.ReplaceAll(c.Labels.String(), `"`, ""), ",", " ")
	return strings.TrimSpace(name + " " + labels)
}

// change is how a rate differs from the minutes before: "+12%", "-80%", "×14".
func change(v analysis.Value) string {
	switch {
	case !v.OK:
		return format.Unknown
	case math.Abs(v.V) < 0.005:
		return "0%"
	case v.V >= 9.995:
		return "×" + format.Number(analysis.Value{V: v.V + 1, OK: true})
	}
	return fmt.Sprintf("%+.0f%%", v.V*100)
}

// enoughGrowth is the growth in the window that makes a change worth a look: of
// fewer, a single one doubles the rate.
const enoughGrowth = 5

// changeLook draws attention to what doubled or halved, good or bad.
func changeLook(c *analysis.Counter) canvas.Style {
	v := c.ChangeRatio
	if v.OK && (v.V >= 1 && c.Growth.V >= enoughGrowth || v.V <= -0.5 && c.Total.V >= enoughGrowth) {
		return theme.Accent
	}
	return theme.Dim
}
