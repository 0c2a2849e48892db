// Package widget holds the parts that screens are made of: panels, tables,
// charts, sparklines, gauges. Each is a function that draws plain data on a
// canvas area; none keeps state or knows what a report is.
package widget

import (
	"strings"

	"apitop/tui/canvas"
	"apitop/tui/theme"
)

// Panel draws a titled rule over a and returns what is below it:
//
//	── Routes ───────────────────────────── stale 12s ──
//
// note is drawn at the right, in the Warn look; empty for none.
func Panel(a canvas.Area, title, note string) canvas.Area {
	head, body := a.Top(1)
	w, _ := head.Size()
	for x := range w {
		head.Set(x, 0, '─', theme.Border)
	}
	if n := canvas.Width(note); n > 0 && n+8 < w {
		head.Text(w-n-4, 0, " "+note+" ", theme.Warn)
		w -= n + 5
	}
	if w > 6 {
		head.TextIn(2, 0, min(canvas.Width(title)+2, w-4), " "+title+" ", theme.Title)
	}
	return body
}

// Lines draws texts one below the other, each cut to the area's width, and
// returns the rest.
func Lines(a canvas.Area, st canvas.Style, texts ...string) canvas.Area {
	w, _ := a.Size()
	for i, s := range texts {
		a.TextIn(0, i, w, s, st)
	}
	_, rest := a.Top(len(texts))
	return rest
}

// Wrap draws text in the area's width, broken at blanks, and returns the rest.
// A word longer than a line is cut.
func Wrap(a canvas.Area, st canvas.Style, text string) canvas.Area {
	w, h := a.Size()
	y := 0
	for _, line := range Fold(text, w) {
		if y >= h {
			break
		}
		a.TextIn(0, y, w, line, st)
		y++
	}
	_, rest := a.Top(y)
	return rest
}

// Fold breaks text at blanks into lines of at most w cells, as far as its words
// allow.
func Fold(text string, w int) []string {
	if w <= 0 {
		return nil
	}
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case canvas.Width(line)+1+canvas.Width(word) <= w:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
