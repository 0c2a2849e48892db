package faults

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/screen"
	"apitop/tui/screen/screentest"
)

// switchboard is an API with faults in memory.
type switchboard struct {
	list   []Switch
	looks  int
	refuse error // of Set
	mute   error // of List
}

func (b *switchboard) switches() Switches {
	return Switches{
		List: func(ctx context.Context) ([]Switch, error) {
			b.looks++
			if _, ok := ctx.Deadline(); !ok {
				return nil, errors.New("a look without an end")
			}
			return b.list, b.mute
		},
		Set: func(ctx context.Context, name string, on bool) error {
			if _, ok := ctx.Deadline(); !ok {
				return errors.New("a switch without an end")
			}
			for i := range b.list {
				if b.refuse == nil && b.list[i].Name == name {
					b.list[i].On = on
				}
			}
			return b.refuse
		},
	}
}

var since = time.Date(2026, 11, 24, 12, 3, 10, 0, time.UTC)

// board has some faults of each kind.
func board() *switchboard {
	const noRedis = "the demo runs on a simulated Redis; install redis-server and start it again"
	return &switchboard{list: []Switch{
		{Name: "n-plus-one", Rule: "R3", What: "product lists ask the database for each product by itself, uncached", Shows: "db_queries_per_request of GET /products; calls of the statement by id", On: true, Since: since},
		{Name: "slow-query", Rule: "R5", What: "every search takes 300 ms longer in the database", Shows: "mean time of the search statement; p95 of POST /products/search"},
		{Name: "lock-table", Rule: "R7", What: "products is locked for 8 s of every 10 s", Shows: "statements that wait for a lock"},
		{Name: "eviction", Rule: "R9", What: "Redis is full and evicts keys", Unavailable: noRedis},
		{Name: "slow-redis", Rule: "R18", What: "scripts keep Redis busy for 25 ms, again and again", Unavailable: noRedis},
		{Name: "error-burst", Rule: "R12", What: "30 % of GET /products/{id} fail with 500", Shows: "errors by route", On: true},
	}}
}

// shown is the screen after its first reading.
func shown(b *switchboard) Model {
	s, cmd := New(b.switches()).Show(true)
	return run(s.(Model), cmd)
}

// run gives the message of a command back, as the root does, but does not wait
// for what is due later.
func run(m Model, cmd tea.Cmd) Model {
	if cmd == nil {
		return m
	}
	s, _ := m.Update(cmd().(screen.Reply).Msg, nothing())
	return s.(Model)
}

func nothing() *analysis.Report { return &analysis.Report{} }

func press(m Model, keys ...string) (Model, tea.Cmd) {
	var cmd tea.Cmd
	for _, k := range keys {
		msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
		if k == "enter" {
			msg = tea.KeyMsg{Type: tea.KeyEnter}
		}
		var s screen.Screen
		s, cmd = m.Update(msg, nothing())
		m = s.(Model)
	}
	return m, cmd
}

func TestGolden(t *testing.T) {
	broken := board()
	broken.mute = errors.New("GET /demo/faults: connection refused")
	stale := board()
	models := map[string]Model{
		"waiting": New(board().switches()),
		"list":    shown(board()),
		"broken":  shown(broken),
		"none":    shown(&switchboard{list: []Switch{}}),
	}
	models["unavailable"], _ = press(shown(board()), "j", "j", "j")
	m := shown(stale)
	stale.mute = broken.mute
	models["stale"] = run(m, m.look())
	models["switching"], _ = press(shown(board()), "j", "enter")
	refusing := board()
	refusing.refuse = errors.New("slow-query: the database does not answer; look at its log")
	failed, cmd := press(shown(refusing), "j", "enter")
	models["failed"] = run(failed, cmd)
	for name, m := range models {
		r := nothing()
		if name == "stale" {
			r.At = r.At.Add(5 * time.Second)
		}
		t.Run(name, func(t *testing.T) { screentest.GoldenSizes(t, m, r) })
	}
	screentest.NoOrphans(t, "TestGolden")
}

func TestFitsEverywhere(t *testing.T) {
	b := board()
	b.list = append(b.list, Switch{Name: "a\x1b[31mb\u202e" + strings.Repeat("x", 300), What: "y\r\n\tz", Unavailable: strings.Repeat("long ", 200)})
	m, _ := press(shown(b), "G")
	screentest.FitsEverywhere(t, m, nothing())
	screentest.FitsEverywhere(t, New(b.switches()), nothing())
}

