package theme

import "apitop/tui/canvas"

// The looks, named by what they mean. Add [canvas.Reverse] for the selected row
// and [canvas.Faint] for values that are no longer fresh. There may be 63 at
// most, as the upper bits of a Style are the modifiers.
const (
	Plain  canvas.Style = iota // what is read most; always the terminal's own colours
	Dim                        // what may be overlooked: units, hints, unknown values
	Strong                     // the number that matters in a line

	Title     // name of the program, of a screen, of a panel
	Header    // head of a table
	Border    // frames and rules
	Label     // name of a value
	Key       // a key to press, in the footer and the help
	Accent    // what attention should go to, without being good or bad
	Tab       // a screen one can go to
	TabActive // the screen one is on
	Match     // the part of a text that a filter matched
	Input     // text being typed

	Good     // within its limits
	Warn     // near a limit, or degraded
	Bad      // beyond a limit, failed
	Critical // a badge: act now
	Paused   // a badge: not live
	Live     // a badge: live again, or recording

	Grid      // axes and lines of a chart
	Threshold // the line a value must not cross
	Mark      // an event on a time axis
	Gauge     // the filled part of a bar
	Track     // the empty part of a bar
	Series1   // the curves of a chart
	Series2
	Series3
	Series4

	Heat0 // the steps of a heatmap, from almost nothing to most; without colours they
	Heat1 // can not all differ, so a heatmap shades by character as well
	Heat2
	Heat3
	Heat4
	Heat5
	Heat6
	Heat7

	count // how many there are
)

// Series is the look of the i-th curve of a chart; they repeat after four.
func Series(i int) canvas.Style {
	return Series1 + canvas.Style(max(i, 0)%4)
}

// Heat is the look of a share of the most, 0..1; what lies outside is clamped.
func Heat(share float64) canvas.Style {
	const steps = float64(Heat7 - Heat0)
	if !(share > 0) { // also NaN
		return Heat0
	}
	return Heat0 + canvas.Style(min(share, 1)*steps+0.5)
}
