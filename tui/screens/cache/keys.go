package cache

import (
	"cmp"
	"slices"
	"strings"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// Columns of [keyColumns] that are not always worth their room.
const (
	method = 2
	share  = 3
	node   = 7
	growth = 8 // how fast a key grows
)

// keyColumns are the table of keys, from left to right.
func keyColumns() screen.Columns[analysis.HotKey] {
	type row = analysis.HotKey
	by := func(of func(*row) analysis.Value) func(a, b *row) int { return screen.Falling(of, byKey) }
	rate := func(k *row) analysis.Value { return k.ReadsPerSecond }
	part := func(k *row) analysis.Value { return k.Share }
	size := func(k *row) analysis.Value { return k.Bytes }
	return screen.Columns[row]{
		{Head: widget.Column{Title: "KEY", Width: 30, Flex: true, Ends: true}, Compare: byKey, Rising: true, Cell: func(k *row) widget.Cell { return widget.Cell{Text: k.Key.String()} }},
		{Head: widget.Column{Title: "READS/S", Width: 8, Right: true}, Compare: by(rate), Cell: rateCell},
		{Head: widget.Column{Title: "BY", Width: 9, Drop: 4}, Compare: byMethod, Rising: true, Cell: methodCell},
		{Head: widget.Column{Title: "SHARE", Width: 12, Drop: 3}, Compare: by(part), Cell: shareCell},
		{Head: widget.Column{Title: "SIZE", Width: 6, Right: true, Drop: 1}, Compare: by(size), Cell: func(k *row) widget.Cell {
			return number(format.Bytes(k.Bytes), k.Bytes, theme.Plain)
		}},
		{Head: widget.Column{Title: "TTL", Width: 6, Right: true}, Compare: byTTL, Rising: true, Cell: ttlCell},
		{Head: widget.Column{Title: "TYPE", Width: 6, Drop: 5}, Compare: func(a, b *row) int { return cmp.Or(strings.Compare(a.Type, b.Type), byKey(a, b)) }, Rising: true, Cell: func(k *row) widget.Cell {
			return widget.Cell{Text: k.Type, Style: theme.Dim}
		}},
		{Head: widget.Column{Title: "NODE", Width: 21, Drop: 6}, Compare: func(a, b *row) int {
			return cmp.Or(strings.Compare(a.Node.String(), b.Node.String()), byKey(a, b))
		}, Rising: true, Cell: func(k *row) widget.Cell { return widget.Cell{Text: k.Node.String(), Style: theme.Dim} }},
		{Head: widget.Column{Title: "GROWTH", Width: 8, Right: true, Drop: 7}, Compare: by(func(k *row) analysis.Value { return k.GrowthPerSec }), Cell: growthCell},
	}
}

func hotKeyList() lister {
	return list[analysis.HotKey]{
		columns: keyColumns(), by: 1, name: func(k *analysis.HotKey) name { return nameOf(k.Key) },
		rows: func(c *analysis.Cache) []analysis.HotKey { return c.HotKeys },
		drop: func(c *analysis.Cache) []int { return append(saysNothing(c), growth) },
		empty: func(c *analysis.Cache) (string, string) {
			if c.HotKeys == nil {
				return "the first keys are still being looked for", ""
			}
			return "no key stands out yet: " + format.Percent(c.Coverage) + " of all keys were looked at", ""
		},
	}
}

// bigKeyList is the same keys by their size, and how fast they grow.
func bigKeyList() lister {
	l := hotKeyList().(list[analysis.HotKey])
	l.by = 4
	l.columns[method].Head.Drop, l.columns[growth].Head.Drop = 9, 2
	l.drop = func(c *analysis.Cache) []int { return append(saysNothing(c), share) } // nobody looks for it here
	return l
}

// saysNothing are the columns of [keyColumns] that are empty here: the shares
// where no rate is known, and the node where there is one only.
func saysNothing(c *analysis.Cache) (columns []int) {
	if !slices.ContainsFunc(c.HotKeys, func(k analysis.HotKey) bool { return k.Share.OK }) {
		columns = append(columns, share)
	}
	if len(c.Nodes) < 2 {
		columns = append(columns, node)
	}
	return columns
}

func byKey(a, b *analysis.HotKey) int { return strings.Compare(a.Key.String(), b.Key.String()) }

// byTTL puts what expires soonest first, then what is unknown, then what never
// does.
func byTTL(a, b *analysis.HotKey) int {
	rank := func(k *analysis.HotKey) int {
		switch {
		case k.NoTTL:
			return 2
		case !k.TTLSeconds.OK:
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.TTLSeconds.V, b.TTLSeconds.V), byKey(a, b))
}

func byMethod(a, b *analysis.HotKey) int {
	return cmp.Or(strings.Compare(a.Method, b.Method), cmp.Compare(a.RateAge.V, b.RateAge.V), byKey(a, b))
}

// number is a cell that is dimmed when it is unknown or nothing.
func number(text string, v analysis.Value, st canvas.Style) widget.Cell {
	return widget.Cell{Text: text, Style: screen.Quiet(v, st)}
}

// rateText is a rate; of a counter that is full only a lower bound is known.
func rateText(k *analysis.HotKey) string {
	if k.AtLeast && k.ReadsPerSecond.OK {
		return "≥" + format.Number(k.ReadsPerSecond)
	}
	return format.Number(k.ReadsPerSecond)
}

func rateCell(k *analysis.HotKey) widget.Cell {
	return number(rateText(k), k.ReadsPerSecond, theme.Strong)
}

// Words implements [screen.Explainer].
func (m Model) Words() []screen.Word {
	return []screen.Word{
		{Word: "BY app 3s", Means: "the app's count, 3s ago"},
		{Word: "freq", Means: "Redis' own count (LFU)"},
		{Word: "idle", Means: "time since the last use"},
		{Word: "mon", Means: "all commands of a moment"},
		{Word: "hot", Means: "HOTKEYS of Redis 8.6"},
		{Word: "evt trk", Means: "events, tracking: changes"},
		{Word: "SHARE", Means: "of the reads of this list"},
		{Word: "≥", Means: "at least: a count is full"},
		{Word: "∞", Means: "never expires"},
		{Word: "seen", Means: "how many keys by this pass"},
	}
}

// methodText is how the rate was found, and how long ago.
func methodText(k *analysis.HotKey) string {
	if k.Method == "" {
		return format.Unknown
	}
	way := map[string]string{"monitor": "mon", "hotkeys": "hot", "tracking": "trk", "events": "evt"}[k.Method]
	way = cmp.Or(way, k.Method)
	if !k.RateAge.OK {
		return way
	}
	return way + " " + format.Age(k.RateAge)
}

// oldRate is the age in seconds from which a rate is of another time.
const oldRate = 60

func methodCell(k *analysis.HotKey) widget.Cell {
	if k.RateAge.OK && k.RateAge.V > oldRate {
		return widget.Cell{Text: methodText(k), Style: theme.Warn}
	}
	return widget.Cell{Text: methodText(k), Style: theme.Dim}
}

// shareCell is a bar and a number.
func shareCell(k *analysis.HotKey) widget.Cell {
	if !k.Share.OK {
		return widget.Cell{Text: format.Unknown, Style: theme.Dim}
	}
	part := k.Share
	return widget.Cell{Draw: func(a canvas.Area) {
		widget.Gauge(a.Sub(0, 0, 6, 1), part.V, theme.Series1)
		a.TextRight(7, 0, 5, format.Percent(part), screen.Quiet(part, theme.Plain))
	}}
}

// ttlText is a lifetime; "∞" of a key that has none.
func ttlText(v analysis.Value, never bool) string {
	if never {
		return "∞"
	}
	return format.Age(v)
}

func ttlCell(k *analysis.HotKey) widget.Cell {
	if k.NoTTL {
		return widget.Cell{Text: ttlText(k.TTLSeconds, true), Style: theme.Warn}
	}
	return number(ttlText(k.TTLSeconds, false), k.TTLSeconds, theme.Plain)
}

func growthCell(k *analysis.HotKey) widget.Cell {
	if !k.GrowthPerSec.OK {
		return widget.Cell{Text: format.Unknown, Style: theme.Dim}
	}
	return number(format.Bytes(k.GrowthPerSec)+"/s", k.GrowthPerSec, theme.Warn)
}

// drawMethods says by which ways hot keys are looked for, and how much of the
// keyspace was seen.
func drawMethods(a canvas.Area, c *analysis.Cache) {
	w, _ := a.Size()
	seen := "seen " + format.Percent(c.Coverage)
	if c.Coverage.OK && w >= 30 {
		w -= canvas.Width(seen) + 1
		a.Text(w+1, 0, seen, theme.Dim)
	}
	x := 0
	for _, m := range c.Methods {
		glyph, st := "○", theme.Dim
		if m.On {
			glyph, st = "●", theme.Good
		}
		why := m.Why.String()
		if why != "" {
			why += " "
		}
		if x+canvas.Width(m.Method)+4 > w {
			break
		}
		x = a.Text(x, 0, m.Method+" ", theme.Label)
		x = a.Text(x, 0, glyph+" ", st)
		if !m.On && x+canvas.Width(why) <= w {
			x = a.Text(x, 0, why, theme.Dim)
		}
		x++
	}
}
