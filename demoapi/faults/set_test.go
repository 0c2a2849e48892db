package faults

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newFaked returns a set on fakes, without traffic of its own.
func newFaked(t *testing.T) (*Set, *record) {
	t.Helper()
	r := &record{}
	p := parts{r}
	s := New(Hooks{Cache: p, Store: p, Queue: p, Servers: p})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, r
}

func switchTo(t *testing.T, s *Set, name string, on bool) {
	t.Helper()
	if err := s.Switch(t.Context(), name, on); err != nil {
		t.Fatal(err)
	}
}

// TestSwitches holds what each fault that only turns switches does, on twice and
// off twice, and that off undoes it.
func TestSwitches(t *testing.T) {
	tests := map[string]struct{ on, off []string }{
		"n-plus-one": {
			[]string{"store {NPlusOne:true SlowQuery:0s}", "bypass [products]"},
			[]string{"store {NPlusOne:false SlowQuery:0s}", "bypass []"},
		},
		"slow-query": {
			[]string{"store {NPlusOne:false SlowQuery:300ms}", "bypass [search]"},
			[]string{"store {NPlusOne:false SlowQuery:0s}", "bypass []"},
		},
		"drop-index":          {[]string{"drop", "bypass [products search]"}, []string{"create", "bypass []"}},
		"idle-in-transaction": {[]string{"begin"}, []string{"commit"}},
		"redis-down":          {[]string{"redis false"}, []string{"redis true"}},
		"postgres-down":       {[]string{"postgres false"}, []string{"postgres true"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, r := newFaked(t)
			switchTo(t, s, name, false)
			if done := r.take(); len(done) > 0 {
				t.Errorf("off when off: %q", done)
			}
			for _, to := range []struct {
				on   bool
				want []string
			}{{true, tt.on}, {false, tt.off}, {true, tt.on}, {false, tt.off}} {
				switchTo(t, s, strings.ReplaceAll(name, "-", "_"), to.on)
				switchTo(t, s, name, to.on)
				if done := r.take(); !slices.Equal(done, to.want) {
					t.Errorf("on %v: %q, want %q", to.on, done, to.want)
				}
				if st := state(t, s, name); st.On != to.on || st.Since.IsZero() == to.on {
					t.Errorf("on %v: listed as %+v", to.on, st)
				}
			}
		})
	}
}

func state(t *testing.T, s *Set, name string) State {
	t.Helper()
	list := s.List()
	i := slices.IndexFunc(list, func(st State) bool { return st.Name == name })
	if i < 0 {
		t.Fatalf("%s is not listed", name)
	}
	return list[i]
}

// TestCombined: what several faults need stays until the last has let go.
func TestCombined(t *testing.T) {
	s, r := newFaked(t)
	steps := []struct {
		name string
		on   bool
		want []string
	}{
		{"n-plus-one", true, []string{"store {NPlusOne:true SlowQuery:0s}", "bypass [products]"}},
		{"drop-index", true, []string{"drop", "bypass [products search]"}},
		{"slow-query", true, []string{"store {NPlusOne:true SlowQuery:300ms}", "bypass [products search]"}},
		{"n-plus-one", false, []string{"store {NPlusOne:false SlowQuery:300ms}", "bypass [products search]"}},
		{"drop-index", false, []string{"create", "bypass [search]"}},
		{"slow-query", false, []string{"store {NPlusOne:false SlowQuery:0s}", "bypass []"}},
	}
	for _, step := range steps {
		switchTo(t, s, step.name, step.on)
		if done := r.take(); !slices.Equal(done, step.want) {
			t.Errorf("%s %v: %q, want %q", step.name, step.on, done, step.want)
		}
	}
}

// TestRenewed: a transaction that was lost with the server begins again.
func TestRenewed(t *testing.T) {
	s, r := newFaked(t)
	for _, name := range []string{"idle-in-transaction", "postgres-down"} {
		switchTo(t, s, name, true)
	}
	switchTo(t, s, "postgres-down", false)
	if done := r.take(); !slices.Equal(done, []string{"begin", "postgres false", "commit", "postgres true", "begin"}) {
		t.Errorf("%q", done)
	}
}

// TestYielding: who holds locks on the table lets the indexes be dropped and
// built, and goes on then; at the end in whatever order.
func TestYielding(t *testing.T) {
	s, r := newFaked(t)
	switchTo(t, s, "idle-in-transaction", true)
	switchTo(t, s, "drop-index", true)
	switchTo(t, s, "drop-index", false)
	want := []string{"begin", "commit", "drop", "bypass [products search]", "begin", "commit", "create", "bypass []", "begin"}
	if done := r.take(); !slices.Equal(done, want) {
		t.Errorf("%q, want %q", done, want)
	}
	r.failing("drop", errors.New("no luck"))
	if err := s.Switch(t.Context(), "drop-index", true); err == nil || !state(t, s, "idle-in-transaction").On {
		t.Errorf("%v, idle in transaction: %v", err, state(t, s, "idle-in-transaction").On)
	}
	r.failing("", nil)
	switchTo(t, s, "drop-index", true)
	r.take()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if done := r.take(); !slices.Equal(done, []string{"commit", "create", "bypass []"}) {
		t.Errorf("at the end: %q", done)
	}
}

