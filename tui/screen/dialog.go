package screen

import (
	"apitop/tui/canvas"
	"apitop/tui/theme"
	"apitop/tui/widget"
)

// dialogWidth is how wide a dialog may be: lines that are longer are hard to read.
const dialogWidth = 76

// drawDialog draws a box in the middle of a with its title, its lines and, below
// them, a line that it gives to be drawn. What does not fit is cut, but not that
// last line.
func drawDialog(a canvas.Area, title string, lines []string, st canvas.Style) canvas.Area {
	w, h := a.Size()
	bw := min(w, dialogWidth)
	var text []string
	for _, l := range lines {
		text = append(text, foldHard(l, bw-4)...)
	}
	bh := min(h, len(text)+4)
	box := a.Sub((w-bw)/2, (h-bh)/2, bw, bh)
	box.Fill(' ', theme.Plain)
	if bh < 3 || bw < 5 {
		return box
	}
	frame(box, title)
	inner := box.Sub(2, 1, bw-4, bh-2)
	body, foot := inner.Top(-1)
	widget.Lines(body, st, text...)
	return foot
}

// frame draws a line around a, with a title in it.
func frame(a canvas.Area, title string) {
	w, h := a.Size()
	for x := 1; x < w-1; x++ {
		a.Set(x, 0, '─', theme.Border)
		a.Set(x, h-1, '─', theme.Border)
	}
	for y := 1; y < h-1; y++ {
		a.Set(0, y, '│', theme.Border)
		a.Set(w-1, y, '│', theme.Border)
	}
	a.Set(0, 0, '┌', theme.Border)
	a.Set(w-1, 0, '┐', theme.Border)
	a.Set(0, h-1, '└', theme.Border)
	a.Set(w-1, h-1, '┘', theme.Border)
	a.TextIn(2, 0, min(canvas.Width(title)+2, w-4), " "+title+" ", theme.Title)
}

// foldHard is [widget.Fold], with words that are longer than a line broken too:
// of a key, every character may matter. An empty text is an empty line.
func foldHard(text string, w int) []string {
	if w <= 0 {
		return nil
	}
	var lines []string
	for _, line := range widget.Fold(text, w) {
		for canvas.Width(line) > w {
			n, cells := 0, 0
			for i, r := range line {
				if cells += canvas.Width(string(r)); cells > w {
					break
				}
				n = i + len(string(r))
			}
			if n == 0 {
				break // a wide character in a line of one cell
			}
			lines, line = append(lines, line[:n]), line[n:]
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return []string{""}
	}
	return lines
}
