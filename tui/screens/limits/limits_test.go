package limits

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/screen"
	"apitop/tui/screen/screentest"
)

func TestGolden(t *testing.T) {
	none := screen.Redis{}
	t.Run("empty", func(t *testing.T) { screentest.GoldenSizes(t, New(none), screentest.Empty()) })
	t.Run("throttled", func(t *testing.T) { screentest.GoldenSizes(t, New(none), screentest.Throttled()) })
	t.Run("calm", func(t *testing.T) { screentest.GoldenSizes(t, New(none), screentest.Calm()) })
	t.Run("stale", func(t *testing.T) { screentest.GoldenSizes(t, New(none), screentest.Stale()) })
	t.Run("unconfigured", func(t *testing.T) { screentest.GoldenSizes(t, New(none), screentest.Unconfigured()) })
	t.Run("nobody", func(t *testing.T) { screentest.GoldenSizes(t, New(none), nobody()) })
	t.Run("mistakes", func(t *testing.T) {
		screentest.GoldenSizes(t, press(New(none), screentest.Throttled(), "v"), screentest.Throttled())
	})
	screentest.NoOrphans(t, "TestGolden", "TestPage", "TestWriteDialog")
}

// nobody is a server without a limiter.
func nobody() *analysis.Report {
	r := *screentest.Calm()
	r.Limits = &analysis.Limits{Coverage: analysis.Value{V: 0.12, OK: true}}
	return &r
}

func TestFitsEverywhere(t *testing.T) {
	reports := []*analysis.Report{screentest.Empty(), screentest.Stale(), screentest.Hostile(), screentest.Throttled(), screentest.ThrottledHostile(), nobody()}
	m := New(server(nil).redis())
	screentest.FitsEverywhere(t, m, reports...)
	screentest.FitsEverywhere(t, press(m, screentest.Throttled(), "v"), reports...)
	screentest.FitsEverywhere(t, press(m, screentest.Throttled(), "enter"), reports...)
	screentest.FitsEverywhere(t, press(m, screentest.Throttled(), "D"), screentest.Throttled())
	screentest.FitsEverywhere(t, press(m, screentest.Throttled(), "/", "x"), screentest.Throttled())
}

// fake is a server: what is asked of it, and what was sent to it.
type fake struct {
	err   error
	asked []string
	sent  []string
}

func server(err error) *fake { return &fake{err: err} }

func (s *fake) write(command string) screen.Write {
	return screen.Write{
		What: "It counts as if it had sent nothing.", Commands: []string{command}, Server: "127.0.0.1:6379", Log: "/home/u/.local/state/apitop/apitop.log",
		Run: func(context.Context) error { s.sent = append(s.sent, command); return s.err },
	}
}

func (s *fake) redis() screen.Redis {
	return screen.Redis{
		Slots: func(_ context.Context, key string) (screen.Slots, error) {
			s.asked = append(s.asked, key)
			return slots(10, 60), s.err
		},
		Inspect: func(_ context.Context, key string) (screen.KeyDetail, error) {
			return screen.KeyDetail{Found: true, TTLSeconds: analysis.Value{V: 3120, OK: true}}, s.err
		},
		Delete: func(key string) screen.Write { return s.write("UNLINK " + key) },
		SetTTL: func(key string, ttl time.Duration) screen.Write {
			return s.write("PEXPIRE " + key + " " + ttl.String())
		},
		Unblock: func(_, key string) screen.Write { return s.write("UNLINK " + key) },
	}
}

// slots are n requests, the newest now, each so many seconds before the next.
func slots(n int, every float64) screen.Slots {
	s := screen.Slots{Exact: true, Total: n}
	for i := range n {
		s.Ages = append(s.Ages, float64(i)*every)
	}
	return s
}

// press presses keys and runs what comes of them, but not what waits.
func press(m Model, r *analysis.Report, keys ...string) Model {
	for _, k := range keys {
		m, _ = pressOne(m, r, k)
	}
	return m
}

func pressOne(m Model, r *analysis.Report, k string) (Model, tea.Msg) {
	msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
	if special, ok := map[string]tea.KeyType{"enter": tea.KeyEnter, "esc": tea.KeyEsc, "right": tea.KeyRight, "down": tea.KeyDown}[k]; ok {
		msg = tea.KeyMsg{Type: special}
	}
	s, cmd := m.Update(msg, r)
	if cmd == nil {
		return s.(Model), nil
	}
	out := cmd()
	if reply, ok := out.(screen.Reply); ok {
		s, _ = s.Update(reply.Msg, r)
	}
	return s.(Model), out
}

