package loadview

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"
	"go.uber.org/goleak"

	"apitop/collectors/analysis"
	"apitop/tui/canvas"
	"apitop/tui/painter"
	"apitop/tui/screen/screentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ painter.Model = (*Model)(nil)

func known(v float64) analysis.Value { return analysis.Value{V: v, OK: true} }

// started is when the scripted tests began.
func started() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// busy is a test of the shop after 45 of 60 seconds, with a stall of the server
// at second 20.
func busy() View {
	v := View{
		At: started().Add(45 * time.Second), Target: "127.0.0.1:8000  scenario demo  constant", Phase: "measuring",
		Elapsed: 45 * time.Second, Planned: time.Minute, IntendedRPS: known(500), SentRPS: known(499.6), InFlight: 7, Lag: known(0.0021),
		Outcomes: []Outcome{
			{Label: "ok", Count: 21480, Share: known(0.955)},
			{Label: "errors", Count: 12, Share: known(0.0005), Bad: true},
			{Label: "429", Count: 801, Share: known(0.036), Bad: true},
			{Label: "4xx", Share: known(0)},
			{Label: "late", Count: 207, Share: known(0.0092), Bad: true},
			{Label: "dropped", Share: known(0)},
		},
		Objectives: []Objective{
			{Text: "p95<200ms", Value: "12.3ms", Standing: Kept},
			{Text: "errors<0.01%", Value: "0.05%", Standing: Broken},
			{Text: "/orders.p99<400ms", Value: "412 of 1000 requests", Standing: Open},
		},
	}
	for i := range 45 {
		s := Second{
			At: started().Add(time.Duration(i+1) * time.Second), P50: known(0.002 + 0.0005*math.Sin(float64(i))),
			P95: known(0.009), P99: known(0.02), ServiceP95: known(0.008),
		}
		if i == 20 || i == 21 {
			s.P50, s.P95, s.P99, s.ServiceP95 = known(0.09), known(0.19), known(0.2), known(0.011)
		}
		if i == 33 {
			s = Second{At: s.At}
		}
		v.Recent = append(v.Recent, s)
	}
	for i, r := range []string{
		"GET /products/{id}", "GET /products", "POST /products/search", "GET /categories", "GET /users/me", "GET /health",
		"POST /orders", "GET /orders/{id}", "POST /auth/login",
	} {
		method, route, _ := strings.Cut(r, " ")
		row := Route{
			Method: method, Route: route, Requests: uint64(9000 / (i + 1)), P50: known(0.002), P95: known(0.0094),
			ServiceP95: known(0.008), Errors: known(0), ClientErrors: known(0), Throttled: known(0.036),
		}
		if i > 6 {
			row.P95, row.ServiceP95, row.Throttled, row.Errors = analysis.Value{}, analysis.Value{}, known(0.9), known(0.012)
		}
		v.Routes = append(v.Routes, row)
	}
	return v
}

// limited is a test whose figures are in doubt, of one URL, without objectives.
func limited() View {
	v := busy()
	v.Objectives, v.Routes, v.Planned = nil, v.Routes[:1], 0
	v.Warning = "this machine is the limit: lag p95 31ms"
	return v
}

// young is a test that has only just begun.
func young() View {
	return View{At: started(), Target: "127.0.0.1:8000", Phase: "warm-up", Planned: time.Minute, IntendedRPS: known(500)}
}

func showing(v View) *Model {
	m := New(Options{SetRate: func(float64) {}})
	m.Update(viewMsg{v, true})
	return m
}

func draw(m *Model, w, h int) *canvas.Canvas {
	c := canvas.New(w, h)
	m.Draw(c.Area())
	return c
}

func TestGolden(t *testing.T) {
	for name, v := range map[string]View{"busy": busy(), "limited": limited(), "young": young()} {
		t.Run(name, func(t *testing.T) {
			for _, size := range screentest.Sizes {
				screentest.Golden(t, fmt.Sprintf("%dx%d", size[0], size[1]), draw(showing(v), size[0], size[1]))
			}
		})
	}
	screentest.NoOrphans(t, "TestGolden")
}

