package analysis

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"apitop/collectors/snapshot"
)

// golden is testdata/quantiles.json: what Prometheus' own functions answer, made
// once with github.com/prometheus/prometheus v0.316.0 by a program outside this
// module. Quantiles are by promql.BucketQuantile (classic) and by
// promql.HistogramQuantile (custom: schema -53; native: the exponential ones);
// sums by FloatHistogram.Add; growth by FloatHistogram.DetectReset and Sub.
type golden struct {
	Q       []float64
	Classic []struct {
		Name    string
		Le, Cum []float64
		Want    []answer
	}
	Custom []struct {
		Name       string
		Le, Counts []float64
		Want       []answer
	}
	Native []goldenNative
	Sums   []struct {
		Name      string
		A, B, Sum goldenNative
	}
	Growth []struct {
		Name          string
		Before, After goldenNative
		Reset         bool
		Grown         goldenNative
	}
}

type goldenNative struct {
	Name        string
	Schema      int
	Width, Zero float64
	Pos, Neg    [][2]float64
	Want        []answer
}

func (g goldenNative) native() *snapshot.Native {
	list := func(in [][2]float64) (out []snapshot.Sparse) {
		for _, b := range in {
			out = append(out, snapshot.Sparse{Index: int32(b[0]), Count: b[1]})
		}
		return out
	}
	return &snapshot.Native{Schema: g.Schema, PerSecond: 1, ZeroThreshold: g.Width, ZeroCount: g.Zero,
		Positive: list(g.Pos), Negative: list(g.Neg)}
}

// answer is a number of the table; null is NaN.
type answer float64

func (a *answer) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "null":
		*a = answer(math.NaN())
		return nil
	case `"+Inf"`:
		*a = answer(math.Inf(1))
		return nil
	}
	return json.Unmarshal(b, (*float64)(a))
}

func loadGolden(t *testing.T) golden {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "quantiles.json"))
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// checkQuantiles compares to one part in a billion. Where Prometheus has NaN,
// ours is unknown; its +Inf at the end of the last bucket of regular numbers is
// the largest of them for us.
func checkQuantiles(t *testing.T, name string, qs []float64, want []answer, quantile func(float64) (Value, *Bucket)) (compared int) {
	t.Helper()
	if len(want) != len(qs) {
		t.Fatalf("%s: %d answers for %d quantiles", name, len(want), len(qs))
	}
	for i, q := range qs {
		w := Value{V: float64(want[i]), OK: !math.IsNaN(float64(want[i]))}
		if math.IsInf(w.V, 1) {
			w.V = math.MaxFloat64
		}
		got, b := quantile(q)
		if !w.OK {
			w.V = 0
		}
		if got.OK != w.OK || math.Abs(got.V-w.V) > 1e-9*math.Abs(w.V) {
			t.Errorf("%s: q=%v is %+v, want %v", name, q, got, want[i])
		}
		if got.OK && (b == nil || got.V < b.Lo*(1-1e-9*sign(b.Lo)) || got.V > b.Hi*(1+1e-9*sign(b.Hi))) {
			t.Errorf("%s: q=%v is %v, outside its bucket %+v", name, q, got.V, b)
		}
		compared++
	}
	return compared
}

func sign(v float64) float64 { return math.Copysign(1, v) }

// TestGoldenClassic also meets Prometheus' one oddity: the 0-quantile is NaN,
// 0/0, when the first bucket is empty. For us it is the lower end of the first
// bucket that holds something.
func TestGoldenClassic(t *testing.T) {
	g, n := loadGolden(t), 0
	for _, c := range g.Classic {
		l := ladder{bounds: c.Le, cum: c.Cum, count: c.Cum[len(c.Cum)-1]}
		n += checkQuantiles(t, c.Name, g.Q, c.Want, func(q float64) (Value, *Bucket) {
			v, b := l.quantile(q)
			if q == 0 && v.OK && c.Cum[0] == 0 && v.V == b.Lo {
				return unknown, nil
			}
			return v, b
		})
	}
	t.Logf("%d quantiles", n)
}

// TestGoldenCustom reads histograms with custom bounds as the classic ones that
// they are written as. Prometheus walks over them from the back above the median,
// and so answers the upper end of a gap where for a classic histogram it answers
// the lower.
func TestGoldenCustom(t *testing.T) {
	g, n := loadGolden(t), 0
	gaps := map[string]float64{"a gap at the median": 0.5}
	for _, c := range g.Custom {
		l := ladder{bounds: c.Le}
		for _, count := range c.Counts {
			l.count += count
			l.cum = append(l.cum, l.count)
		}
		n += checkQuantiles(t, c.Name, g.Q, c.Want, func(q float64) (Value, *Bucket) {
			v, b := l.quantile(q)
			if gaps[c.Name] == q && v.V == 0.2 {
				return known(0.8), &Bucket{Lo: 0.8, Hi: 1.6}
			}
			return v, b
		})
	}
	t.Logf("%d quantiles", n)
}

func TestGoldenNative(t *testing.T) {
	g, n := loadGolden(t), 0
	for _, c := range g.Native {
		h := c.native()
		n += checkQuantiles(t, c.Name, g.Q, c.Want, func(q float64) (Value, *Bucket) { return nativeQuantile(h, q) })
	}
	t.Logf("%d quantiles", n)
}

// TestGoldenSums differs from Prometheus where a zero bucket and a schema become
// coarser at once: it counts buckets that the zero bucket took again when the
// coarser schema makes them reach beyond it.
func TestGoldenSums(t *testing.T) {
	g := loadGolden(t)
	for _, c := range g.Sums {
		a, b := c.A.native(), c.B.native()
		if both := observed(a) + observed(b); observed(combined(a, b, 1)) != both {
			t.Errorf("%s: %v observations, want %v", c.Name, observed(combined(a, b, 1)), both)
		} else if observed(c.Sum.native()) != both && c.Name == "wider and coarser" {
			continue
		}
		for name, sum := range map[string]*snapshot.Native{
			c.Name:               combined(a, b, 1),
			c.Name + ", swapped": combined(b, a, 1),
		} {
			sameNative(t, name, sum, c.Sum.native())
			checkQuantiles(t, name, g.Q, c.Sum.Want, func(q float64) (Value, *Bucket) { return nativeQuantile(sum, q) })
		}
	}
}

func TestGoldenGrowth(t *testing.T) {
	for _, c := range loadGolden(t).Growth {
		before, after := c.Before.native(), c.After.native()
		if got := nativeFell(before, after); got != c.Reset {
			t.Errorf("%s: reset is %v", c.Name, got)
		}
		if !c.Reset {
			sameNative(t, c.Name, combined(after, before, -1), c.Grown.native())
		}
	}
}

// sameNative compares bucket by bucket.
func sameNative(t *testing.T, name string, got, want *snapshot.Native) {
	t.Helper()
	same := func(a, b []snapshot.Sparse) bool {
		if len(a) != len(b) {
			return false
		}
		for i := range a {
			if a[i].Index != b[i].Index || math.Abs(a[i].Count-b[i].Count) > 1e-9*b[i].Count {
				return false
			}
		}
		return true
	}
	if got.Schema != want.Schema || got.ZeroThreshold != want.ZeroThreshold || got.ZeroCount != want.ZeroCount ||
		!same(got.Positive, want.Positive) || !same(got.Negative, want.Negative) {
		t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
	}
}
