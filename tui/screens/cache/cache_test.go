package cache

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/collectors/safe"
	"apitop/tui/screen"
	"apitop/tui/screen/screentest"
)

// keyMsg is the press of a key by its name.
func keyMsg(k string) tea.KeyMsg {
	switch k {
	case "enter":
		return tea.KeyMsg{Type: tea.KeyEnter}
	case "esc":
		return tea.KeyMsg{Type: tea.KeyEsc}
	default:
		return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
	}
}

// press gives the screen keys, and the answers to what they ask for, and returns
// the last message that is not for the screen itself.
func press(s screen.Screen, r *analysis.Report, keys ...string) (screen.Screen, tea.Msg) {
	var out tea.Msg
	for _, k := range keys {
		var cmd tea.Cmd
		s, cmd = s.Update(keyMsg(k), r)
		for cmd != nil {
			msg := cmd()
			cmd = nil
			if reply, ours := msg.(screen.Reply); ours {
				s, cmd = s.Update(reply.Msg, r)
			} else {
				out = msg
			}
		}
	}
	return s, out
}

// lamp is the detail of a key.
func lamp(_ context.Context, key string) (screen.KeyDetail, error) {
	d := screen.KeyDetail{
		Key: safe.New(key), Found: true, Type: "string", Encoding: "raw", TTLSeconds: analysis.Value{V: 252, OK: true},
		Bytes: analysis.Value{V: 412, OK: true}, Length: analysis.Value{V: 380, OK: true}, Format: "JSON", Cut: true,
	}
	for _, l := range []string{"{", `  "id": 1,`, `  "name": "Lamp",`, `  "price_cents": 1250`} {
		d.Preview = append(d.Preview, safe.New(l))
	}
	return d, nil
}

func TestGolden(t *testing.T) {
	r := screentest.Cache()
	for name, keys := range map[string][]string{
		"keys": nil, "prefixes": {"v"}, "commands": {"v", "v"}, "big": {"v", "v", "v"}, "missed": {"V", "V", "V"},
		"spread": {"V", "V"}, "burst": {"V"}, "filtered": {"/", "s", "e", "s", "s"}, "nothing": {"/", "#"},
		"page": {"enter"}, "big page": {"v", "v", "v", "enter"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := press(New(screen.Redis{Inspect: lamp}), r, keys...)
			screentest.GoldenSizes(t, s, r)
			screentest.FitsEverywhere(t, s, r, screentest.CacheHostile(), screentest.Empty(), screentest.Hostile())
		})
	}
	t.Run("stale", func(t *testing.T) { screentest.GoldenSizes(t, New(screen.Redis{}), screentest.CacheStale()) })
	t.Run("empty", func(t *testing.T) { screentest.GoldenSizes(t, New(screen.Redis{}), screentest.Empty()) })
	t.Run("unconfigured", func(t *testing.T) { screentest.GoldenSizes(t, New(screen.Redis{}), screentest.Unconfigured()) })
	t.Run("cluster", func(t *testing.T) { screentest.GoldenSizes(t, New(screen.Redis{}), screentest.CacheCluster()) })
	t.Run("nodes", func(t *testing.T) {
		s, _ := press(New(screen.Redis{}), screentest.CacheCluster(), "V")
		screentest.GoldenSizes(t, s, screentest.CacheCluster())
	})
	screentest.NoOrphans(t, "TestGolden")
}

// TestEveryViewSaysWhy: what a report has nothing of is never blank.
func TestEveryViewSaysWhy(t *testing.T) {
	bare := *screentest.Calm()
	c := analysis.Cache{Server: safe.New("redis")}
	bare.Cache = &c
	for v, want := range map[view]string{
		hotKeys: "still being looked for", prefixes: "no prefix", commands: "does not say", biggest: "still being", missed: "nobody tells",
		spread: "no key was sampled", burst: "--allow-monitor",
	} {
		m := New(screen.Redis{})
		m.view = v
		if text := screentest.Drawing(m, &bare, 80, 24).String(); !strings.Contains(text, want) {
			t.Errorf("%s does not say %q:\n%s", v.title(), want, text)
		}
	}
}

