package scrape

import (
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
	"duration": true, "latency": true, "time": true, "elapsed": true,
}

// unitOf finds how many of the family's unit make a second: by the name, else
// by # UNIT; 0 when neither says it.
func unitOf(f *family) float64 {
	if u := unitIn(f.norm); u > 0 {
		return u
	}
	return perSecond[strings.ToLower(f.unit)]
}

// unitIn finds the unit in a name: the last word that is one, as django's names
// end in _seconds_by_view_method. A single letter counts only at the end.
func unitIn(norm string) float64 {
	words := strings.Split(strings.ToLower(norm), "_")
	for i, word := range slices.Backward(words) {
		if u := perSecond[word]; u > 0 && (len(word) > 1 || i == len(words)-1) {
			return u
		}
	}
	return 0
}

// timed tells whether the name says that the family measures time.
func timed(f *family) bool {
	if unitOf(f) > 0 {
		return true
	}
	for w := range strings.SplitSeq(f.norm, "_") {
		if timeWords[w] {
			return true
		}
	}
	return false
}

// scaleOf is how many of the family's units make a second, by name, # UNIT, and
// what the numbers can mean: low and high are the finite bounds at the ends of
// its ladder, mean the average; all 0 when unknown.
func scaleOf(f *family, low, high, mean float64) float64 {
	named := unitOf(f)
	switch {
	case named == 1 && low >= 1 && high >= 1000:
		return 1e3 // a ladder of milliseconds under a name that says seconds
	case named > 0:
		return named
	case high > 1000, high == 0 && mean > 30:
		return 1e3
	}
	return 1
}
