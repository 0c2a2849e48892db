package config

import (
	"math"
	"testing"
)

func TestParseDuty(t *testing.T) {
	for s, want := range map[string]float64{
		"2%": 0.02, "0.5%": 0.005, "10 %": 0.1, " 3.5% ": 0.035,
		"": 0, "2": 0, "0.02": 0, "%": 0, "0.4%": 0, "11%": 0, "-2%": 0, "NaN%": 0, "Inf%": 0, "2%%": 0,
	} {
		got, err := ParseDuty(s)
		if (err == nil) != (want > 0) || math.Abs(got-want) > 1e-12 {
			t.Errorf("%q is %v, %v; want %v", s, got, err, want)
		}
	}
}
