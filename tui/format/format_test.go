package format

import (
	"math"
	"testing"
	"unicode/utf8"

	"apitop/collectors/analysis"
)

func known(v float64) analysis.Value { return analysis.Value{V: v, OK: true} }

func TestFormats(t *testing.T) {
	tests := map[string]struct{ got, want string }{
		"unknown duration":  {Seconds(analysis.Value{}), "–"},
		"unknown ratio":     {Percent(analysis.Value{}), "–"},
		"no time":           {Seconds(known(0)), "0ms"},
		"microseconds":      {Seconds(known(0.000042)), "0.04ms"},
		"milliseconds":      {Seconds(known(0.0123)), "12.3ms"},
		"nearly a second":   {Seconds(known(0.9994)), "999ms"},
		"a second":          {Seconds(known(0.9996)), "1.00s"},
		"seconds":           {Seconds(known(42.12)), "42.1s"},
		"minutes":           {Seconds(known(125)), "2m05s"},
		"hours":             {Age(known(12000)), "3h20m"},
		"days":              {Age(known(400000)), "4d15h"},
		"young":             {Age(known(0.42)), "0.4s"},
		"older":             {Age(known(12.4)), "12s"},
		"zero rate":         {Number(known(0)), "0"},
		"small rate":        {Number(known(0.52)), "0.52"},
		"rate":              {Number(known(62)), "62.0"},
		"thousands":         {Number(known(12345)), "12.3k"},
		"nearly a thousand": {Number(known(999.6)), "1.00k"},
		"millions":          {Number(known(4.56e6)), "4.56M"},
		"tick":              {Tick(50), "50"},
		"big tick":          {Tick(20000), "20k"},
		"small tick":        {Tick(0.25), "0.25"},
		"whole":             {Whole(known(3)), "3"},
		"many":              {Whole(known(12345)), "12.3k"},
		"bytes":             {Bytes(known(412)), "412B"},
		"kibibytes":         {Bytes(known(1229)), "1.20K"},
		"gibibytes":         {Bytes(known(3 << 30)), "3.00G"},
		"none":              {Percent(known(0)), "0%"},
		"hardly any":        {Percent(known(0.0001)), "<0.1%"},
		"few":               {Percent(known(0.0031)), "0.3%"},
		"some":              {Percent(known(0.123)), "12%"},
		"not quite all":     {Percent(known(0.9999)), "99.9%"},
		"all":               {Percent(known(1)), "100%"},
		"bucket":            {Span(&analysis.Bucket{Lo: 0.1, Hi: 0.25}), "100ms-250ms"},
		"first bucket":      {Span(&analysis.Bucket{Lo: 0, Hi: 0.005}), "<5ms"},
		"open bucket":       {Span(&analysis.Bucket{Lo: 10, Hi: math.Inf(1)}), ">10s"},
		"no bucket":         {Span(nil), "–"},
		"estimated":         {Quantile(known(0.12), &analysis.Bucket{Lo: 0.1, Hi: 0.25}), "120ms"},
		"at most":           {Quantile(known(0.0025), &analysis.Bucket{Hi: 0.005}), "<5ms"},
		"at least":          {Quantile(known(10), &analysis.Bucket{Lo: 10, Hi: math.Inf(1)}), ">10s"},
		"too long a bound":  {Quantile(known(16.384), &analysis.Bucket{Lo: 16.384, Hi: math.Inf(1)}), ">16.4s"},
		"longer still":      {Quantile(known(0.00125), &analysis.Bucket{Hi: 0.0015625}), "<1.6ms"},
		"too small a bound": {Quantile(known(0.00003), &analysis.Bucket{Hi: 0.0000625}), "0.03ms"},
		"without a bucket":  {Quantile(known(0.12), nil), "120ms"},
		"no quantile":       {Quantile(analysis.Value{}, nil), "–"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.got != tt.want {
				t.Errorf("got %q, want %q", tt.got, tt.want)
			}
		})
	}
}

// TestWidths: no value between 10^-6 and 10^12 is wider than six cells.
func TestWidths(t *testing.T) {
	for v := 1e-6; v < 1e12; v *= 1.07 {
		for name, s := range map[string]string{"number": Number(known(v)), "whole": Whole(known(v)), "bytes": Bytes(known(v))} {
			if utf8.RuneCountInString(s) > 6 {
				t.Errorf("%s of %g is %q", name, v, s)
			}
		}
		if s := Seconds(known(v)); v < 8e6 && utf8.RuneCountInString(s) > 6 {
			t.Errorf("seconds of %g is %q", v, s)
		}
		if s := Percent(known(v / 1e12)); utf8.RuneCountInString(s) > 5 {
			t.Errorf("percent of %g is %q", v/1e12, s)
		}
	}
}

// TestSpan writes buckets whose bounds are no round numbers, as narrow as columns
// need them.
func TestSpan(t *testing.T) {
	for want, b := range map[string]analysis.Bucket{
		"0.841-1.09s":  {Lo: 0.8408964152537145, Hi: 1.0905077326652577},
		"0.841-1s":     {Lo: 0.84089642, Hi: 0.99960001},
		"10000-12345s": {Lo: 10000, Hi: 12345},
		"1.16-1.27ms":  {Lo: 0.0011613350732448448, Hi: 0.0012664448775888766},
		"488-532µs":    {Lo: 0.00048828125, Hi: 0.0005324744788404579},
		"100ms-250ms":  {Lo: 0.1, Hi: 0.25},
	} {
		if got := Span(&b); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