func TestViewsGoRound(t *testing.T) {
	for name, r := range map[string]*analysis.Report{"one server": screentest.Cache(), "a cluster": screentest.CacheCluster()} {
		n := len(shown(r))
		s, _ := press(New(screen.Redis{}), r, strings.Split(strings.Repeat("v", n), "")...)
		if got := s.(Model).view; got != hotKeys {
			t.Errorf("%s: %d views do not lead back to the first but to %s", name, n, got.title())
		}
	}
	if len(shown(screentest.Cache())) != int(views)-1 {
		t.Error("a single server has nodes, or lacks another view")
	}
}

// TestSelectionStaysOnItsKey: sorting anew keeps the cursor on the same key.
func TestSelectionStaysOnItsKey(t *testing.T) {
	r := screentest.Cache()
	s, _ := press(New(screen.Redis{}), r, "j", "j", "j")
	want := s.(Model).selected(r)
	s, _ = press(s, r, "s", "s", "r")
	if got := s.(Model).selected(r); got != want {
		t.Errorf("the cursor moved from %v to %v", want, got)
	}
}

func TestCopy(t *testing.T) {
	r := screentest.CacheHostile()
	s, msg := press(New(screen.Redis{}), r, "y")
	want := screen.CopyRequest{Text: r.Cache.HotKeys[0].Key.Raw()}
	if msg != want {
		t.Errorf("copies %q", msg)
	}
	if _, msg = press(s, r, "enter", "y"); msg != want {
		t.Errorf("the page copies %q", msg)
	}
	if _, msg = press(New(screen.Redis{}), screentest.Empty(), "y"); msg != nil {
		t.Errorf("copies %q of nothing", msg)
	}
}

func TestBurst(t *testing.T) {
	asked := 0
	s, msg := press(New(screen.Redis{Burst: func() { asked++ }}), screentest.Cache(), "b")
	if m := s.(Model); asked != 1 || m.view != burst || msg == nil {
		t.Errorf("asked %d times, on %s, said %v", asked, m.view.title(), msg)
	}
	if s, msg = press(New(screen.Redis{}), screentest.Cache(), "b"); s.(Model).view != hotKeys || !strings.Contains(msg.(screen.Toast).Text, "--allow-monitor") {
		t.Errorf("not allowed: on %s, says %v", s.(Model).view.title(), msg)
	}
}

func TestPrefixLeadsToItsKeys(t *testing.T) {
	r := screentest.Cache()
	s, _ := press(New(screen.Redis{}), r, "v", "j", "j", "enter")
	m := s.(Model)
	shown, all := listOf(m.view).count(m.rowsOf(r))
	if m.view != hotKeys || shown == 0 || shown == all || !strings.HasPrefix(m.selected(r).raw, "session:") {
		t.Errorf("on %s, %d of %d keys, %v", m.view.title(), shown, all, m.selected(r))
	}
	back, had := m.Back()
	if shown, all := listOf(hotKeys).count(back.(Model).rowsOf(r)); !had || shown != all {
		t.Error("Esc does not clear the filter")
	}
}

func TestPage(t *testing.T) {
	r := screentest.Cache()
	tests := map[string]struct {
		inspect func(context.Context, string) (screen.KeyDetail, error)
		want    []string
	}{
		"found":     {lamp, []string{"encoding raw", `"name": "Lamp"`, "looked at 0.0s ago", "JSON · the first bytes of 380B"}},
		"recording": {nil, []string{"no live server", "reads/s 120"}},
		"gone": {func(context.Context, string) (screen.KeyDetail, error) {
			return screen.KeyDetail{}, nil
		}, []string{"there was no such key"}},
		"failed": {func(context.Context, string) (screen.KeyDetail, error) {
			return screen.KeyDetail{}, errors.New("redis: connection refused")
		}, []string{"connection refused", "reads/s 120"}},
		"partly": {func(ctx context.Context, key string) (screen.KeyDetail, error) {
			d, err := lamp(ctx, key)
			d.Missing = []string{"size: MEMORY USAGE is not permitted"}
			return d, err
		}, []string{"MEMORY USAGE is not permitted", `"name": "Lamp"`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, _ := press(New(screen.Redis{Inspect: tt.inspect}), r, "enter")
			text := screentest.Drawing(s, r, 80, 24).String()
			for _, w := range tt.want {
				if !strings.Contains(text, w) {
					t.Errorf("%q is missing in:\n%s", w, text)
				}
			}
		})
	}
}

