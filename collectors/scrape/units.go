package scrape

import (
	"fmt"
	"slices"
	"strings"
)

// perSecond is how many of a unit make a second, by its names in metric names,
// # UNIT lines and instrument units.
var perSecond = map[string]float64{
	"seconds": 1, "second": 1, "s": 1, "sec": 1, "secs": 1,
	"milliseconds": 1e3, "millisecond": 1e3, "ms": 1e3, "millis": 1e3, "msec": 1e3,
	"microseconds": 1e6, "microsecond": 1e6, "us": 1e6, "µs": 1e6, "micros": 1e6, "usec": 1e6,
	"nanoseconds": 1e9, "nanosecond": 1e9, "ns": 1e9, "nanos": 1e9,
}

// timeWords name a duration without a unit.
var timeWords = map[string]bool{
	"duration": true, "durations": true, "latency": true, "latencies": true, "time": true, "times": true,
	"elapsed": true, "timing": true, "timings": true, "timer": true, "took": true,
}

// unitOf finds how many of the family's unit make a second: by the name, else
// by # UNIT; 0 when neither says it.
func unitOf(f *family) float64 {
	if u := f.says().unit; u > 0 {
		return u
	}
	return perSecond[strings.ToLower(f.unit)]
}

// unitIn finds the unit in a name's words: the last word that is one, as django's names
// end in _seconds_by_view_method. A single letter counts only at the end.
func unitIn(words []string) float64 {
	for i, word := range slices.Backward(words) {
		if u := perSecond[word]; u > 0 && (len(word) > 1 || i == len(words)-1) {
			return u
		}
	}
	return 0
}

// timed tells whether a family measures time, by its name or unit.
func timed(f *family) bool { return unitOf(f) > 0 || f.says().timed }

// timedTotal tells whether a counter adds up time: its name ends in a unit or a
// word for time, but for _total.
func timedTotal(words []string) bool {
	for len(words) > 0 && (words[len(words)-1] == "total" || words[len(words)-1] == "sum") {
		words = words[:len(words)-1]
	}
	if len(words) == 0 {
		return false
	}
	last := words[len(words)-1]
	return timeWords[last] || perSecond[last] > 0
}

// scaleOf is how many of the family's units make a second, by name, # UNIT, and
// what the numbers can mean: low and high are the finite bounds at the ends of
// its ladder, mean the average; all 0 when unknown.
func scaleOf(f *family, low, high, mean float64) float64 {
	switch named := unitOf(f); {
	case named == 1 && low >= 1 && high >= 1000: // not seconds, whatever the name says
		return finer(low, high)
	case named == 1 && high == 0 && mean > longestMean:
		return 1e3
	case named > 0:
		return named
	case high > 1000:
		return finer(low, high)
	case high == 0 && mean > 3e7:
		return 1e9
	case high == 0 && mean > 3e4:
		return 1e6
	case high == 0 && mean > 30:
		return 1e3
	}
	return 1
}

// longestMean is the longest that requests take on average, in seconds.
const longestMean = 300

// finer is the unit of a ladder that is not in seconds: ladders begin at a few
// units of a millisecond and end within minutes.
func finer(low, high float64) float64 {
	switch {
	case low >= 1e5 && high >= 1e8:
		return 1e9
	case low >= 50 && high >= 1e6:
		return 1e6
	}
	return 1e3
}

// unitName is the unit of which so many make a second.
func unitName(perSecond float64) string {
	switch perSecond {
	case 1:
		return "seconds"
	case 1e3:
		return "milliseconds"
	case 1e6:
		return "microseconds"
	case 1e9:
		return "nanoseconds"
	}
	return fmt.Sprintf("1/%g seconds", perSecond)
}
