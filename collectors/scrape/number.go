package scrape

import (
	"math"
	"strconv"
)

// number reads a sample's value: a decimal number, NaN or an infinity in any
// case, as both text formats write it. Hexadecimal numbers and digit groups,
// which strconv would take, are refused, as is what does not fit a float64.
func number(b []byte) (v float64, ok bool) {
	if v, ok := shortNumber(b); ok {
		return v, true
	}
	for _, c := range b {
		if c == '_' || c|0x20 == 'x' || c|0x20 == 'p' {
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(string(b), 64)
	return v, err == nil
}

// pow10 holds the powers of ten that a division by is exact for.
var pow10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// shortNumber reads what nearly every sample looks like: at most 15 digits,
// perhaps with a point. Digits and divisor are exact in a float64 then, so one
// division rounds correctly.
func shortNumber(b []byte) (v float64, ok bool) {
	i := 0
	if len(b) > 0 && b[0] == '-' {
		i = 1
	}
	var digits uint64
	n, point := 0, -1
	for ; i < len(b); i++ {
		c := b[i] - '0'
		switch {
		case c <= 9:
			digits = digits*10 + uint64(c)
			n++
		case b[i] == '.' && point < 0:
			point = n
		default:
			return 0, false
		}
		if n > 15 {
			return 0, false
		}
	}
	if n == 0 {
		return 0, false
	}
	v = float64(digits)
	if point >= 0 {
		v /= pow10[n-point]
	}
	if b[0] == '-' {
		v = -v
	}
	return v, true
}

// finite tells whether v can be part of a reading.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
