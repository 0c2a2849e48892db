package analysis

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// exps is a native histogram of schema 0: counts in the buckets that end at 2^from
// seconds and so on.
func exps(from int32, counts ...float64) *snapshot.Native {
	n := &snapshot.Native{PerSecond: 1, ZeroThreshold: 0x1p-128}
	for i, c := range counts {
		if c > 0 {
			n.Positive = append(n.Positive, snapshot.Sparse{Index: from + int32(i), Count: c})
		}
	}
	return n
}

// both is a histogram with native buckets beside the bounds 0.1, 0.2, 0.4. Of its
// observations none is said to be below them.
func both(n *snapshot.Native) snapshot.Histogram {
	total := observed(n)
	h := hist(0, 0, 0, total)
	h.Native = n
	return h
}

// alone is one without bounds.
func alone(n *snapshot.Native) snapshot.Histogram {
	h := both(n)
	h.Bounds, h.Cumulative = nil, h.Cumulative[3:]
	return h
}

func route(name string, h snapshot.Histogram) map[[2]string]snapshot.Histogram {
	return map[[2]string]snapshot.Histogram{{"GET", name}: h}
}

// nativeRun is what pages say of one route, and the p50 that comes of it.
type nativeRun struct {
	pages    []snapshot.Histogram
	restart  int // page before which the process started anew; 0: none
	p50      Value
	bucket   Bucket
	measured float64
}

func nativeRuns() map[string]nativeRun {
	narrower := exps(1, 6)
	narrower.Schema = 1
	classic := hist(1, 2, 3, 10)
	return map[string]nativeRun{
		"two pages": {
			pages: []snapshot.Histogram{both(exps(3, 100)), both(exps(3, 100, 0, 8))},
			p50:   known(math.Sqrt(16 * 32)), bucket: Bucket{16, 32}, measured: 8,
		},
		"no classic buckets": {
			pages: []snapshot.Histogram{alone(exps(3, 100)), alone(exps(3, 104))},
			p50:   known(math.Sqrt(4 * 8)), bucket: Bucket{4, 8}, measured: 4,
		},
		"several steps": {
			pages: []snapshot.Histogram{both(exps(3, 1)), both(exps(3, 2)), both(exps(3, 2)), both(exps(2, 1, 2)), both(exps(2, 3, 2))},
			p50:   known(2 * math.Exp2(2.0/3)), bucket: Bucket{2, 4}, measured: 4,
		},
		"a bucket fell: all counts from zero": {
			pages: []snapshot.Histogram{both(exps(3, 5, 5)), both(exps(3, 4, 8))},
			p50:   known(8 * math.Exp2(2.0/8)), bucket: Bucket{8, 16}, measured: 12,
		},
		"finer buckets: all counts from zero": {
			pages: []snapshot.Histogram{both(exps(3, 5)), both(narrower)},
			p50:   known(math.Exp2(0.25)), bucket: Bucket{1, math.Sqrt2}, measured: 6,
		},
		"the process started anew, unseen by the buckets": {
			pages:   []snapshot.Histogram{both(exps(3, 5)), both(exps(3, 5, 8))},
			restart: 1, p50: known(8 * math.Exp2(1.5/8)), bucket: Bucket{8, 16}, measured: 13,
		},
		"readings without native buckets in between lose nothing": {
			pages: []snapshot.Histogram{both(exps(3, 5)), hist(0, 0, 0, 7), both(exps(3, 5, 4))},
			p50:   known(math.Sqrt(8 * 16)), bucket: Bucket{8, 16}, measured: 4,
		},
		"native buckets gone: the classic ones tell": {
			pages: []snapshot.Histogram{both(exps(3, 5)), hist(0, 4, 4, 9)},
			p50:   known(0.15), bucket: Bucket{0.1, 0.2}, measured: 4,
		},
		"native buckets are new: the classic ones tell": {
			pages: []snapshot.Histogram{hist(0, 0, 0, 5), both(exps(3, 5, 4))},
			p50:   known(0.4), bucket: Bucket{0.4, math.Inf(1)}, measured: 4,
		},
		"neither for all observations": {pages: []snapshot.Histogram{classic, classic}, p50: unknown},
	}
}