// TestFailures: a fault that cannot begin is off, one that cannot end is on, and
// both can be tried again.
func TestFailures(t *testing.T) {
	s, r := newFaked(t)
	broken := errors.New("broken")
	r.failing("drop", broken)
	if err := s.Switch(t.Context(), "drop-index", true); !errors.Is(err, broken) || state(t, s, "drop-index").On {
		t.Errorf("%v, on %v", err, state(t, s, "drop-index").On)
	}
	r.failing("create", broken)
	switchTo(t, s, "drop-index", true)
	if err := s.Switch(t.Context(), "drop-index", false); !errors.Is(err, broken) || !state(t, s, "drop-index").On {
		t.Errorf("%v, on %v", err, state(t, s, "drop-index").On)
	}
	r.failing("", nil)
	switchTo(t, s, "drop-index", false)
	if want, done := []string{"drop", "bypass [products search]", "create", "bypass []"}, slices.Compact(r.take()); !slices.Equal(done, want) {
		t.Errorf("%q, want %q", done, want)
	}
	var unknown *UnknownError
	if err := s.Switch(t.Context(), "nope", true); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "n-plus-one") {
		t.Error(err)
	}
}

// TestClose ends everything, the last fault first, and refuses more.
func TestClose(t *testing.T) {
	s, r := newFaked(t)
	for _, name := range []string{"drop-index", "redis-down", "cpu-burn", "lock-table", "error-burst"} {
		switchTo(t, s, name, true)
		time.Sleep(time.Millisecond) // so that their order is known
	}
	r.take()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	// The lock goes with the background as a whole.
	done := slices.DeleteFunc(r.take(), func(d string) bool { return d == "unlock" })
	if want := []string{"redis true", "create", "bypass []"}; !slices.Equal(done, want) {
		t.Errorf("%q, want %q", done, want)
	}
	for _, st := range s.List() {
		if st.On {
			t.Errorf("%s is on", st.Name)
		}
	}
	if err := s.Switch(t.Context(), "n-plus-one", true); !errors.Is(err, ErrClosed) || s.Inject(burstRoute) {
		t.Errorf("after Close: %v", err)
	}
}

// TestConcurrentSwitches: the same switch from many sides is one switch.
func TestConcurrentSwitches(t *testing.T) {
	s, r := newFaked(t)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := s.Switch(t.Context(), "drop-index", true); err != nil {
				t.Error(err)
			}
			if i%5 == 0 {
				s.List()
			}
		})
	}
	wg.Wait()
	if done := r.take(); !slices.Equal(done, []string{"drop", "bypass [products search]"}) {
		t.Errorf("%q", done)
	}
	<-s.turn // somebody switches
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Switch(ctx, "drop-index", false); !errors.Is(err, context.Canceled) {
		t.Errorf("without a turn: %v", err)
	}
	s.turn <- struct{}{}
}

// TestLockPulses: the lock is given back every ten seconds, and taken again when
// the server was away.
func TestLockPulses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &record{}
		p := parts{r}
		s := New(Hooks{Cache: p, Store: p, Servers: p})
		began := time.Now()
		switchTo(t, s, "lock-table", true)
		time.Sleep(9 * time.Second)
		r.failing("lock", errors.New("away"))
		time.Sleep(2500 * time.Millisecond)
		r.failing("", nil)
		time.Sleep(2500 * time.Millisecond)
		switchTo(t, s, "lock-table", false)
		if want, done := []string{"lock", "unlock", "lock", "lock", "lock", "unlock"}, r.take(); !slices.Equal(done, want) {
			t.Errorf("%q, want %q", done, want)
		}
		if took := time.Since(began); took != 14*time.Second {
			t.Errorf("took %v", took)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestFlushing: the cache is emptied at once and then every two seconds, also
// after a failure.
func TestFlushing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &record{}
		s := New(Hooks{Cache: parts{r}})
		r.failing("flush", errors.New("away"))
		switchTo(t, s, "cache-flush", true)
		time.Sleep(5 * time.Second)
		switchTo(t, s, "cache-flush", false)
		time.Sleep(5 * time.Second)
		if done := r.take(); len(done) != 3 {
			t.Errorf("%q", done)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestErrorBurst: three of ten requests of one route fail, in any stretch.
func TestErrorBurst(t *testing.T) {
	s := New(Hooks{})
	defer func() { _ = s.Close() }()
	count := func() (n int) {
		for range 1000 {
			if s.Inject("/products") {
				t.Fatal("another route")
			}
			if s.Inject(burstRoute) {
				n++
			}
		}
		return n
	}
	if n := count(); n != 0 {
		t.Errorf("%d failed while off", n)
	}
	switchTo(t, s, "error-burst", true)
	if n := count(); n != 300 {
		t.Errorf("%d of 1000 failed", n)
	}
	switchTo(t, s, "error-burst", false)
	if n := count(); n != 0 {
		t.Errorf("%d failed after it was off", n)
	}
}
