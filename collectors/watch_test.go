package collectors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"apitop/collectors/snapshot"
)

// closing is a collector that knows whether it runs and when it was closed.
type closing struct {
	scripted
	running bool
	closed  int
	atWork  bool // it was closed while it ran
}

func newClosing(name string, took time.Duration) *closing {
	c := &closing{}
	c.scripted = scripted{name: name, do: func(ctx context.Context, _ int) (snapshot.Reading, error) {
		c.running = true
		defer func() { c.running = false }()
		select {
		case <-time.After(took):
			return target(name), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	return c
}

func (c *closing) Close() {
	c.closed++
	c.atWork = c.atWork || c.running
}

func jobsOf(list ...*closing) []Job {
	jobs := make([]Job, len(list))
	for i, c := range list {
		jobs[i] = Job{Collector: c}
	}
	return jobs
}

func pollNames(s snapshot.Snapshot) []string {
	var names []string
	for _, p := range s.Polls {
		name := p.Source.Name.String()
		if p.Gone {
			name = "-" + name
		}
		names = append(names, name)
	}
	return names
}

func TestWatchedJobsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, c := newClosing("a", 0), newClosing("b", 0), newClosing("c", 0)
		present := jobsOf(c, a)
		l := New(time.Second, Job{Collector: healthy("z fixed")})
		l.Watch(func() []Job { return present })
		for i, step := range []struct {
			jobs []Job
			want []string
		}{
			{jobsOf(c, a), []string{"z fixed", "a", "c"}},
			{jobsOf(b, c, a), []string{"z fixed", "a", "b", "c"}},
			{jobsOf(b), []string{"z fixed", "-a", "b", "-c"}},
			{nil, []string{"z fixed", "-b"}},
			{jobsOf(newClosing("a", 0), b, b, newClosing("z fixed", 0)), []string{"z fixed", "a", "b"}},
		} {
			present = step.jobs
			s := next(t, l)
			if got := pollNames(s); !slices.Equal(got, step.want) {
				t.Errorf("round %d: polls of %q, want %q", i, got, step.want)
			}
			if len(s.HTTP) != len(step.jobs)+1 && i < 4 {
				t.Errorf("round %d: %d readings, want %d", i, len(s.HTTP), len(step.jobs)+1)
			}
		}
		if a.closed != 1 || b.closed != 1 || c.closed != 1 {
			t.Errorf("closed %d, %d and %d times, want once each", a.closed, b.closed, c.closed)
		}
		if a.calls != 2 || b.calls != 3 || c.calls != 2 {
			t.Errorf("ran %d, %d and %d times, want 2, 3 and 2", a.calls, b.calls, c.calls)
		}
	})
}

// TestVanishedWhileRunning: it is cancelled and closed only then, what it brings
// is dropped, and another one under its name is not held up.
func TestVanishedWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, heir := newClosing("a", time.Hour), newClosing("a", 0)
		present := []Job{{Collector: slow, Timeout: time.Hour}}
		l := New(time.Second)
		l.Watch(func() []Job { return present })
		if p, ok := poll(next(t, l), "a"); !ok || !p.Pending {
			t.Fatalf("got %+v, want it pending", p)
		}
		present = jobsOf(heir)
		s := next(t, l)
		if p, ok := poll(s, "a"); !ok || p.Pending || p.Failure != nil || len(s.Polls) != 1 {
			t.Errorf("after the change: %+v", s.Polls)
		}
		next(t, l)
		if slow.closed != 1 || slow.atWork || slow.calls != 1 {
			t.Errorf("the old one was closed %d times, at work: %v, and ran %d times", slow.closed, slow.atWork, slow.calls)
		}
		if heir.calls != 2 || heir.closed != 0 {
			t.Errorf("the new one ran %d times and was closed %d times", heir.calls, heir.closed)
		}
	})
}

// TestDeafOnesAreNotStuck: collectors that hear no deadline, in a set that
// grows and shrinks, all end; the bubble fails if one does not.
func TestDeafOnesAreNotStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var present []Job
		l := New(time.Second)
		l.Watch(func() []Job { return present })
		for round := range 8 {
			for i := range 10 {
				present = append(present, Job{Collector: &scripted{
					name: fmt.Sprint(round, "-", i),
					do: func(context.Context, int) (snapshot.Reading, error) {
						time.Sleep(3 * time.Second)
						return nil, errors.New("late")
					},
				}})
			}
			present = present[len(present)/3:]
			if _, err := l.Next(ctx); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		if _, err := l.Next(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		time.Sleep(4 * time.Second) // nobody reads, and all must end
	})
}

// TestChurn: targets that come and go all the time leave nothing behind.
func TestChurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rounds, each = 200, 20
		var all []*closing
		l := New(time.Second)
		l.Watch(func() []Job {
			list := make([]*closing, each)
			for i := range list {
				list[i] = newClosing(strconv.Itoa(len(all)+i), time.Duration(i)*100*time.Millisecond)
			}
			all = append(all, list...)
			return jobsOf(list...)
		})
		for l.round < rounds {
			next(t, l)
		}
		if len(l.jobs) != each || len(l.watched) != each || len(l.busy) > atOnce {
			t.Errorf("%d jobs, %d watched, %d just started", len(l.jobs), len(l.watched), len(l.busy))
		}
		time.Sleep(2 * time.Second)
		next(t, l)
		for i, c := range all[:len(all)-each] {
			if c.closed != 1 || c.atWork {
				t.Errorf("collector %d was closed %d times, at work: %v", i, c.closed, c.atWork)
			}
		}
		time.Sleep(2 * time.Second)
	})
}

