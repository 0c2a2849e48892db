package analysis

import (
	"testing"
	"time"
)

// reading is one step of a scripted source: totals by key, NaN-free.
type reading struct {
	at      float64
	restart bool
	totals  map[string]float64
}

// growthCase is a scripted source and what "a" must have grown by in a 10 s
// window.
type growthCase struct {
	sampled bool
	steps   []reading
	want    Value
	seconds Value
}

func growthCases() map[string]growthCase {
	return map[string]growthCase{
		"first reading is only a baseline": {
			steps: []reading{{at: 0, totals: map[string]float64{"a": 100}}},
			want:  unknown, seconds: unknown,
		},
		"two readings": {
			steps: []reading{{at: 0, totals: map[string]float64{"a": 100}}, {at: 2, totals: map[string]float64{"a": 130}}},
			want:  known(30), seconds: known(2),
		},
		"a fall is a reset and counts from zero": {
			steps: []reading{{at: 0, totals: map[string]float64{"a": 100}}, {at: 1, totals: map[string]float64{"a": 7}}},
			want:  known(7), seconds: known(1),
		},
		"a restart counts from zero even if the total rose": {
			steps: []reading{{at: 0, totals: map[string]float64{"a": 10}}, {at: 1, restart: true, totals: map[string]float64{"a": 12}}},
			want:  known(12), seconds: known(1),
		},
		"a key born between two readings counts from zero": {
			steps: []reading{{at: 0, totals: map[string]float64{"b": 1}}, {at: 1, totals: map[string]float64{"a": 5, "b": 1}}},
			want:  known(5), seconds: known(1),
		},
		"a key of a source that lists only some starts with a baseline": {
			sampled: true,
			steps:   []reading{{at: 0, totals: map[string]float64{"b": 1}}, {at: 1, totals: map[string]float64{"a": 500}}},
			want:    unknown, seconds: known(1),
		},
		"and grows from there": {
			sampled: true,
			steps: []reading{
				{at: 0, totals: map[string]float64{"b": 1}}, {at: 1, totals: map[string]float64{"a": 500}},
				{at: 2, totals: map[string]float64{"a": 504}},
			},
			want: known(4), seconds: known(2),
		},
		"a vanished key stands still and is compared with its past": {
			steps: []reading{
				{at: 0, totals: map[string]float64{"a": 10}}, {at: 1}, {at: 2, totals: map[string]float64{"a": 13}},
			},
			want: known(3), seconds: known(2),
		},
		"failed polls are bridged": {
			steps: []reading{{at: 0, totals: map[string]float64{"a": 10}}, {at: 45, totals: map[string]float64{"a": 100}}},
			want:  known(90), seconds: known(45),
		},
		"the window slides": {
			steps: []reading{
				{at: 0, totals: map[string]float64{"a": 0}}, {at: 5, totals: map[string]float64{"a": 50}},
				{at: 10, totals: map[string]float64{"a": 60}}, {at: 15, totals: map[string]float64{"a": 61}},
			},
			want: known(11), seconds: known(10),
		},
	}
}

func TestGrowth(t *testing.T) {
	for name, tt := range growthCases() {
		t.Run(name, func(t *testing.T) {
			g := newGrowth[string](New(Options{}).opt)
			if tt.sampled {
				g = newSampledGrowth[string](New(Options{}).opt)
			}
			for _, s := range tt.steps {
				g.begin(at(s.at), s.restart)
				for k, v := range s.totals {
					g.put(k, known(v))
				}
				g.end()
			}
			check(t, "growth", g.one("a"), tt.want)
			check(t, "elapsed", g.elapsed(), tt.seconds)
		})
	}
}

// TestGrowthAgainstTotals follows one counter through many windows and resets;
// the sum of all growth must be what really happened.
func TestGrowthAgainstTotals(t *testing.T) {
	g := newGrowth[string](Options{Window: 5 * time.Second, Interval: time.Second})
	total, happened, seen := 0.0, 0.0, []float64{}
	for i := range 200 {
		if i%17 == 16 {
			total = 0 // the process restarts
		}
		n := float64(i % 7)
		total += n
		if i > 0 {
			happened += n
		}
		g.begin(at(float64(i)), false)
		g.put("a", known(total))
		g.end()
		seen = append(seen, happened)
		if i < 6 {
			continue
		}
		check(t, "growth", g.one("a"), known(happened-seen[i-5]))
	}
}

// TestGrowthOverALongWindow: a window of more steps than are kept is no shorter
// for that.
func TestGrowthOverALongWindow(t *testing.T) {
	for name, newOne := range map[string]func(Options) *growth[string]{"all": newGrowth[string], "sampled": newSampledGrowth[string]} {
		t.Run(name, func(t *testing.T) {
			g := newOne(Options{Window: time.Minute, Interval: 100 * time.Millisecond})
			for i := range 2000 {
				now := float64(i) / 10
				g.begin(at(now), false)
				g.put("a", known(float64(i)))
				if i >= 400 {
					g.put("late", known(float64(i)))
				}
				g.end()
				grown, seconds := g.one("a"), g.elapsed()
				switch {
				case i == 0:
					check(t, "growth", grown, unknown)
					continue
				case now <= 60:
					check(t, "growth", grown, known(float64(i)))
				case seconds.V < 59 || seconds.V > 63.5:
					t.Fatalf("a window of %v s at %v s", seconds.V, now)
				}
				check(t, "rate", g.rate("a"), known(10))
				if i > 401 && !g.complete {
					check(t, "rate of a late key", g.rate("late"), known(10))
				}
			}
		})
	}
}

func TestGrowthForgetsKeysThatAreGone(t *testing.T) {
	g := newGrowth[int](Options{Window: time.Second, Interval: time.Second})
	for i := range 1000 {
		g.begin(at(float64(i)), false)
		g.put(i, known(1))
		g.end()
	}
	if n := len(g.tracks); n > keepSteps+sweepSteps+2 {
		t.Errorf("%d keys are kept, want about %d", n, keepSteps)
	}
	if n := len(g.last); n > 10_000 {
		t.Errorf("%d floats are kept for them", n)
	}
}

func TestJumped(t *testing.T) {
	tests := map[string]struct {
		mono, wall time.Duration
		want       bool
	}{
		"no jump":             {time.Second, time.Second, false},
		"slewed":              {time.Second, 1010 * time.Millisecond, false},
		"suspended":           {time.Second, 8 * time.Hour, true},
		"set back by an hour": {time.Second, -time.Hour, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := jumped(tt.mono, tt.wall); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
