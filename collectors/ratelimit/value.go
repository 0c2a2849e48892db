package ratelimit

import (
	"math"
	"strconv"

	"apitop/collectors/snapshot"
)

// number reads an integer reply or a string that holds a finite number.
func number(reply any) snapshot.Value {
	switch v := reply.(type) {
	case int64:
		return snapshot.Known(float64(v))
	case float64: // as newer protocols have scores
		return snapshot.Known(v)
	case string:
		n, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return snapshot.Value{}
		}
		return snapshot.Known(n)
	default:
		return snapshot.Value{}
	}
}

// integer reads a string with a whole number as INCR writes it; false for
// anything else.
func integer(reply any) (float64, bool) {
	s, ok := reply.(string)
	if !ok || len(s) > 20 {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return float64(n), err == nil
}

// positive reads a number above 0 from a name or a field; 0 when it is none.
func positive(text string) float64 {
	v := number(text).V
	if v > 0 && !math.IsInf(v, 0) {
		return v
	}
	return 0
}

// firstOf is a unless it is 0, then b.
func firstOf(a, b float64) float64 {
	if a != 0 {
		return a
	}
	return b
}

// lifetime is what PTTL says of a key.
type lifetime struct {
	seconds float64
	ok      bool // it expires
	forever bool // it does not
}

func lifetimeOf(reply any) lifetime {
	ms, ok := reply.(int64)
	switch {
	case ok && ms == -1:
		return lifetime{forever: true}
	case !ok || ms < 0:
		return lifetime{} // gone, or not permitted
	default:
		return lifetime{seconds: float64(ms) / 1000, ok: true}
	}
}

// clock is how a layout writes times. The zero value is unix seconds.
type clock struct {
	perSecond float64 // ticks; 0: one
	epoch     float64 // unix seconds at tick 0
}

// unix is a time in unix seconds.
func (c clock) unix(v float64) float64 { return v/firstOf(c.perSecond, 1) + c.epoch }

// write writes a time in unix seconds as Redis takes scores.
func (c clock) write(at float64) string {
	return strconv.FormatFloat((at-c.epoch)*firstOf(c.perSecond, 1), 'f', 6, 64)
}

// units are the units of time a [Definition] may name, by ticks in a second.
func units(name string) (perSecond float64, ok bool) {
	switch name {
	case "", "s":
		return 1, true
	case "ms":
		return 1e3, true
	case "us":
		return 1e6, true
	case "ns":
		return 1e9, true
	}
	return 0, false
}

// calendar is the length of a named unit of time in seconds, 0 for another name.
// A month has 30 days, and a year 365, but in the limits library 360.
func calendar(name string) float64 {
	switch name {
	case "second":
		return 1
	case "minute":
		return 60
	case "hour":
		return 3600
	case "day":
		return 86400
	case "month":
		return 30 * 86400
	case "year":
		return 365 * 86400
	}
	return 0
}

// roundest is the number in (low, high] that people would write: the largest
// multiple of the greatest step that has one; 0 when none has.
func roundest(low, high float64, steps ...float64) (n, step float64) {
	for _, step := range steps {
		if n := math.Floor(high/step) * step; n > low && n > 0 {
			return n, step
		}
	}
	return 0, 0
}

// window finds the length of windows that are numbered from the epoch on, by the
// number b that one of them has and the time. Lengths are in the same unit as
// now, and multiples of one of the steps. It is not ok when the window is over
// already: then the length fits a time one window ago.
func window(b, now float64, steps ...float64) (length float64, ok bool) {
	if b < 1 || now <= 0 {
		return 0, false
	}
	here, step := roundest(now/(b+1), now/b, steps...)
	past, pastStep := roundest(now/(b+2), now/(b+1), steps...)
	if here == 0 || past != 0 && pastStep > step {
		return 0, false
	}
	return here, true
}