// TestNativeRuns follows one series over pages a second apart.
func TestNativeRuns(t *testing.T) {
	for name, tt := range nativeRuns() {
		t.Run(name, func(t *testing.T) {
			var pages []page
			for i, h := range tt.pages {
				p := page{counts: get("200", h.Count), hists: route("/a", h), start: known(1000)}
				if tt.restart > 0 && i >= tt.restart {
					p.start = known(2000)
				}
				pages = append(pages, p)
			}
			r := run(t, pages...)
			check(t, "p50", r.HTTP.P50, tt.p50)
			check(t, "route's p50", r.HTTP.Routes[0].P50, tt.p50)
			check(t, "measured", known(r.HTTP.Measured), known(tt.measured))
			if b := r.HTTP.P50Bucket; tt.p50.OK && (b == nil || math.Abs(b.Lo-tt.bucket.Lo) > 1e-12 || b.Hi != tt.bucket.Hi && math.Abs(b.Hi-tt.bucket.Hi) > 1e-12) {
				t.Errorf("bucket %+v, want %+v", b, tt.bucket)
			}
		})
	}
}

// TestNativeWindow loses what left the window, and remembers no more than that.
func TestNativeWindow(t *testing.T) {
	e := New(Options{})
	var r *Report
	total := 0.0
	for i := range 100 {
		total++
		n := exps(0, total, 50) // 50 at the start, then 1 a second
		h := both(n)
		p := page{at: at(float64(i)), counts: get("200", h.Count), hists: route("/a", h)}
		r = e.Step(snapshot.Snapshot{At: p.at, HTTP: []*snapshot.HTTP{p.reading()}})
	}
	check(t, "measured", known(r.HTTP.Measured), known(10))
	check(t, "p99", r.HTTP.P99, known(0.5*math.Exp2(0.99)))
	for _, line := range e.http.order[0].hists.list {
		if n := len(line.native.steps); n > len(e.http.order[0].clock.times) {
			t.Errorf("%d steps are kept", n)
		}
	}
}

// TestNativeRoom keeps no more buckets than there is room for, and gives the room
// back.
func TestNativeRoom(t *testing.T) {
	clock := newSteps(Options{Window: 3 * time.Second, Interval: time.Second})
	n, kept := &natives{}, 0
	follow := func(i int) {
		clock.open(at(float64(i)))
		counts := make([]float64, 10)
		for j := range counts {
			counts[j] = float64(i)
		}
		kept += n.follow(exps(0, counts...), goesOn, &clock, 35-kept)
		if kept > 35 || kept != n.kept {
			t.Fatalf("%d buckets are kept, %d said", n.kept, kept)
		}
	}
	for i := range 20 {
		follow(i)
	}
	if kept != 30 || n.since(clock.number(4), 40) != nil {
		t.Errorf("%d buckets are kept of a window that has 40", kept)
	}
	for i := range clock.times {
		clock.open(at(float64(20 + i)))
	}
	follow(25)
	follow(26)
	if kept != 20 || n.since(clock.number(1), 10) == nil {
		t.Errorf("%d buckets are kept of the two last steps", kept)
	}
}

// TestNativeShortSteps keeps steps together between which no window can begin.
func TestNativeShortSteps(t *testing.T) {
	clock := newSteps(Options{Window: time.Hour, Interval: time.Second})
	n, kept := &natives{}, 0
	for i := range 4000 {
		clock.open(at(float64(i)))
		kept += n.follow(exps(0, float64(i)), goesOn, &clock, maxKept)
		back := clock.base()
		if back == 0 {
			continue
		}
		want := float64(i - clock.number(back) + 1)
		if got := n.since(clock.number(back), want); got == nil || observed(got) != want {
			t.Fatalf("step %d: %v, want %v", i, got, want)
		}
	}
	if len(n.steps) > len(clock.times) || kept > len(clock.times) {
		t.Errorf("%d steps with %d buckets are kept, the ring has %d", len(n.steps), kept, len(clock.times))
	}
}

