package rediskeys

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"apitop/collectors/snapshot"
)

// endless is a server with a million keys: each SCAN gives another hundred.
func endless(takes *time.Duration) *fake {
	page := 0
	f := &fake{}
	f.answer = func(c []string) any {
		switch c[0] {
		case "scan":
			page++
			return []any{strconv.Itoa(page), anys(manyKeys(fmt.Sprintf("p:%d-%%d", page), 100))}
		case "dbsize", "pttl", "object":
			return int64(1_000_000)
		case "type":
			return "string"
		case "memory":
			return int64(100)
		case "time":
			f.takes = *takes // of the pipelines from here on
			return []any{"1000", "0"}
		}
		return []any{}
	}
	return f
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// TestDuty: on a keyspace without end our round trips take the duty's share of
// the time, after what was saved up.
func TestDuty(t *testing.T) {
	for _, takes := range []time.Duration{300 * time.Microsecond, time.Millisecond, 8 * time.Millisecond} {
		t.Run(takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := endless(&takes)
				c := ofFake(f, Config{Duty: 0.02})
				begun := time.Now()
				busy := time.Duration(0) // of the server: what is beyond nearNetwork is the way to it
				for time.Since(begun) < time.Minute {
					f.takes = takes
					n, start := len(f.pipes), time.Now()
					if _, err := c.Collect(t.Context()); err != nil {
						t.Fatal(err)
					}
					took := time.Since(start)
					if took > mostRound+3*takes || len(f.pipes)-n > 3*mostPages+20 {
						t.Fatalf("a round of %v with %d pipelines", took, len(f.pipes)-n)
					}
					busy += time.Duration(len(f.pipes)-n) * min(takes, nearNetwork)
					time.Sleep(time.Second - took)
				}
				// What must be read each round is not held back by the budget.
				most := time.Duration(0.02*float64(time.Minute+saved)) + 60*2*takes
				if busy > most || busy < time.Second/5 {
					t.Errorf("busy for %v of a minute, want at most %v", busy, most)
				}
				t.Logf("%v a round trip: busy %.2f %% of a minute, %.0f keys seen", takes, busy.Seconds()/0.6, c.walkers[0].explorer.looked)
			})
		})
	}
}

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(0.02)
		if b.left != margin*200*time.Millisecond {
			t.Errorf("it starts with %v", b.left)
		}
		b.refill(time.Now())
		b.spend(300*time.Millisecond, 1)
		if b.enough() {
			t.Error("overdrawn is enough")
		}
		time.Sleep(4 * time.Second)
		b.refill(time.Now())
		if b.enough() { // -100 ms + 67 ms, the rest pays the loan
			t.Errorf("%v left after 4 s", b.left)
		}
		b.spend(time.Hour, 1)
		time.Sleep(saved * 2)
		b.refill(time.Now())
		if !b.enough() {
			t.Errorf("%v left long after a hiccup", b.left)
		}
		time.Sleep(time.Hour)
		b.refill(time.Now())
		if b.left != b.most() {
			t.Errorf("%v left after an hour", b.left)
		}
	})
}

// TestBudgetRests: a server that answers slower than it can is left alone for
// longer and longer, and a slow network is taken as it is.
func TestBudgetRests(t *testing.T) {
	const ms = time.Millisecond
	run := func(b *budget, rounds int, took time.Duration) (explored int) {
		for range rounds {
			b.look(took)
			if b.mayExplore() {
				explored++
			}
		}
		return explored
	}
	b := newBudget(0.02)
	if n := run(&b, 20, ms); n != 20 {
		t.Errorf("explored in %d of 20 quiet rounds", n)
	}
	if n := run(&b, 20, 4*ms); n != 20 {
		t.Errorf("explored in %d of 20 rounds with noise", n)
	}
	if n := run(&b, 40, 100*ms); n > 4 {
		t.Errorf("explored in %d of 40 busy rounds", n)
	}
	if n := run(&b, 30, ms); n < 12 {
		t.Errorf("explored in %d of 30 rounds after it was over", n)
	}
	far := newBudget(0.02)
	run(&far, 5, 40*ms)
	left := far.left
	far.spend(41*ms, 1)
	if spent := left - far.left; spent < 2*ms || spent > 4*ms {
		t.Errorf("41 ms to a server 40 ms away cost %v", spent)
	}
	if !far.mayExplore() {
		t.Error("a far server is not explored")
	}
}

// TestDeadline: a round ends in time though each answer is slow, with what it
// has.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		takes := 20 * time.Millisecond
		f := endless(&takes)
		f.takes = takes
		c := ofFake(f, Config{Duty: 1})
		if _, err := c.Collect(t.Context()); err != nil { // learns what is permitted
			t.Fatal(err)
		}
		for limit := 60 * time.Millisecond; limit <= 400*time.Millisecond; limit += 7 * time.Millisecond {
			time.Sleep(time.Minute)
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			r, err := c.Collect(ctx)
			if err != nil || ctx.Err() != nil || len(r.(*snapshot.Keys).Cache) < 25 {
				t.Errorf("%v to answer: %v, %v, %d cache keys", limit, err, ctx.Err(), len(r.(*snapshot.Keys).Cache))
			}
			cancel()
		}
	})
}

// TestBudgetMeasures: what the server says of its work tells what a command
// costs, though single rounds are measured badly.
func TestBudgetMeasures(t *testing.T) {
	b := newBudget(0.02)
	now := time.Unix(1000, 0)
	for i := range 40 {
		now = now.Add(time.Second)
		b.refill(now)
		for range 20 {
			b.spend(2*time.Millisecond, 100)
		}
		noise := time.Duration(i%3-1) * 15 * time.Millisecond
		b.measure(12*time.Millisecond + noise) // of 40 ms, for 2,000 commands
	}
	if b.each < 4*time.Microsecond || b.each > 8*time.Microsecond || !b.enough() {
		t.Errorf("%v a command, want about 6 µs; %v left", b.each, b.left)
	}
	b.measure(-time.Hour)
	if b.each != leastEach {
		t.Errorf("%v a command", b.each)
	}
}
