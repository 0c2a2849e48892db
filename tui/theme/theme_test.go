package theme

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/muesli/termenv"

	"apitop/tui/canvas"
)

var profiles = map[string]termenv.Profile{
	"truecolor": termenv.TrueColor,
	"256":       termenv.ANSI256,
	"16":        termenv.ANSI,
	"none":      termenv.Ascii,
}

// eachTheme runs f for every theme that has sequences at all.
func eachTheme(t *testing.T, f func(t *testing.T, th *Theme, p termenv.Profile)) {
	t.Helper()
	for _, name := range Names() {
		if name == "plain" {
			continue
		}
		for pname, p := range profiles {
			t.Run(name+"/"+pname, func(t *testing.T) {
				th, err := New(name, p)
				if err != nil {
					t.Fatal(err)
				}
				f(t, th, p)
			})
		}
	}
}

func TestLooksFitBesideTheModifiers(t *testing.T) {
	if count > canvas.Faint {
		t.Fatalf("%d looks reach into the modifier bits", count)
	}
}

func TestSGRIsOneResetAndSet(t *testing.T) {
	form := regexp.MustCompile(`^\x1b\[(0(;[0-9]+)+)?m$`)
	eachTheme(t, func(t *testing.T, th *Theme, _ termenv.Profile) {
		for i := range 256 {
			if s := th.SGR(canvas.Style(i)); !form.MatchString(s) {
				t.Errorf("style %d: %q", i, s)
			}
		}
		if s := th.SGR(Plain); s != "\x1b[m" {
			t.Errorf("plain: %q, an erased cell would differ from a plain blank", s)
		}
	})
}

func TestModifiersAreSeen(t *testing.T) {
	eachTheme(t, func(t *testing.T, th *Theme, _ termenv.Profile) {
		for i := range count {
			seen := map[string]string{}
			for name, mod := range map[string]canvas.Style{
				"none": 0, "reverse": canvas.Reverse, "faint": canvas.Faint, "both": canvas.Reverse | canvas.Faint,
			} {
				s := th.SGR(i | mod)
				if other, ok := seen[s]; ok {
					t.Errorf("look %d: %s is the same as %s: %q", i, name, other, s)
				}
				seen[s] = name
			}
		}
	})
}

// TestMeaningsDiffer holds pairs that lead to wrong decisions when they look
// alike; screens add a character to each as well.
func TestMeaningsDiffer(t *testing.T) {
	pairs := map[string][2]canvas.Style{
		"good and warn":       {Good, Warn},
		"good and bad":        {Good, Bad},
		"warn and bad":        {Warn, Bad},
		"bad and critical":    {Bad, Critical},
		"paused and live":     {Paused, Live},
		"paused and critical": {Paused, Critical},
		"plain and dim":       {Plain, Dim},
		"tab and active tab":  {Tab, TabActive},
		"gauge and track":     {Gauge, Track},
		"series 1 and 2":      {Series1, Series2},
		"series 3 and 4":      {Series3, Series4},
		"least and most heat": {Heat0, Heat7},
	}
	eachTheme(t, func(t *testing.T, th *Theme, _ termenv.Profile) {
		for name, p := range pairs {
			if th.SGR(p[0]) == th.SGR(p[1]) {
				t.Errorf("%s are both %q", name, th.SGR(p[0]))
			}
		}
	})
}

func TestNoColourHasNoColour(t *testing.T) {
	colour := regexp.MustCompile(`[;\[]([349][0-7]|10[0-7]|[34]8;)`)
	for _, name := range Names() {
		th, err := New(name, termenv.Ascii)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 256 {
			if s := th.SGR(canvas.Style(i)); colour.MatchString(s) {
				t.Errorf("%s without colours: style %d is %q", name, i, s)
			}
		}
	}
}

// TestDefaultFollowsThePalette: whatever the terminal could show, the default
// theme uses only colours the user can set.
func TestDefaultFollowsThePalette(t *testing.T) {
	own := regexp.MustCompile(`[34]8;`)
	for pname, p := range profiles {
		th, err := New("default", p)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 256 {
			if s := th.SGR(canvas.Style(i)); own.MatchString(s) {
				t.Errorf("%s: style %d is %q", pname, i, s)
			}
		}
	}
}

func TestPlainHasNoSequences(t *testing.T) {
	th, err := New("plain", termenv.TrueColor)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 256 {
		if s := th.SGR(canvas.Style(i)); s != "" {
			t.Errorf("style %d: %q", i, s)
		}
	}
}

func TestUnknownTheme(t *testing.T) {
	_, err := New("solar", termenv.ANSI)
	if err == nil || !strings.Contains(err.Error(), "colourblind") {
		t.Errorf("error %v does not name the themes there are", err)
	}
	th, err := New("", termenv.ANSI)
	if err != nil || th.Name() != "default" {
		t.Errorf("no name gives %v, %v", th, err)
	}
}

// TestContrast holds the ratio of the Web Content Accessibility Guidelines 2.1,
// 4.5 to 1 for text, against the backgrounds the themes are made for.
func TestContrast(t *testing.T) {
	text := map[string]canvas.Style{
		"dim": Dim, "title": Title, "label": Label, "key": Key, "accent": Accent, "good": Good, "warn": Warn, "bad": Bad,
		"critical": Critical, "paused": Paused, "live": Live, "active tab": TabActive,
	}
	for name, tt := range map[string]struct {
		table   *[count]look
		grounds []string
	}{
		"dark":        {dark(), []string{"#000000", "#1e1e1e"}},
		"colourblind": {colourblind(), []string{"#000000", "#1e1e1e"}},
		"light":       {light(), []string{"#ffffff"}},
	} {
		for what, st := range text {
			l := tt.table[st]
			for _, ground := range tt.grounds {
				if l.bg != "" {
					ground = l.bg
				}
				if c := contrast(t, l.fg, ground); c < 4.5 {
					t.Errorf("%s: %s %s on %s has a contrast of %.2f", name, what, l.fg, ground, c)
				}
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatalf("colour %q: %v", hex, err)
		}
		c := float64(n) / 255
		if c <= 0.03928 {
			sum += weight * c / 12.92
		} else {
			sum += weight * math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return sum
}

func TestHeatAndSeries(t *testing.T) {
	for share, want := range map[float64]canvas.Style{
		math.NaN(): Heat0, math.Inf(-1): Heat0, -1: Heat0, 0: Heat0, 0.5: Heat4, 1: Heat7, 7: Heat7, math.Inf(1): Heat7,
	} {
		if got := Heat(share); got != want {
			t.Errorf("Heat(%v) = %d, want %d", share, got, want)
		}
	}
	for i, want := range map[int]canvas.Style{-3: Series1, 0: Series1, 3: Series4, 4: Series1} {
		if got := Series(i); got != want {
			t.Errorf("Series(%d) = %d, want %d", i, got, want)
		}
	}
}