// TestNativeMixed sums series of which not all have native buckets: only what
// holds for all observations may tell.
func TestNativeMixed(t *testing.T) {
	exact, bounded := exps(3, 8), hist(8, 8, 8, 8)
	milliseconds := exps(3, 8)
	milliseconds.PerSecond = 1000
	idle := exps(3)
	tests := map[string]struct {
		a, b snapshot.Histogram
		p50  Value
		cut  bool
	}{
		"both native":                       {a: both(exact), b: alone(exps(4, 8)), p50: known(8)},
		"one without, with the same bounds": {a: both(exact), b: bounded, p50: known(0.1)},
		"one without, and one without else": {a: alone(exact), b: bounded, p50: unknown, cut: true},
		"one without, that did nothing":     {a: alone(exact), b: hist(0, 0, 0, 0), p50: known(math.Sqrt(4 * 8))},
		"one that did nothing":              {a: bounded, b: alone(idle), p50: known(0.05)},
		"of another unit":                   {a: both(exact), b: both(milliseconds), p50: known(0.4)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, order := range [][2]snapshot.Histogram{{tt.a, tt.b}, {tt.b, tt.a}} {
				h := page{at: at(1), counts: map[[3]string]float64{{"GET", "/a", "200"}: 1, {"GET", "/b", "200"}: 1}}.reading()
				for i, name := range []string{"/a", "/b"} {
					d := order[i]
					d.Series = series("GET", name, "")
					h.Durations = append(h.Durations, d)
				}
				h.FromZero = true
				r := New(Options{}).Step(snapshot.Snapshot{At: at(1), HTTP: []*snapshot.HTTP{h}})
				check(t, "p50", r.HTTP.P50, tt.p50)
				if r.HTTP.BoundsCut != tt.cut {
					t.Errorf("bounds cut: %v", r.HTTP.BoundsCut)
				}
			}
		})
	}
}

// TestNativeComesBack restarts a service: a series that was not on the page then
// counts from zero when it comes.
func TestNativeComesBack(t *testing.T) {
	a := func(n float64) map[[2]string]snapshot.Histogram { return route("/a", alone(exps(3, n))) }
	with := func(hists map[[2]string]snapshot.Histogram, n float64) map[[2]string]snapshot.Histogram {
		hists[[2]string{"GET", "/b"}] = alone(exps(8, n))
		return hists
	}
	r := run(t,
		page{start: known(1000), hists: with(a(10), 4)},
		page{start: known(2000), hists: a(2)},
		page{start: known(2000), hists: with(a(2), 6)},
	)
	check(t, "measured", known(r.HTTP.Measured), known(8))
	check(t, "p99", r.HTTP.P99, known(128*math.Exp2(1-0.08/6)))
}

// TestNativeAdds checks sums of random histograms of all schemas: nothing is lost,
// the order does not matter, and a quantile stays within what its parts say.
func TestNativeAdds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func() *snapshot.Native {
		n := &snapshot.Native{Schema: r.IntN(13) - 4, PerSecond: 1, ZeroCount: float64(r.IntN(3))}
		fill := func() (list []snapshot.Sparse) {
			index := int32(-12 * math.Exp2(float64(n.Schema)))
			for range r.IntN(20) {
				index += int32(1 + r.IntN(9))
				list = append(list, snapshot.Sparse{Index: index, Count: float64(1 + r.IntN(50))})
			}
			return list
		}
		n.Positive = fill()
		if r.IntN(3) == 0 {
			n.Negative = fill()
		}
		return widened(n, []float64{0, 0x1p-128, 0.01, 0.3}[r.IntN(4)])
	}
	for range 2000 {
		a, b := random(), random()
		ab, ba := combined(a, b, 1), combined(b, a, 1)
		sameNative(t, "a+b, b+a", ab, ba)
		if observed(ab) != observed(a)+observed(b) {
			t.Fatalf("%v observations of %v and %v", observed(ab), observed(a), observed(b))
		}
		if nativeFell(a, ab) && ab.Schema == a.Schema && ab.ZeroThreshold == a.ZeroThreshold {
			t.Fatalf("a sum is less than a part:\n%+v\n%+v", a, ab)
		}
		last := math.Inf(-1)
		for q := range 101 {
			v, bucket := nativeQuantile(ab, float64(q)/100)
			if !v.OK {
				break
			}
			if v.V < last-1e-12*math.Abs(last) || v.V < bucket.Lo || v.V > bucket.Hi {
				t.Fatalf("q=%v is %v, after %v, in %+v, of %+v", q, v.V, last, bucket, ab)
			}
			last = v.V
		}
	}
}

