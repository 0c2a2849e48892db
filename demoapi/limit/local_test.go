package limit_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"apitop/demoapi/limit"
	"apitop/demoapi/limit/limittest"
)

// clock is a time that the test moves.
type clock struct{ now time.Time }

func (c *clock) read() time.Time         { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

func TestLocal(t *testing.T) {
	limittest.Run(t, func(*testing.T) limittest.Subject {
		return limittest.Subject{Limiter: limit.NewLocal(limit.LocalOptions{})}
	})
	limittest.RunWithClock(t, func(*testing.T) limittest.Subject {
		c := &clock{time.Date(2026, 11, 24, 9, 0, 0, 123457000, time.UTC)}
		return limittest.Subject{Limiter: limit.NewLocal(limit.LocalOptions{Now: c.read}), Advance: c.advance}
	})
}

// TestLocalDecidesAsRedis: both implementations of GCRA give the same results to
// the microsecond, through changes of quota.
func TestLocalDecidesAsRedis(t *testing.T) {
	f := newFake(t)
	redis := shared(t, limit.GCRA, f.client, patient())
	local := limit.NewLocal(limit.LocalOptions{Now: func() time.Time { return f.now }})
	rng := rand.New(rand.NewPCG(3, 4))
	classes := []limit.Class{limit.Orders, limit.Search}
	outcomes := map[string]int{}
	window, factor := 10*time.Second, 1
	for i := range 4000 {
		switch rng.IntN(200) {
		case 0:
			factor = 1 + rng.IntN(4) // another tier
		case 1:
			f.advance(time.Minute)
		default:
			f.advance(time.Duration(rng.IntN(1_500_000)) * time.Microsecond)
		}
		r := limit.Request{
			Subject: "7", Tier: limit.Basic, Class: classes[rng.IntN(2)],
			Quota: limit.Quota{Limit: 7 * factor, Window: window}, Overall: limit.Quota{Limit: 11 * factor, Window: window},
		}
		want, err := redis.Allow(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := local.Allow(t.Context(), r)
		if err != nil || !got.Local || want.Local {
			t.Fatalf("request %d: %v, local: %v and %v", i, err, got.Local, want.Local)
		}
		outcomes[fmt.Sprint(got.Allowed, " ", got.Policy)]++
		if got.Local = false; got != want {
			t.Fatalf("request %d of %+v at %v:\n%+v, in Redis\n%+v", i, r, f.now, got, want)
		}
	}
	if len(outcomes) != 4 {
		t.Errorf("outcomes %v, want each quota to bind allowed and denied requests", outcomes)
	}
}

// TestLocalForgetsTheOldest: memory is bounded by the number of subjects.
func TestLocalForgetsTheOldest(t *testing.T) {
	l := limit.NewLocal(limit.LocalOptions{Subjects: 100})
	ask := func(subject int) bool {
		res, err := l.Allow(t.Context(), limit.Request{
			Subject: strconv.Itoa(subject), Class: limit.Orders, Quota: limit.Quota{Limit: 1, Window: time.Hour},
		})
		if err != nil {
			t.Fatal(err)
		}
		return res.Allowed
	}
	for i := range 1000 {
		ask(0) // seen all the time
		if !ask(1 + i) {
			t.Fatalf("subject %d is known before it came", i)
		}
	}
	if l.Len() != 100 {
		t.Errorf("%d subjects remembered, want 100", l.Len())
	}
	if ask(0) || ask(1000) || ask(902) {
		t.Error("a subject seen of late was forgotten")
	}
	if !ask(1) {
		t.Error("the oldest subject was not forgotten")
	}
}

// TestClockSetBack: a subject is not locked out for as long as the clock was
// wrong.
func TestClockSetBack(t *testing.T) {
	f := newFake(t)
	limiters := map[string]limit.Limiter{
		"redis": shared(t, limit.GCRA, f.client, patient()),
		"local": limit.NewLocal(limit.LocalOptions{Now: func() time.Time { return f.now }}),
	}
	r := limit.Request{Subject: "7", Class: limit.Orders, Quota: limit.Quota{Limit: 2, Window: time.Hour}}
	allowed := func(l limit.Limiter) (n int) {
		for range 5 {
			res, err := l.Allow(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if res.Allowed {
				n++
			}
		}
		return n
	}
	steps := []struct {
		back time.Duration
		want int
	}{{0, 2}, {time.Second, 0}, {24 * time.Hour, 2}}
	for _, step := range steps {
		f.advance(-step.back)
		for name, l := range limiters {
			if got := allowed(l); got != step.want {
				t.Errorf("%s: %d allowed after the clock was set back by %v, want %d", name, got, step.back, step.want)
			}
		}
	}
}
