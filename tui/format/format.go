// Package format writes numbers for people: at most six cells wide, three
// significant digits, a unit that everybody knows, and "–" for what is unknown.
// Equal widths keep a refreshing screen from trembling.
package format

import (
	"fmt"
	"math"
	"time"

	"apitop/collectors/analysis"
)

// Unknown is what stands for a number that nobody knows. It is never "0".
const Unknown = "–"

// Seconds is a duration: "0.42ms", "12.3ms", "421ms", "1.23s", "2m05s", "3h20m".
func Seconds(v analysis.Value) string {
	if !v.OK {
		return Unknown
	}
	switch s := math.Abs(v.V); {
	case s == 0:
		return "0ms"
	case s < 0.9995:
		return three(v.V*1000) + "ms"
	case s < 99.95:
		return three(v.V) + "s"
	default:
		return Age(v)
	}
}

// Age is a time span without fractions once it is long: "0.4s", "12s", "3m20s",
// "2h05m", "3d04h".
func Age(v analysis.Value) string {
	if !v.OK {
		return Unknown
	}
	d := time.Duration(v.V * float64(time.Second))
	switch {
	case d < 9950*time.Millisecond:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < 100*time.Second:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 100*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
	}
}

// Number is a count or a rate: "0.52", "6.2", "123", "12.3k", "4.56M".
func Number(v analysis.Value) string {
	if !v.OK {
		return Unknown
	}
	return scaled(v.V, 1000, []string{"", "k", "M", "G", "T"})
}

// Tick is a number on a scale, in its shortest form: "0.5", "20", "500", "20k".
func Tick(v float64) string {
	for _, unit := range []string{"", "k", "M", "G"} {
		if math.Abs(v) < 1000 {
			return fmt.Sprintf("%.4g%s", v, unit)
		}
		v /= 1000
	}
	return fmt.Sprintf("%.4gT", v)
}

// Whole is [Number] for things that only come whole: "3", "123", "12.3k".
func Whole(v analysis.Value) string {
	if v.OK && math.Abs(v.V) < 9999.5 {
		return fmt.Sprintf("%.0f", v.V)
	}
	return Number(v)
}

// Bytes is a size in powers of 1024: "412B", "1.2K", "34.5M".
func Bytes(v analysis.Value) string {
	if !v.OK {
		return Unknown
	}
	if math.Abs(v.V) < 1000 {
		return fmt.Sprintf("%.0fB", v.V)
	}
	return scaled(v.V, 1024, []string{"", "K", "M", "G", "T", "P"})
}

// Percent is a ratio of 0..1: "0%", "0.3%", "12%", "100%". What is not quite
// nothing never reads as nothing, nor what is not quite all as all.
func Percent(v analysis.Value) string {
	if !v.OK {
		return Unknown
	}
	switch p := v.V * 100; {
	case p == 0 || p == 100:
		return fmt.Sprintf("%.0f%%", p)
	case p > 0 && p < 0.05:
		return "<0.1%"
	case p < 9.95:
		return fmt.Sprintf("%.1f%%", p)
	case p > 99 && p < 100:
		return fmt.Sprintf("%.1f%%", math.Min(p, 99.9))
	default:
		return fmt.Sprintf("%.0f%%", p)
	}
}

// Span is a bucket of a histogram: "100ms-250ms", "<5ms", ">10s". The bounds of a
// native one are no round numbers: "1.16-1.27ms".
func Span(b *analysis.Bucket) string {
	switch {
	case b == nil:
		return Unknown
	case math.IsInf(b.Hi, 1):
		return ">" + Bound(b.Lo)
	case b.Lo <= 0:
		return "<" + Bound(b.Hi)
	default:
		const cells = 13
		if text := Bound(b.Lo) + "-" + Bound(b.Hi); len(text) <= cells {
			return text
		}
		return narrow(b.Lo, b.Hi)
	}
}

// narrow writes a bucket in three digits and one unit.
func narrow(lo, hi float64) string {
	unit, per := "s", 1.0
	switch {
	case hi < 0.9995e-3:
		unit, per = "µs", 1e6
	case hi < 0.9995:
		unit, per = "ms", 1e3
	case hi >= 999.5:
		return fmt.Sprintf("%.0f-%.0fs", lo, hi)
	}
	return fmt.Sprintf("%.3g-%.3g%s", lo*per, hi*per, unit)
}

// Quantile is a percentile with what is known of it: the bucket it fell in. In
// the first one only an upper bound is known, "<5ms", in the last one only a
// lower one, ">10s"; between them it was estimated: "120ms".
func Quantile(v analysis.Value, b *analysis.Bucket) string {
	if !v.OK || b == nil || b.Lo > 0 && !math.IsInf(b.Hi, 1) {
		return Seconds(v)
	}
	sign, bound := "<", b.Hi
	if math.IsInf(b.Hi, 1) {
		sign, bound = ">", b.Lo
	}
	const cells = 6
	for _, text := range [...]string{Bound(bound), Seconds(analysis.Value{V: bound, OK: true}), short(bound)} {
		if len(text) < cells {
			return sign + text
		}
	}
	return Seconds(v)
}

// short is a bound with two digits.
func short(seconds float64) string {
	if seconds < 1 {
		return fmt.Sprintf("%.2gms", seconds*1000)
	}
	return fmt.Sprintf("%.2gs", seconds)
}

// Bound is a bucket bound in its shortest form: "5ms", "2.5s".
func Bound(seconds float64) string {
	if math.Abs(seconds) < 1 {
		return fmt.Sprintf("%.4gms", seconds*1000)
	}
	return fmt.Sprintf("%.4gs", seconds)
}

// scaled picks the unit so that the number has three digits.
func scaled(v, base float64, units []string) string {
	i := 0
	for math.Abs(v) >= 999.5 && i < len(units)-1 {
		v /= base
		i++
	}
	return three(v) + units[i]
}

// three writes v with three significant digits and no needless zeros before the
// point is reached: 0.52, 6.20, 62.0, 620.
func three(v float64) string {
	switch a := math.Abs(v); {
	case a == 0:
		return "0"
	case a < 9.995:
		return fmt.Sprintf("%.2f", v)
	case a < 99.95:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}
