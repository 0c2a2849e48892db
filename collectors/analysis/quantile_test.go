package analysis

import (
	"encoding/json"
	"math"
	"testing"
)

func TestQuantile(t *testing.T) {
	bounds := []float64{0.1, 0.2, 0.4}
	tests := map[string]struct {
		l      ladder
		q      float64
		want   Value
		lo, hi float64
	}{
		"empty":                   {l: ladder{}, q: 0.5, want: unknown},
		"no observations":         {l: ladder{bounds: bounds, cum: []float64{0, 0, 0, 0}}, q: 0.5, want: unknown},
		"middle of first bucket":  {l: ladder{bounds: bounds, cum: []float64{10, 10, 10, 10}}, q: 0.5, want: known(0.05), lo: 0, hi: 0.1},
		"edge of a bucket":        {l: ladder{bounds: bounds, cum: []float64{5, 10, 10, 10}}, q: 0.5, want: known(0.1), lo: 0, hi: 0.1},
		"inside the second":       {l: ladder{bounds: bounds, cum: []float64{0, 10, 10, 10}}, q: 0.95, want: known(0.195), lo: 0.1, hi: 0.2},
		"open bucket: at least":   {l: ladder{bounds: bounds, cum: []float64{0, 0, 0, 10}}, q: 0.95, want: known(0.4), lo: 0.4, hi: math.Inf(1)},
		"dips are healed":         {l: ladder{bounds: bounds, cum: []float64{6, 5, 10, 10}}, q: 0.5, want: known(0.1 * 5 / 6), lo: 0, hi: 0.1},
		"only the open bucket":    {l: ladder{cum: []float64{10}}, q: 0.5, want: unknown},
		"first bound not above 0": {l: ladder{bounds: []float64{-1, 1}, cum: []float64{10, 10, 10}}, q: 0.5, want: known(-1), lo: math.Inf(-1), hi: -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, b := tt.l.quantile(tt.q)
			check(t, "quantile", got, tt.want)
			if !tt.want.OK {
				if b != nil {
					t.Errorf("bucket %+v of an unknown quantile", b)
				}
				return
			}
			if b.Lo != tt.lo || b.Hi != tt.hi {
				t.Errorf("bucket = %+v, want [%v %v]", *b, tt.lo, tt.hi)
			}
		})
	}
}

func TestLadderMerge(t *testing.T) {
	var l ladder
	l.add(ladder{bounds: []float64{0.1, 0.5, 1}, cum: []float64{1, 2, 3, 4}, count: 4, sum: 2})
	l.add(ladder{bounds: []float64{0.1, 0.5, 1}, cum: []float64{1, 1, 1, 1}, count: 1, sum: 0.05})
	if l.cut || l.cum[3] != 5 || l.cum[0] != 2 {
		t.Fatalf("equal ladders: %+v", l)
	}
	l.add(ladder{bounds: []float64{0.5, 2}, cum: []float64{10, 10, 11}, count: 11, sum: 3})
	if !l.cut || len(l.bounds) != 1 || l.bounds[0] != 0.5 || l.cum[0] != 13 || l.cum[1] != 16 || l.count != 16 {
		t.Errorf("unlike ladders keep only common bounds: %+v", l)
	}
}

func TestBucketJSON(t *testing.T) {
	for want, b := range map[string]Bucket{"[0.025,0.05]": {0.025, 0.05}, "[10,null]": {10, math.Inf(1)}} {
		got, err := json.Marshal(b)
		if err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}
