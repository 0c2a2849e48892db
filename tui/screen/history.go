package screen

import (
	"time"

	"apitop/collectors/analysis"
)

// HistorySpan is the length of time that a chart of the history shows: the
// shortest of a few that holds all of it, so that the scale seldom changes.
func HistorySpan(history []analysis.Point) time.Duration {
	spans := [...]time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}
	if len(history) == 0 {
		return spans[0]
	}
	age := history[len(history)-1].At.Sub(history[0].At)
	for _, s := range spans {
		if age < s {
			return s
		}
	}
	return spans[len(spans)-1]
}
