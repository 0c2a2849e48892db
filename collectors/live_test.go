package collectors

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// scripted is a collector whose behaviour is a function.
type scripted struct {
	name  string
	calls int
	do    func(ctx context.Context, call int) (snapshot.Reading, error)
}

func (s *scripted) Source() snapshot.Source {
	return snapshot.Source{Name: safe.New(s.name), Kind: snapshot.KindMetrics}
}

func (s *scripted) Collect(ctx context.Context) (snapshot.Reading, error) {
	s.calls++
	return s.do(ctx, s.calls)
}

func target(name string) snapshot.Reading { return &snapshot.HTTP{Target: safe.New(name)} }

func healthy(name string) *scripted {
	return &scripted{name: name, do: func(context.Context, int) (snapshot.Reading, error) { return target(name), nil }}
}

func poll(s snapshot.Snapshot, name string) (snapshot.Poll, bool) {
	for _, p := range s.Polls {
		if p.Source.Name.String() == name {
			return p, true
		}
	}
	return snapshot.Poll{}, false
}

func hasReading(s snapshot.Snapshot, name string) bool {
	for _, h := range s.HTTP {
		if h.Target.String() == name {
			return true
		}
	}
	return false
}

func next(t *testing.T, l *Live) snapshot.Snapshot {
	t.Helper()
	s, err := l.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOneBadCollectorDoesNotDelayOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := &scripted{name: "deaf", do: func(context.Context, int) (snapshot.Reading, error) {
			time.Sleep(2500 * time.Millisecond) // hears no deadline
			return target("deaf"), nil
		}}
		panicking := &scripted{name: "panicking", do: func(context.Context, int) (snapshot.Reading, error) { panic("boom") }}
		failing := &scripted{name: "failing", do: func(context.Context, int) (snapshot.Reading, error) {
			return nil, errors.New("refused")
		}}
		l := New(time.Second, Job{Collector: deaf}, Job{Collector: panicking}, Job{Collector: failing}, Job{Collector: healthy("healthy")})
		start := time.Now()
		deafCame := false
		for round := range 6 {
			s := next(t, l)
			if late := time.Since(start) - time.Duration(round)*time.Second; late > 800*time.Millisecond {
				t.Errorf("round %d came %v after its time", round, late)
			}
			if !hasReading(s, "healthy") {
				t.Errorf("round %d: the healthy collector's reading is missing", round)
			}
			deafCame = deafCame || hasReading(s, "deaf")
			if p, ok := poll(s, "panicking"); ok && (p.Failure == nil || p.Failure.Kind != snapshot.Internal) {
				t.Errorf("round %d: a panic reads as %+v", round, p)
			}
		}
		if !deafCame {
			t.Error("the late answer never arrived")
		}
		time.Sleep(3 * time.Second) // let the deaf one end
		synctest.Wait()
		if deaf.calls > 3 {
			t.Errorf("the deaf collector was started %d times in 6 s: it overlapped itself", deaf.calls)
		}
	})
}

func TestPendingIsShownWithItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &scripted{name: "slow", do: func(ctx context.Context, _ int) (snapshot.Reading, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		l := New(time.Second, Job{Collector: slow, Timeout: 2 * time.Second})
		p, ok := poll(next(t, l), "slow")
		if !ok || !p.Pending || p.Took != firstGrace || p.Failure != nil {
			t.Errorf("got %+v, want pending for %v", p, firstGrace)
		}
		time.Sleep(2 * time.Second)
	})
}

// resting has nothing new for a while after each answer.
type resting struct {
	*scripted
	rest time.Duration
}

func (r *resting) Rest() time.Duration { return r.rest }

// TestRest: a source that has something new only now and then is left alone in
// between, and comes back at once after a failure.
func TestRest(t *testing.T) {
	for name, tt := range map[string]struct {
		rest  time.Duration
		calls int // in 30 rounds
	}{
		"none": {0, 30}, "a round": {time.Second, 30}, "five": {5 * time.Second, 6}, "a little more": {5200 * time.Millisecond, 5},
		"a little early": {2020 * time.Millisecond, 15},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &resting{scripted: healthy("server"), rest: tt.rest}
				l := New(time.Second, Job{Collector: r}, Job{Collector: healthy("other")})
				for round := range 30 {
					before := r.calls
					s := next(t, l)
					if _, polled := poll(s, "server"); polled != (r.calls > before) {
						t.Errorf("round %d: a poll is %v, a call %v", round, polled, r.calls > before)
					}
				}
				if r.calls != tt.calls {
					t.Errorf("%d calls in 30 rounds, want %d", r.calls, tt.calls)
				}
			})
		})
	}
}

func TestEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		third := healthy("third")
		l := New(time.Second, Job{Collector: third, Every: 3})
		for range 30 {
			next(t, l)
		}
		if third.calls != 10 {
			t.Errorf("Every: 3 ran %d times in 30 rounds, want 10", third.calls)
		}
	})
}

func TestRetriesThinOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := &scripted{name: "down", do: func(context.Context, int) (snapshot.Reading, error) {
			return nil, errors.New("refused")
		}}
		l := New(time.Second, Job{Collector: down})
		for range 10 {
			next(t, l)
		}
		early := down.calls
		for range 290 {
			next(t, l)
		}
		if early < 5 {
			t.Errorf("%d attempts in the first 10 s, want nearly one a second", early)
		}
		if late := down.calls - early; late < 10 || late > 45 {
			t.Errorf("%d attempts in the next 290 s, want a pause that grows to 30 s", late)
		}
	})
}

func TestReturnIsNoticedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const outage = 20
		start := time.Now()
		flaky := &scripted{name: "flaky", do: func(context.Context, int) (snapshot.Reading, error) {
			if time.Since(start) < outage*time.Second {
				return nil, errors.New("refused")
			}
			return target("flaky"), nil
		}}
		l := New(time.Second, Job{Collector: flaky})
		for round := range 2 * outage {
			if s := next(t, l); hasReading(s, "flaky") {
				if round > outage+6 {
					t.Errorf("a %d s outage was over, seen in round %d", outage, round)
				}
				return
			}
		}
		t.Error("the source was never seen again")
	})
}

func TestFailureKeepsKindAndHidesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		denied := &scripted{name: "denied", do: func(context.Context, int) (snapshot.Reading, error) {
			return target("denied"), snapshot.Fail(snapshot.Denied, "NOPERM \x1b[2J", "ACL SETUSER …")
		}}
		s := next(t, New(time.Second, Job{Collector: denied}))
		p, _ := poll(s, "denied")
		if p.Failure == nil || p.Failure.Kind != snapshot.Denied || strings.Contains(p.Failure.Error(), "\x1b") {
			t.Errorf("got %+v", p.Failure)
		}
		if !hasReading(s, "denied") {
			t.Error("a reading that came with an error was dropped")
		}
	})
}

func TestNextEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := &scripted{name: "hung", do: func(ctx context.Context, _ int) (snapshot.Reading, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		ctx, cancel := context.WithTimeout(t.Context(), firstGrace/2)
		defer cancel()
		if _, err := New(time.Second, Job{Collector: hung}).Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// TestPollsKeepTheOrderOfTheJobs, whoever answers first.
func TestPollsKeepTheOrderOfTheJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var jobs []Job
		for i, name := range []string{"a", "b", "c", "d"} {
			jobs = append(jobs, Job{Collector: &scripted{name: name, do: func(context.Context, int) (snapshot.Reading, error) {
				time.Sleep(time.Duration(4-i) * 10 * time.Millisecond)
				return target(name), nil
			}}})
		}
		var names []string
		for _, p := range next(t, New(time.Second, jobs...)).Polls {
			names = append(names, p.Source.Name.String())
		}
		if want := []string{"a", "b", "c", "d"}; !slices.Equal(names, want) {
			t.Errorf("polls of %q, want %q", names, want)
		}
	})
}

// TestFirstRound: what answers at once is seen at once, what comes a little later
// is seen then, and the second round keeps its time.
func TestFirstRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		after := func(name string, d time.Duration) Job {
			return Job{Collector: &scripted{name: name, do: func(_ context.Context, call int) (snapshot.Reading, error) {
				if call == 1 {
					time.Sleep(d)
				}
				return target(name), nil
			}}}
		}
		start := time.Now()
		l := New(time.Second, after("quick", 0), after("slow", 300*time.Millisecond), after("slower", 700*time.Millisecond))
		for _, want := range []struct {
			at      time.Duration
			reading string
		}{
			{firstGrace, "quick"}, {300 * time.Millisecond, "slow"}, {700 * time.Millisecond, "slower"},
			{time.Second, "quick"}, {2 * time.Second, "quick"},
		} {
			s := next(t, l)
			if at := time.Since(start); at != want.at || !hasReading(s, want.reading) {
				t.Errorf("after %v: reading of %s: %v; want it after %v", at, want.reading, hasReading(s, want.reading), want.at)
			}
		}
	})
}