// TestNativeDistribution takes native buckets apart into few enough rows without
// holes or losses.
func TestNativeDistribution(t *testing.T) {
	wide := &snapshot.Native{Schema: 8, PerSecond: 1000, ZeroThreshold: 0.001, ZeroCount: 3,
		Positive: []snapshot.Sparse{{Index: -2000, Count: 1}, {Index: 0, Count: 2}, {Index: 3000, Count: 3}},
		Negative: []snapshot.Sparse{{Index: -2000, Count: 4}, {Index: 1, Count: 5}}}
	extremes := &snapshot.Native{Schema: 8, PerSecond: 1, Positive: []snapshot.Sparse{{Index: -1075 << 8, Count: 1}, {Index: 1024<<8 + 1, Count: 1}},
		Negative: []snapshot.Sparse{{Index: -1075 << 8, Count: 1}, {Index: 1024<<8 + 1, Count: 1}}}
	for name, n := range map[string]*snapshot.Native{
		"one": exps(3, 7), "gaps": exps(-4, 1, 0, 0, 2), "wide": wide, "extremes": extremes,
	} {
		for _, most := range []int{0, 5, 12} {
			rows := nativeCounts(n, most)
			limit := most
			if most == 0 {
				limit = nativeRows
			}
			total := 0.0
			for i, row := range rows {
				total += row.N
				if i > 0 && row.Bucket.Lo < rows[i-1].Bucket.Hi || row.Bucket.Lo >= row.Bucket.Hi {
					t.Errorf("%s: %+v after %+v", name, row, rows[max(i-1, 0)])
				}
			}
			if len(rows) > limit || total != observed(n) || rows[0].N == 0 || rows[len(rows)-1].N == 0 {
				t.Errorf("%s in %d rows: %+v", name, most, rows)
			}
		}
	}
	r := Route{durations: ladder{native: exps(-4, 1, 0, 0, 2), count: 3}}
	want := []BucketCount{{Bucket{1. / 32, 1. / 16}, 1}, {Bucket{1. / 16, 1. / 8}, 0}, {Bucket{1. / 8, 1. / 4}, 0}, {Bucket{1. / 4, 1. / 2}, 2}}
	if got := r.Distribution(10); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}

// TestNativeInstances sums instances with different schemas.
func TestNativeInstances(t *testing.T) {
	e := New(Options{})
	var r *Report
	for i := range 2 {
		var all []*snapshot.HTTP
		for schema, name := range []string{"one", "two"} {
			n := exps(4, float64(8*i))
			n.Schema = schema
			h := page{at: at(float64(i)), counts: get("200", 1), hists: route("/a", alone(n))}.reading()
			h.Target = safe.New(name)
			all = append(all, h)
		}
		r = e.Step(snapshot.Snapshot{At: at(float64(i)), HTTP: all})
	}
	check(t, "measured", known(r.HTTP.Measured), known(16))
	check(t, "p50", r.HTTP.P50, known(8)) // between (2, 4] and (8, 16], from the top
	check(t, "p95", r.HTTP.P95, known(8*math.Exp2(0.9)))
}
