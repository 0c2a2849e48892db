package metrics

import (
	"math"
	"strconv"
	"testing"
	"time"
)

func TestActivity(t *testing.T) {
	for _, n := range []int{0, 1, 2, 100, 5_000, 100_000, 1_000_000} {
		a := newActivity()
		for i := range n {
			subject := "guest-" + strconv.Itoa(i)
			a.see(subject, a.birth)
			a.see(subject, a.birth.Add(time.Second)) // again: no other subject
		}
		got := a.count(a.birth.Add(2 * time.Second))
		// Five standard errors, so that a random seed does not fail by chance.
		if math.Abs(got-float64(n)) > 0.08*float64(n) || n <= 2 && int(got) != n {
			t.Errorf("%v of %d subjects", got, n)
		}
	}
}

func TestActivityWindow(t *testing.T) {
	a := newActivity()
	for i := range 500 {
		a.see("old-"+strconv.Itoa(i), a.birth.Add(10*time.Second))
	}
	for i := range 50 {
		a.see("new-"+strconv.Itoa(i), a.birth.Add(200*time.Second))
	}
	for at, want := range map[time.Duration]float64{
		0: 550, 200 * time.Second: 550, 309 * time.Second: 550, 310 * time.Second: 50, 499 * time.Second: 50, 500 * time.Second: 0, time.Hour: 0,
	} {
		if got := a.count(a.birth.Add(at)); math.Abs(got-want) > 0.08*want {
			t.Errorf("after %v: %v, want about %v", at, got, want)
		}
	}
}

func TestActivityCosts(t *testing.T) {
	a := newActivity()
	now := time.Now()
	if n := testing.AllocsPerRun(100, func() { a.see("guest-17", now) }); n != 0 {
		t.Errorf("%v allocations per request", n)
	}
}
