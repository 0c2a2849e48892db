package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"apitop/demoapi/cache"
	"apitop/demoapi/limit"
	"apitop/demoapi/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// record notes what is done to the parts, in order.
type record struct {
	mu   sync.Mutex // guards the rest
	done []string
	fail map[string]error // by what is done
}

func (r *record) note(format string, args ...any) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	what := fmt.Sprintf(format, args...)
	r.done = append(r.done, what)
	return r.fail[what]
}

// take returns what was noted since the last call.
func (r *record) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	done := r.done
	r.done = nil
	return done
}

func (r *record) failing(what string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = map[string]error{what: err}
}

// parts are fakes of everything that faults work on.
type parts struct{ *record }

func (p parts) Bypass(caches ...string)                        { _ = p.note("bypass %v", caches) }
func (p parts) Protect(on bool)                                { _ = p.note("protect %v", on) }
func (p parts) UseL1(on bool)                                  { _ = p.note("l1 %v", on) }
func (p parts) Flush(context.Context) (int64, error)           { return 0, p.note("flush") }
func (p parts) Delete(context.Context, ...cache.Item) error    { return p.note("delete") }
func (p parts) Hottest(context.Context, int) ([]string, error) { return nil, p.note("hottest") }
func (p parts) SetFaults(f store.Faults)                       { _ = p.note("store %+v", f) }
func (p parts) Stat() *pgxpool.Stat                            { return nil }
func (p parts) DropIndexes(context.Context) error              { return p.note("drop") }
func (p parts) CreateIndexes(context.Context) error            { return p.note("create") }
func (p parts) Pause()                                         { _ = p.note("pause") }
func (p parts) Resume()                                        { _ = p.note("resume") }
func (p parts) Owns(string) bool                               { return true }

func (p parts) Switch(_ context.Context, server string, up bool) error {
	return p.note("%s %v", server, up)
}

func (p parts) HoldConnections(_ context.Context, n int) (func(), error) {
	return func() { _ = p.note("let go") }, p.note("hold %d", n)
}

func (p parts) LockProducts(context.Context) (func(), error) {
	return func() { _ = p.note("unlock") }, p.note("lock")
}

func (p parts) IdleInTransaction(context.Context) (func(), error) {
	return func() { _ = p.note("commit") }, p.note("begin")
}

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
	if done := r.take(); !slices.Equal(done, []string{"begin", "postgres false", "postgres true", "commit", "begin"}) {
		t.Errorf("%q", done)
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
	if want, done := []string{"drop", "drop", "bypass [products search]", "create", "create", "bypass []"}, r.take(); !slices.Equal(done, want) {
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

// TestUnavailable: a fault without its need says why, and what to do.
func TestUnavailable(t *testing.T) {
	p := parts{&record{}}
	token := func(int64, limit.Tier) string { return "t" }
	tests := map[string]struct {
		h    Hooks
		want map[string]string // by name, part of the reason; "": available
	}{
		"in memory": {
			Hooks{Cache: p, Queue: p, Servers: owner{"redis"}, BaseURL: "http://x", Token: token},
			map[string]string{
				"n-plus-one": "install postgresql", "lock-table": "install postgresql", "postgres-down": "install postgresql",
				"eviction": "simulation; install redis-server", "slow-redis": "simulation; install redis-server",
				"redis-down": "", "cache-flush": "", "hot-key": "", "cpu-burn": "", "queue-stall": "",
			},
		},
		"given servers": {
			Hooks{Cache: p, Store: p, Queue: p, Servers: owner{}, BaseURL: "http://x", Token: token},
			map[string]string{
				"n-plus-one": "", "idle-in-transaction": "", "lock-table": "leave --postgres out", "postgres-down": "leave --postgres out",
				"eviction": "leave --redis out", "slow-redis": "leave --redis out", "redis-down": "leave --redis out", "stampede": "",
			},
		},
		"nothing": {
			Hooks{},
			map[string]string{"cache-flush": "no cache", "queue-stall": "no queue", "abusive-user": "from within", "redis-down": "leave --redis out", "fd-leak": ""},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := New(tt.h)
			defer func() { _ = s.Close() }()
			for fault, want := range tt.want {
				got := state(t, s, fault).Unavailable
				if (want == "") != (got == "") || !strings.Contains(got, want) {
					t.Errorf("%s: %q, want %q", fault, got, want)
				}
				var unavailable *UnavailableError
				if want == "" {
					continue
				}
				if err := s.Switch(t.Context(), fault, true); !errors.As(err, &unavailable) || unavailable.Reason != got {
					t.Errorf("%s switched on: %v", fault, err)
				}
				if err := s.Switch(t.Context(), fault, false); err != nil {
					t.Errorf("%s switched off: %v", fault, err)
				}
			}
		})
	}
}

// owner owns the servers listed.
type owner []string

func (o owner) Owns(server string) bool                    { return slices.Contains(o, server) }
func (o owner) Switch(context.Context, string, bool) error { return nil }

// TestList: names are one of a kind, every rule but R1 is there, and the package
// comment lists all of them.
func TestList(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	seen, rules := map[string]bool{}, map[string]bool{"R1": true}
	for _, st := range Known() {
		if seen[st.Name] || st.Rule == "" || st.What == "" || st.Shows == "" || st.On || st.Unavailable != "" {
			t.Errorf("%+v", st)
		}
		seen[st.Name], rules[st.Rule] = true, true
		fields := strings.Fields(line(string(doc), "//\t"+st.Name+" "))
		if len(fields) < 3 || fields[2] != st.Rule || strings.Join(fields[3:], " ") != st.What {
			t.Errorf("the package comment says %q of %s", fields, st.Name)
		}
	}
	for i := 1; i <= 18; i++ {
		if rule := fmt.Sprintf("R%d", i); !rules[rule] {
			t.Errorf("no fault for %s", rule)
		}
	}
	if len(seen) != 22 || !slices.Equal(Names(), slices.Collect(names(Known()))) {
		t.Errorf("%d faults: %q", len(seen), Names())
	}
}

func names(states []State) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, st := range states {
			if !yield(st.Name) {
				return
			}
		}
	}
}

// line is the line of text that begins with prefix.
func line(text, prefix string) string {
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, prefix) {
			return l
		}
	}
	return ""
}