// TestPageAsksOnce: an answer to another page is dropped, a second question
// waits for the first, and there is a time limit.
func TestPageAsksOnce(t *testing.T) {
	r := screentest.Cache()
	calls := 0
	inspect := func(ctx context.Context, key string) (screen.KeyDetail, error) {
		calls++
		if until, ok := ctx.Deadline(); !ok || time.Until(until) > inspectTimeout {
			t.Error("no time limit")
		}
		return lamp(ctx, key)
	}
	var s screen.Screen = New(screen.Redis{Inspect: inspect})
	s, first := s.Update(keyMsg("enter"), r)
	s, second := s.Update(keyMsg("R"), r)
	if second != nil {
		t.Error("asks again before the answer")
	}
	s, _ = s.(Model).Back()
	s, _ = press(s, r, "j")
	s, third := s.Update(keyMsg("enter"), r)
	s, _ = s.Update(first().(screen.Reply).Msg, r)
	if m := s.(Model); m.page.detail != nil || !m.page.asking {
		t.Error("took the answer for another key")
	}
	s, _ = s.Update(third().(screen.Reply).Msg, r)
	if m := s.(Model); m.page.detail == nil || m.page.detail.Key.Raw() != m.page.key.raw || m.page.asking {
		t.Error("did not take its own answer")
	}
	if s, _ = press(s, r, "R"); calls != 3 {
		t.Errorf("asked %d times, want 3", calls)
	}
	back, had := s.(Model).Back()
	if m := back.(Model); !had || m.page != nil {
		t.Error("Esc does not lead back to the list")
	}
	if _, had := back.(Model).Back(); had {
		t.Error("there is nothing behind the list")
	}
}

// TestPivots: a key leads to the route of the same name, and another screen may
// ask for a key.
func TestPivots(t *testing.T) {
	r := screentest.Cache()
	_, msg := press(New(screen.Redis{}), r, "enter", "enter")
	want := screen.Navigate{To: '2', Select: screen.RouteID{Method: safe.New("GET"), Route: safe.New("/products/{id}")}}
	if msg != want {
		t.Errorf("goes to %+v, want %+v", msg, want)
	}
	if _, msg = press(New(screen.Redis{}), r, "enter", "j", "t"); msg == want || msg == nil {
		t.Errorf("the second route is %+v", msg)
	}
	if s, msg := press(New(screen.Redis{}), r, "/", "s", "e", "s", "s", "enter", "enter", "enter"); msg != nil {
		t.Errorf("a key without a route leads to %+v from %v", msg, s.(Model).page.key)
	}
	s, cmd := New(screen.Redis{Inspect: lamp}).Update(screen.Navigate{To: '4', Key: safe.New("product:8")}, r)
	if m := s.(Model); m.page == nil || m.page.key.raw != "product:8" || cmd == nil {
		t.Errorf("page %+v", m.page)
	}
	if back, had := s.(Model).Back(); had || back.(Model).page != nil {
		t.Error("Esc stays here, though another screen asked for the page")
	}
	s, _ = New(screen.Redis{}).Update(screen.Navigate{To: '4', Filter: "session:"}, r)
	if m := s.(Model); m.page != nil || !m.filter.Active() || m.view != hotKeys {
		t.Error("a filter does not lead to the filtered keys")
	}
}

func TestMerge(t *testing.T) {
	var list []analysis.Count
	for i := range 13 {
		list = append(list, analysis.Count{UpTo: analysis.Value{V: float64(i), OK: true}, N: 1})
	}
	for h := range 15 {
		got := merge(list, h)
		sum := 0.0
		for _, b := range got {
			sum += b.N
		}
		if len(got) > h || h > 0 && (sum != 13 || got[len(got)-1].UpTo.V != 12) {
			t.Errorf("in %d rows: %s", h, fmt.Sprint(got))
		}
	}
}
