package cache

import (
	"cmp"
	"strings"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/format"
	"apitop/tui/screen"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// written is how a number is written in a table.
type written func(analysis.Value) string

// figure is a column of a number, sorted the largest first.
func figure[R any](head widget.Column, of func(*R) analysis.Value, write written, st canvas.Style, byName func(a, b *R) int) screen.Column[R] {
	head.Right = true
	return screen.Column[R]{
		Head: head, Compare: screen.Falling(of, byName),
		Cell: func(r *R) widget.Cell { return number(write(of(r)), of(r), st) },
	}
}

// named is the first column of a table.
func named[R any](title string, of func(*R) string) screen.Column[R] {
	return screen.Column[R]{
		Head:    widget.Column{Title: title, Width: 14, Flex: true, Ends: true},
		Compare: func(a, b *R) int { return strings.Compare(of(a), of(b)) }, Rising: true,
		Cell: func(r *R) widget.Cell { return widget.Cell{Text: of(r)} },
	}
}

func prefixList() lister {
	type row = analysis.Prefix
	first := named("PREFIX", func(p *row) string { return cmp.Or(p.Prefix.String(), "(other)") })
	by := first.Compare
	column := func(title string, width, drop int, of func(*row) analysis.Value, write written) screen.Column[row] {
		return figure(widget.Column{Title: title, Width: width, Drop: drop}, of, write, theme.Plain, by)
	}
	columns := screen.Columns[row]{
		first,
		column("KEYS", 7, 0, func(p *row) analysis.Value { return p.Keys }, format.Whole),
		column("SHARE", 6, 3, func(p *row) analysis.Value { return p.Share }, format.Percent),
		column("SIZE", 7, 0, func(p *row) analysis.Value { return p.Bytes }, format.Bytes),
		column("READS/S", 8, 1, func(p *row) analysis.Value { return p.ReadsPerSecond }, format.Number),
		column("NO TTL", 7, 2, func(p *row) analysis.Value { return p.NoTTL }, format.Whole),
		figure(widget.Column{Title: "GROWTH/S", Width: 8, Drop: 4}, func(p *row) analysis.Value { return p.NoTTLPerSecond }, format.Number, theme.Warn, by),
		column("SAMPLED", 7, 5, func(p *row) analysis.Value { return analysis.Value{V: float64(p.Sampled), OK: true} }, format.Whole),
	}
	return list[row]{
		columns: columns, by: 1, name: func(p *row) name { return nameOf(p.Prefix) },
		rows: func(c *analysis.Cache) []row { return c.Prefixes },
		empty: func(*analysis.Cache) (string, string) {
			return "no prefix was counted yet: keys are grouped while all of them are walked through", ""
		},
	}
}

func commandList() lister {
	type row = analysis.RedisCommand
	first := named("COMMAND", func(c *row) string { return strings.ToUpper(c.Name) })
	by := first.Compare
	column := func(title string, width, drop int, of func(*row) analysis.Value, write written) screen.Column[row] {
		return figure(widget.Column{Title: title, Width: width, Drop: drop}, of, write, theme.Plain, by)
	}
	columns := screen.Columns[row]{
		first,
		column("CALLS/S", 8, 0, func(c *row) analysis.Value { return c.CallsPerSecond }, format.Number),
		column("TIME", 6, 0, func(c *row) analysis.Value { return c.TimeShare }, format.Percent),
		column("MEAN", 7, 1, func(c *row) analysis.Value { return c.Mean }, micros),
		column("P50", 7, 3, func(c *row) analysis.Value { return c.P50 }, micros),
		column("P99", 7, 2, func(c *row) analysis.Value { return c.P99 }, micros),
		{Head: widget.Column{Title: "OVER", Width: 11, Drop: 5}, Cell: func(c *row) widget.Cell {
			return widget.Cell{Text: map[string]string{"window": "the window", "start": "since start"}[c.LatencyFrom], Style: theme.Dim}
		}},
		figure(widget.Column{Title: "FAILED/S", Width: 8, Drop: 4}, func(c *row) analysis.Value { return c.FailedPerSecond }, format.Number, theme.Warn, by),
	}
	return list[row]{
		columns: columns, by: 2, name: func(c *row) name { return name{c.Name, strings.ToUpper(c.Name)} },
		rows: func(c *analysis.Cache) []row { return c.Commands },
		empty: func(*analysis.Cache) (string, string) {
			return "the server does not say which commands it runs", "Sources (9) says what may not be read"
		},
	}
}

// mostErrors is how many codes of errors are worth a line of their own.
const mostErrors = 5

// drawErrors draws which errors the server answered with at the bottom of a, where
// there are any, and gives what is left.
func drawErrors(a canvas.Area, c *analysis.Cache) canvas.Area {
	n := min(len(c.Errors), mostErrors)
	if _, h := a.Size(); n == 0 || h < n+8 {
		return a
	}
	rest, part := a.Top(-n - 1)
	body := widget.Panel(part, "Errors", "")
	w, _ := body.Size()
	for y, e := range c.Errors[:n] {
		body.TextIn(0, y, w-26, e.Code.String(), theme.Plain)
		body.TextRight(w-25, y, 12, format.Number(e.PerSecond)+"/s", screen.Quiet(e.PerSecond, theme.Bad))
		body.TextRight(w-12, y, 12, format.Whole(e.Total)+" so far", theme.Dim)
	}
	return rest
}

// micros is a duration of a server that answers in microseconds.
func micros(v analysis.Value) string {
	if v.OK && v.V > 0 && v.V < 0.0009995 {
		return format.Number(analysis.Value{V: v.V * 1e6, OK: true}) + "µs"
	}
	return format.Seconds(v)
}

func missedList() lister {
	type row = analysis.MissedKey
	first := named("KEY", func(k *row) string { return k.Key.String() })
	return list[row]{
		columns: screen.Columns[row]{
			first,
			figure(widget.Column{Title: "MISSES/S", Width: 9}, func(k *row) analysis.Value { return k.MissesPerSecond }, format.Number, theme.Warn, first.Compare),
		},
		by: 1, name: func(k *row) name { return nameOf(k.Key) },
		rows: func(c *analysis.Cache) []row { return c.Missed },
		empty: func(c *analysis.Cache) (string, string) {
			if c.Missed != nil {
				return "no key was looked up in vain since this began", ""
			}
			return "nobody tells which keys are missed: the server's keyspace events for misses are off, and apitop does not switch them on",
				"CONFIG SET notify-keyspace-events Em, where the server can afford it"
		},
	}
}

func nodeList() lister {
	type row = analysis.CacheNode
	first := named("NODE", func(n *row) string { return n.Node.String() })
	by := first.Compare
	column := func(title string, width, drop int, of func(*row) analysis.Value, write written) screen.Column[row] {
		return figure(widget.Column{Title: title, Width: width, Drop: drop}, of, write, theme.Plain, by)
	}
	columns := screen.Columns[row]{
		first,
		{Head: widget.Column{Title: "SERVER", Width: 13, Drop: 4}, Cell: func(n *row) widget.Cell { return widget.Cell{Text: n.Server.String(), Style: theme.Dim} }},
		column("OPS/S", 7, 0, func(n *row) analysis.Value { return n.OpsPerSecond }, format.Number),
		column("HIT", 6, 0, func(n *row) analysis.Value { return n.HitRatio }, format.Percent),
		column("MEMORY", 7, 0, func(n *row) analysis.Value { return n.MemoryBytes }, format.Bytes),
		column("KEYS", 7, 1, func(n *row) analysis.Value { return n.Keys }, format.Whole),
		column("CLIENTS", 7, 3, func(n *row) analysis.Value { return n.Clients }, format.Whole),
		column("CPU", 6, 2, func(n *row) analysis.Value { return n.CPURatio }, format.Percent),
	}
	return list[row]{
		columns: columns, by: 2, name: func(n *row) name { return nameOf(n.Node) },
		rows:  func(c *analysis.Cache) []row { return c.Nodes },
		empty: func(*analysis.Cache) (string, string) { return "one server only", "" },
	}
}