// TestFitsEverywhere: no size may make it panic or leave its frame.
func TestFitsEverywhere(t *testing.T) {
	views := map[string]View{"busy": busy(), "limited": limited(), "young": young(), "nothing": {}}
	for name, v := range views {
		for _, w := range []int{0, 1, 5, 13, 20, 33, 59, 79, 80, 109, 110, 120, 250} {
			for _, h := range []int{0, 1, 2, 3, 4, 5, 6, 7, 10, 14, 20, 24, 40, 80} {
				text := draw(showing(v), w, h).String()
				if !utf8.ValidString(text) {
					t.Errorf("%s %dx%d: invalid UTF-8", name, w, h)
				}
				for line := range strings.Lines(text) {
					if n := canvas.Width(strings.TrimSuffix(line, "\n")); n > w {
						t.Errorf("%s %dx%d: a line of %d cells", name, w, h, n)
					}
				}
			}
		}
	}
}

// TestSmallestShowsEverything: at 60x15 each part has its place.
func TestSmallestShowsEverything(t *testing.T) {
	text := draw(showing(busy()), 60, 15).String()
	for _, part := range []string{"15s left", "intended 500/s", "ok 21.5k", "✓ p95<200ms", "✗ errors<0.01%", "12:00:45", "/products/{id}", "q stop"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}

func press(m *Model, keys ...string) (quit bool) {
	for _, k := range keys {
		msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
		if k == "ctrl+c" {
			msg = tea.KeyMsg{Type: tea.KeyCtrlC}
		}
		if cmd := m.Update(msg); cmd != nil {
			_, isQuit := cmd().(tea.QuitMsg)
			quit = quit || isQuit
		}
	}
	return quit
}

// TestRateKeys: presses add up even between two views, and stay within bounds.
func TestRateKeys(t *testing.T) {
	tests := map[string]struct {
		view View
		keys []string
		want []float64
	}{
		"faster twice":     {View{IntendedRPS: known(100)}, []string{"+", "="}, []float64{110, 121}},
		"back again":       {View{IntendedRPS: known(100)}, []string{"+", "-"}, []float64{110, 100}},
		"at the upper end": {View{IntendedRPS: known(99_000)}, []string{"+"}, []float64{100_000}},
		"at the lower end": {View{IntendedRPS: known(0.105)}, []string{"-"}, []float64{0.1}},
		"no rate known":    {View{}, []string{"+", "-"}, nil},
		"between stages":   {View{IntendedRPS: known(0)}, []string{"+"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []float64
			m := New(Options{SetRate: func(rps float64) { got = append(got, rps) }})
			m.Update(viewMsg{tt.view, true})
			press(m, tt.keys...)
			if !slices.EqualFunc(got, tt.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9*b }) {
				t.Errorf("set to %v, want %v", got, tt.want)
			}
		})
	}
}

// TestFixedRate: without a way to change the rate the keys do nothing, and are
// not offered.
func TestFixedRate(t *testing.T) {
	m := New(Options{})
	m.Update(viewMsg{busy(), true})
	press(m, "+", "-") // must not panic
	if text := draw(m, 80, 24).String(); strings.Contains(text, "faster") {
		t.Errorf("a key that does nothing is offered:\n%s", text)
	}
}

func TestEnds(t *testing.T) {
	for _, k := range []string{"q", "ctrl+c"} {
		if !press(showing(busy()), k) {
			t.Errorf("%s does not quit", k)
		}
	}
	views := make(chan View, 1)
	views <- busy()
	close(views)
	m := New(Options{Views: views})
	cmd := m.Update(m.Init()())
	if m.view.InFlight != 7 {
		t.Error("the view in the channel was not taken")
	}
	if _, quit := m.Update(cmd())().(tea.QuitMsg); !quit {
		t.Error("the end of the views does not quit")
	}
}

// TestScroll: the routes scroll, and never out of sight.
func TestScroll(t *testing.T) {
	m := showing(busy())
	press(m, "j", "j", "j")
	if text := draw(m, 80, 24).String(); strings.Contains(text, "GET    /products/{id}") {
		t.Errorf("the first row is still there:\n%s", text)
	}
	press(m, strings.Split(strings.Repeat("j", 50), "")...)
	if text := draw(m, 80, 24).String(); !strings.Contains(text, "/auth/login") {
		t.Errorf("scrolled past the last row:\n%s", text)
	}
	press(m, strings.Split(strings.Repeat("k", 60), "")...)
	if text := draw(m, 80, 24).String(); !strings.Contains(text, "GET    /products/{id}") {
		t.Errorf("the first row did not come back:\n%s", text)
	}
}
