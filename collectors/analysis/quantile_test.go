package analysis

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"apitop/collectors/snapshot"
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

func TestBucketHonesty(t *testing.T) {
	tests := map[string]struct {
		b                   Bucket
		first, open, coarse bool
	}{
		"fine":            {Bucket{0.1, 0.11}, false, false, false},
		"half of its end": {Bucket{0.25, 0.5}, false, false, false},
		"wide":            {Bucket{0.1, 0.25}, false, false, true},
		"first":           {Bucket{0, 0.005}, true, false, true},
		"below zero":      {Bucket{math.Inf(-1), -1}, true, false, true},
		"open":            {Bucket{10, math.Inf(1)}, false, true, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.b.First() != tt.first || tt.b.Open() != tt.open || tt.b.Coarse() != tt.coarse {
				t.Errorf("first %v, open %v, coarse %v", tt.b.First(), tt.b.Open(), tt.b.Coarse())
			}
		})
	}
}

// TestLadderMergeIsUnion: what ladders of any bounds add up to is, at the bounds
// that all share, the histogram of all their observations, and never falls.
func TestLadderMergeIsUnion(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	all := []float64{0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}
	for range 2000 {
		var merged ladder
		var seen []float64
		common := all
		alike := true
		var before []float64
		for range 1 + rnd.IntN(5) {
			bounds := someOf(rnd, all)
			observed := make([]float64, rnd.IntN(40))
			for j := range observed {
				observed[j] = math.Exp(rnd.NormFloat64()*2 - 3)
			}
			merged.add(ladderOf(bounds, observed))
			if len(observed) == 0 {
				continue // no bound is lost to a histogram without observations
			}
			alike = alike && (before == nil || slices.Equal(before, bounds))
			before = bounds
			seen = append(seen, observed...)
			common = slices.DeleteFunc(slices.Clone(common), func(b float64) bool { return !slices.Contains(bounds, b) })
		}
		want := ladderOf(common, seen)
		if len(seen) == 0 {
			continue
		}
		if !slices.Equal(merged.bounds, common) || !slices.Equal(merged.cum, want.cum) || merged.count != want.count {
			t.Fatalf("merged %+v, want %+v", merged, want)
		}
		if merged.cut == alike || !slices.IsSorted(merged.cum) {
			t.Fatalf("cut is %v of ladders that are alike: %v; %v", merged.cut, alike, merged.cum)
		}
		if _, b := merged.quantile(0.95); (b == nil) != (len(common) == 0) {
			t.Fatalf("a quantile of bounds %v is in %+v", common, b)
		}
	}
}

func someOf(rnd *rand.Rand, all []float64) []float64 {
	if rnd.IntN(3) > 0 {
		return all[:10] // most are alike
	}
	return slices.DeleteFunc(slices.Clone(all), func(float64) bool { return rnd.IntN(2) == 0 })
}

func ladderOf(bounds, observed []float64) ladder {
	l := ladder{bounds: bounds, cum: make([]float64, len(bounds)+1)}
	for _, v := range observed {
		i, _ := slices.BinarySearch(bounds, v)
		for ; i < len(l.cum); i++ {
			l.cum[i]++
		}
		l.count++
		l.sum += v
	}
	return l
}

// TestAverageBeyondTheBuckets: a mean above the last bound says more than the
// percentiles can.
func TestAverageBeyondTheBuckets(t *testing.T) {
	h := func(n, seconds float64) page {
		d := hist(0, 0, 0, n)
		d.Sum = seconds
		return page{counts: get("200", n), hists: map[[2]string]snapshot.Histogram{{"GET", "/a"}: d}}
	}
	for name, tt := range map[string]struct {
		seconds float64
		want    bool
	}{"beyond": {60, true}, "inside": {3, false}} {
		t.Run(name, func(t *testing.T) {
			r := run(t, h(0, 0), h(10, tt.seconds)).HTTP
			if r.AvgBeyond != tt.want || r.Routes[0].AvgBeyond != tt.want {
				t.Errorf("beyond %v of all, %v of the route", r.AvgBeyond, r.Routes[0].AvgBeyond)
			}
			if b := r.P95Bucket; b == nil || !b.Open() {
				t.Errorf("p95 is in %+v", b)
			}
		})
	}
}