// timed is a collector that notes when it was started.
type timed struct {
	scripted
	starts []time.Time
}

func newTimed(name string, took func(ctx context.Context)) *timed {
	c := &timed{}
	c.scripted = scripted{name: name, do: func(ctx context.Context, _ int) (snapshot.Reading, error) {
		c.starts = append(c.starts, time.Now())
		took(ctx)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return target(name), nil
	}}
	return c
}

func quick(context.Context) { time.Sleep(5 * time.Millisecond) }

func hung(ctx context.Context) { <-ctx.Done() }

func crowdOf(n int, took func(i int) func(context.Context)) ([]*timed, []Job) {
	list, jobs := make([]*timed, n), make([]Job, n)
	for i := range list {
		list[i] = newTimed(fmt.Sprintf("10.0.0.%d:9100", i), took(i))
		jobs[i] = Job{Collector: list[i], Timeout: 2 * time.Second}
	}
	return list, jobs
}

// TestCadence: whoever answers is asked once a round, at its time, whatever the
// others do. The first round has no place for moments, so it does not count.
func TestCadence(t *testing.T) {
	tests := map[string]struct {
		targets, hung int
	}{
		"20, 1 hung":     {20, 1},
		"100":            {100, 0},
		"100, 40 hung":   {100, 40},
		"1000":           {1000, 0},
		"1000, 200 hung": {1000, 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				list, jobs := crowdOf(tt.targets, func(i int) func(context.Context) {
					if i < tt.hung {
						return hung
					}
					return quick
				})
				const rounds = 12
				l := New(time.Second)
				l.Watch(func() []Job { return jobs })
				for l.round < rounds {
					s := next(t, l)
					if readings := tt.targets - tt.hung; l.round > 1 && len(s.HTTP) != readings {
						t.Errorf("round %d has %d readings, want %d", l.round, len(s.HTTP), readings)
					}
				}
				for _, c := range list[tt.hung:] {
					if len(c.starts) != rounds {
						t.Fatalf("%s was asked %d times in %d rounds", c.name, len(c.starts), rounds)
					}
					for i := 2; i < len(c.starts); i++ {
						if d := c.starts[i].Sub(c.starts[i-1]); d < 800*time.Millisecond || d > 1200*time.Millisecond {
							t.Errorf("%s: %v between two questions", c.name, d)
						}
					}
				}
				time.Sleep(5 * time.Second) // let the hung ones end
			})
		})
	}
}

// TestStartsAreSpread: no instant of a round has more than its share.
func TestStartsAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list, jobs := crowdOf(200, func(int) func(context.Context) { return quick })
		l := New(time.Second, jobs...)
		for l.round < 3 {
			next(t, l)
		}
		var perTenth [5]int
		for _, c := range list {
			at := c.starts[2].Sub(l.next.Add(-time.Second))
			perTenth[min(int(at/(100*time.Millisecond)), 4)]++
		}
		for i, n := range perTenth {
			if n < 20 || n > 60 {
				t.Errorf("%d of 200 start in tenth %d of the round: %v", n, i, perTenth)
			}
		}
	})
}

// TestFewConnectAtOnce: also in the first round, which has no moments.
func TestFewConnectAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list, jobs := crowdOf(500, func(int) func(context.Context) { return quick })
		l := New(time.Second, jobs...)
		began := time.Now()
		snapshots := 0
		for l.round < 2 {
			next(t, l)
			snapshots++
		}
		at := map[time.Time]int{}
		for _, c := range list {
			at[c.starts[0]]++
			if late := c.starts[0].Sub(began); late > 200*time.Millisecond {
				t.Errorf("%s was first asked after %v", c.name, late)
			}
		}
		for when, n := range at {
			if n > atOnce {
				t.Errorf("%d were started together after %v", n, when.Sub(began))
			}
		}
		if snapshots > 5 {
			t.Errorf("%d snapshots in the first two rounds", snapshots)
		}
	})
}

// TestWaitingForATurnIsShown: with every place taken by the hung, who was not
// asked yet is pending, and comes first in the next round.
func TestWaitingForATurnIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list, jobs := crowdOf(2*atOnce+8, func(i int) func(context.Context) {
			if i < 2*atOnce {
				return hung
			}
			return quick
		})
		l := New(time.Second, jobs...)
		s := next(t, l)
		last := list[len(list)-1]
		if p, ok := poll(s, last.name); !ok || !p.Pending || len(last.starts) != 0 {
			t.Errorf("got %+v after %d starts, want it pending and not started", p, len(last.starts))
		}
		if s = next(t, l); !hasReading(s, last.name) {
			t.Errorf("it was not asked as soon as there was room: %+v", s.HTTP)
		}
		time.Sleep(5 * time.Second)
	})
}