func TestToggle(t *testing.T) {
	tests := map[string]struct {
		keys []string
		name string
		on   bool // afterwards
	}{
		"on":  {[]string{"j", "enter"}, "slow-query", true},
		"off": {[]string{"enter"}, "n-plus-one", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := board()
			m, cmd := press(shown(b), tt.keys...)
			if !m.pending[tt.name] {
				t.Error("not shown as being switched")
			}
			if _, again := press(m, "enter"); again != nil {
				t.Error("switches twice at once")
			}
			s, look := m.Update(cmd().(screen.Reply).Msg, nothing())
			m = run(s.(Model), look)
			for i, s := range m.list {
				if s.Name == tt.name && s.On != tt.on {
					t.Errorf("%s: on = %v", m.list[i].Name, s.On)
				}
			}
			if len(m.pending)+len(m.trouble) > 0 {
				t.Errorf("left: %v %v", m.pending, m.trouble)
			}
		})
	}
}

func TestUnavailableIsNotSwitchedOn(t *testing.T) {
	b := board()
	if _, cmd := press(shown(b), "j", "j", "j", "enter"); cmd != nil {
		t.Error("tries all the same")
	}
	b.list[3].On = true // its server went away since
	if _, cmd := press(shown(b), "j", "j", "j", "enter"); cmd == nil {
		t.Error("cannot be switched off")
	}
}

// TestFailureStays until it is tried again.
func TestFailureStays(t *testing.T) {
	b := board()
	b.refuse = errors.New("not now")
	m, cmd := press(shown(b), "enter")
	m = run(m, cmd)
	m = run(m, m.look())
	if m.trouble["n-plus-one"] != "not now" {
		t.Errorf("trouble %v", m.trouble)
	}
	b.refuse = nil
	m, cmd = press(m, "enter")
	if len(m.trouble) > 0 {
		t.Error("the old failure beside the new try")
	}
	if m = run(m, cmd); len(m.trouble) > 0 {
		t.Errorf("trouble %v", m.trouble)
	}
}

func TestCursorStaysOnItsFault(t *testing.T) {
	b := board()
	m, _ := press(shown(b), "j")
	b.list = b.list[1:]
	m = run(m, m.look())
	if i := m.cursor.Index(m.names()); m.list[i].Name != "slow-query" {
		t.Errorf("on %s", m.list[i].Name)
	}
}

// follow runs the commands of a screen for a while of the bubble's time, and
// leaves those that are due later.
func follow(m Model, cmd tea.Cmd, d time.Duration) Model {
	end := time.Now().Add(d)
	for cmd != nil {
		got := make(chan tea.Msg, 1)
		go func() { got <- cmd() }()
		select {
		case msg := <-got:
			var s screen.Screen
			s, cmd = m.Update(msg.(screen.Reply).Msg, nothing())
			m = s.(Model)
		case <-time.After(time.Until(end)):
			time.Sleep(refreshEvery) // for the one under way to end
			return m
		}
	}
	return m
}

// TestLooksWhileShown: every two seconds, and never otherwise.
func TestLooksWhileShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board()
		s, cmd := New(b.switches()).Show(true)
		m := follow(s.(Model), cmd, 9*time.Second)
		if b.looks != 5 {
			t.Errorf("%d looks in 9 s, want 5", b.looks)
		}
		s, cmd = m.Show(false)
		if cmd != nil {
			t.Error("a command of a screen that nobody sees")
		}
		m = s.(Model)
		if _, cmd := m.Update(tickMsg{m.turn}, nothing()); cmd != nil {
			t.Error("looks unseen")
		}
		old := tickMsg{m.turn}
		s, _ = m.Show(true)
		if _, cmd := s.Update(old, nothing()); cmd != nil {
			t.Error("the look of the last time goes on beside the new one")
		}
		if _, cmd := s.Update(listMsg{turn: old.turn}, nothing()); cmd != nil {
			t.Error("as does its answer")
		}
	})
}

func TestSince(t *testing.T) {
	m := shown(board())
	r := &analysis.Report{At: since.In(time.FixedZone("", 2*3600))}
	if text := screentest.Drawing(m, r, 80, 24).String(); !strings.Contains(text, "on 14:03:10") {
		t.Errorf("not in the report's time zone:\n%s", text)
	}
}
