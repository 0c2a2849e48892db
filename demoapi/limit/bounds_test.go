package limit_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"apitop/demoapi/limit"
)

// admitted runs a limiter for hours of random arrivals, in bursts and lulls, and
// gives the times of those let through. Obedient clients among them come when
// they were told to, and must be let through.
func admitted(t *testing.T, a limit.Algorithm, q limit.Quota, seed uint64) []time.Time {
	t.Helper()
	f := newFake(t)
	l := shared(t, a, f.client, patient())
	rng := rand.New(rand.NewPCG(seed, 1))
	var times []time.Time
	obey := false
	for end := f.now.Add(5 * q.Window); f.now.Before(end); {
		res, err := l.Allow(t.Context(), limit.Request{
			Subject: "7", Tier: limit.Basic, Class: limit.Default, Quota: q, Overall: limit.Quota{Limit: 2 * q.Limit, Window: q.Window},
		})
		switch {
		case err != nil:
			t.Fatal(err)
		case obey && !res.Allowed:
			t.Fatalf("came at %v as it was told, yet %+v", f.now, res)
		case res.Allowed:
			times = append(times, f.now)
		}
		obey = false
		step := q.Window / time.Duration(q.Limit)
		switch n := rng.IntN(200); {
		case n == 0:
			f.advance(step * time.Duration(rng.IntN(q.Limit)))
		case n < 20:
			if obey = !res.Allowed; obey {
				f.advance(res.RetryAfter)
			}
		default:
			f.advance(time.Duration(rng.Int64N(int64(step))))
		}
		f.now = f.now.Truncate(time.Microsecond) // the server's clock has no finer time
		f.SetTime(f.now)
	}
	return times
}

// TestLogInEveryWindow: in whatever window, the log never admits more than the
// limit.
func TestLogInEveryWindow(t *testing.T) {
	for _, most := range []int{1, 7, 30} {
		q := limit.Quota{Limit: most, Window: time.Hour}
		times := admitted(t, limit.SlidingLog, q, uint64(most))
		if len(times) < 4*most {
			t.Errorf("limit %d: only %d admitted in 5 windows", most, len(times))
		}
		// A window with one too many would begin with an admitted request.
		for i := most; i < len(times); i++ {
			if times[i].Sub(times[i-most]) < q.Window {
				t.Fatalf("limit %d: %d admitted from %v to %v", most, most+1, times[i-most], times[i])
			}
		}
	}
}

// TestGCRABound: from any admitted request on, at most limit + elapsed/pace are
// admitted.
func TestGCRABound(t *testing.T) {
	for _, most := range []int{1, 7, 30} {
		q := limit.Quota{Limit: most, Window: time.Hour}
		times := admitted(t, limit.GCRA, q, uint64(most))
		if len(times) < 4*most {
			t.Errorf("limit %d: only %d admitted in 5 windows", most, len(times))
		}
		pace := (q.Window + time.Duration(most) - 1) / time.Duration(most)
		for i := range times {
			for j := i; j < len(times); j++ {
				if n, elapsed := j-i+1, times[j].Sub(times[i]); n > most+int(elapsed/pace) {
					t.Fatalf("limit %d: %d admitted in %v", most, n, elapsed)
				}
			}
		}
	}
}

// TestLogSlotBySlot: after a burst spread over time each place comes back exactly
// one window after it was taken.
func TestLogSlotBySlot(t *testing.T) {
	f := newFake(t)
	l := shared(t, limit.SlidingLog, f.client, patient())
	r := limit.Request{Subject: "7", Class: limit.Default, Quota: limit.Quota{Limit: 6, Window: time.Hour}}
	allow := func() bool {
		t.Helper()
		res, err := l.Allow(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return res.Allowed
	}
	begin := f.now
	gaps := []time.Duration{time.Minute, 7 * time.Second, time.Microsecond, 11 * time.Minute, time.Second, 0}
	for _, gap := range gaps {
		if !allow() {
			t.Fatal("denied within the limit")
		}
		f.advance(gap)
	}
	free := begin.Add(time.Hour)
	for i, gap := range gaps {
		f.advance(free.Sub(f.now) - time.Microsecond)
		if i != 3 && allow() { // the 4th place comes back a microsecond after the 3rd
			t.Errorf("place %d is free a microsecond early", i+1)
		}
		f.advance(time.Microsecond)
		if !allow() {
			t.Errorf("place %d is not free after an hour", i+1)
		}
		free = free.Add(gap)
	}
}