// who is the order of the rows after the keys were pressed.
func who(keys ...string) []string {
	r := screentest.Throttled()
	m := press(New(screen.Redis{}), r, keys...)
	var list []string
	for _, s := range m.rows(r) {
		list = append(list, s.Subject.String()+" "+s.Endpoint.String())
	}
	return list
}

func TestSort(t *testing.T) {
	if list := who(); list[0] != "guest-17 /auth/login" {
		t.Errorf("the blocked one is not first: %q", list)
	}
	if list := who("s"); list[0] != "user:1 default" {
		t.Errorf("by what is left: %q", list)
	}
	if list := who("S", "S", "S"); list[0] != "10.9.8.7 /products" && list[0] != "198.51.100.23 " {
		t.Errorf("by subject: %q", list)
	}
	if list := who("r"); list[len(list)-1] != "guest-17 /auth/login" {
		t.Errorf("reversed: %q", list)
	}
}

func TestFilter(t *testing.T) {
	if list := who("/", "guest", "enter"); len(list) != 2 {
		t.Errorf("guests: %q", list)
	}
	if list := who("/", "blocked", "enter"); !slices.Equal(list, []string{"guest-17 /auth/login"}) {
		t.Errorf("by state: %q", list)
	}
	r := screentest.Throttled()
	s, _ := New(screen.Redis{}).Update(screen.Navigate{To: '5', Filter: "/orders"}, r)
	if m := s.(Model); len(m.rows(r)) != 1 || m.open {
		t.Errorf("coming from a route: %d rows, open %v", len(m.rows(r)), m.open)
	}
	back, ok := s.(Model).Back()
	if !ok || len(back.(Model).rows(r)) < 5 {
		t.Error("Esc does not clear the filter")
	}
}

// TestPage: the page asks the server for the key, keeps to its subject, and Esc
// leads back.
func TestPage(t *testing.T) {
	r, srv := screentest.Throttled(), server(nil)
	m := press(New(srv.redis()), r, "enter")
	for _, size := range screentest.Sizes {
		screentest.Golden(t, fmt.Sprintf("%dx%d", size[0], size[1]), screentest.Drawing(m, r, size[0], size[1]))
	}
	if len(srv.asked) != 1 {
		t.Errorf("asked %q", srv.asked)
	}
	if rows := m.rows(r); len(rows) != 2 || rows[0].Subject != rows[1].Subject {
		t.Errorf("%d limits on the page", len(rows))
	}
	m = press(m, r, "down")
	if s := m.selected(m.rows(r)); s.Endpoint.String() != "default" || len(srv.asked) != 2 && s.Key.Raw() != "" {
		t.Errorf("on %s, asked %q", s.Endpoint, srv.asked)
	}
	m = press(m, r, "down")
	if s := m.selected(m.rows(r)); s.Endpoint.String() != "default" {
		t.Errorf("the cursor left the page's subject: %s", s.Subject)
	}
	gone := *r
	gone.Limits = &analysis.Limits{}
	if text := screentest.Drawing(m, &gone, 80, 24).String(); !strings.Contains(text, "no key of this subject") {
		t.Errorf("the subject is gone:\n%s", text)
	}
	back, ok := m.Back()
	if !ok || back.(Model).open {
		t.Error("Esc does not lead back to the list")
	}
}

// TestPageWithoutAnswer: what the server does not tell leaves the rest.
func TestPageWithoutAnswer(t *testing.T) {
	r := screentest.Throttled()
	for name, tt := range map[string]struct {
		redis screen.Redis
		want  string
	}{
		"no server": {screen.Redis{}, "no live server"},
		"it failed": {server(errors.New("connection refused")).redis(), "connection refused"},
		"a counter": {screen.Redis{Slots: func(context.Context, string) (screen.Slots, error) {
			return screen.Slots{}, nil
		}}, "keeps no times"},
	} {
		t.Run(name, func(t *testing.T) {
			m := press(New(tt.redis), r, "enter")
			if text := screentest.Drawing(m, r, 120, 40).String(); !strings.Contains(text, tt.want) {
				t.Errorf("%q is missing in\n%s", tt.want, text)
			}
		})
	}
}

// TestLookStops: an answer to what was asked before counts no more, and nothing is
// asked while the screen is out of view.
func TestLookStops(t *testing.T) {
	r, srv := screentest.Throttled(), server(nil)
	m := press(New(srv.redis()), r, "enter")
	old := lookTick{m.look.turn}
	s, _ := m.Show(false)
	if _, cmd := s.Update(old, r); cmd != nil {
		t.Error("it asks on although nobody looks")
	}
	if _, cmd := s.(Model).Show(true); cmd == nil {
		t.Error("it does not ask again when it comes into view")
	}
	s, _ = s.Update(lookMsg{turn: old.turn, err: errors.New("late")}, r)
	if s.(Model).look.err != nil {
		t.Error("a late answer was taken")
	}
	if back, _ := m.Back(); back.(Model).look.turn == m.look.turn {
		t.Error("it asks on although the page is closed")
	}
}

func TestSlotsMath(t *testing.T) {
	subject := func(window, used float64) *analysis.Subject {
		known := func(v float64) analysis.Value { return analysis.Value{V: v, OK: true} }
		return &analysis.Subject{Limit: known(5), WindowSeconds: known(window), Used: known(used)}
	}
	read := func(total int, ages ...float64) screen.Slots {
		return screen.Slots{Exact: true, Total: total, Ages: ages}
	}
	tests := map[string]struct {
		slots        screen.Slots
		subject      *analysis.Subject
		total, frees int
	}{
		"at the limit, the oldest":          {slots(5, 60), subject(3600, 5), 5, 4},
		"above it, a younger one":           {slots(8, 60), subject(3600, 8), 8, 4},
		"below it, the oldest":              {slots(3, 60), subject(3600, 3), 3, 2},
		"none":                              {slots(0, 60), subject(3600, 0), 0, -1},
		"some have left the window":         {slots(60, 60), subject(120, 60), 2, 1},
		"cut, the limit is beyond":          {read(900, 1, 2), subject(3600, 4), 4, -1},
		"cut, the limit is within":          {read(900, 1, 2, 3, 4, 5, 6), subject(3600, 800), 800, 4},
		"the one has left in the meantime":  {read(1, 61), subject(60, 1), 0, -1},
		"a clock ahead of the server's own": {read(1, -1), subject(60, 1), 1, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := windowOf(&tt.slots, tt.subject)
			if got := v.freeing(); got != tt.frees || v.total != tt.total {
				t.Errorf("%d in the window, the %d-th frees the next place; want %d, %d", v.total, got, tt.total, tt.frees)
			}
		})
	}
	s := slots(60, 60)
	for _, w := range []int{1, 7, 60, 80} {
		n := 0
		for _, c := range windowOf(&s, subject(3600, 60)).spread(w) {
			n += c
		}
		if n != 60 {
			t.Errorf("%d columns hold %d of 60 requests", w, n)
		}
	}
	if v := windowOf(&s, &analysis.Subject{}); v.window != 0 {
		t.Error("a window of unknown length is drawn")
	}
}

// TestPivot: t goes to the route of the endpoint, or says that there is none.
func TestPivot(t *testing.T) {
	r := screentest.Throttled()
	m := New(screen.Redis{})
	_, msg := pressOne(m, r, "t")
	to, ok := msg.(screen.Navigate)
	if !ok || to.To != '2' || to.Select.Route.String() != "/auth/login" || to.Select.Method.String() != "POST" {
		t.Errorf("goes to %+v", msg)
	}
	m = press(m, r, "/", "user:1", "enter")
	if _, msg := pressOne(m, r, "t"); msg == nil || !strings.Contains(fmt.Sprint(msg), "no route") {
		t.Errorf("says %v", msg)
	}
}

func TestCopy(t *testing.T) {
	r := screentest.Throttled()
	m := New(screen.Redis{})
	if _, msg := pressOne(m, r, "y"); msg != (screen.CopyRequest{Text: "guest-17"}) {
		t.Errorf("on the list: %v", msg)
	}
	if _, msg := pressOne(press(m, r, "enter"), r, "y"); msg != (screen.CopyRequest{Text: "rate_limit:guest-17:/auth/login"}) {
		t.Errorf("on the page: %v", msg)
	}
}

// TestWriteDialog: unblocking asks first, shows what is sent, and sends just that.
func TestWriteDialog(t *testing.T) {
	r, srv := screentest.Throttled(), server(nil)
	m := press(New(srv.redis()), r, "U")
	screentest.Golden(t, "80x24", screentest.Drawing(m, r, 80, 24))
	if !m.Catches() {
		t.Fatal("no dialog")
	}
	press(m, r, "enter")
	press(m, r, "esc")
	if len(srv.sent) != 0 {
		t.Fatalf("sent %q", srv.sent)
	}
	press(m, r, "right", "enter")
	if !slices.Equal(srv.sent, []string{"UNLINK rate_limit:guest-17:/auth/login"}) {
		t.Errorf("sent %q", srv.sent)
	}
}
