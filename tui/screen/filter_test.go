package screen_test

import (
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/tui/canvas"
	"apitop/tui/screen"
)

// typed is a filter after these keys.
func typed(keys ...tea.KeyMsg) screen.Filter {
	var f screen.Filter
	for _, k := range keys {
		f, _ = f.Update(k)
	}
	return f
}

// runes are the presses of the letters of s.
func runes(s string) []tea.KeyMsg {
	var list []tea.KeyMsg
	for _, r := range s {
		list = append(list, tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
	}
	return list
}

func TestFilterMatches(t *testing.T) {
	tests := map[string]struct {
		text     string
		yes, no  string
		inactive bool
	}{
		"nothing":                 {"", "anything", "", true},
		"only the mark":           {"!", "anything", "", true},
		"part of it":              {"prod", "a product:1", "user:1", false},
		"small letters match all": {"prod", "PRODUCT", "user", false},
		"a capital matters":       {"Prod", "Product", "product", false},
		"regular expression":      {"^user:[0-9]+$", "user:42", "user:x", false},
		"no regular expression":   {"call(1,)[", "call(1,)[]", "call", false},
		"a route":                 {"/products/{id}", "GET /products/{id}", "GET /products", false},
		"inverted":                {"!user", "product:1", "user:1", false},
		"inverted, no expression": {"![", "a", "[a", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := typed(runes("/" + tt.text)...)
			if f.Active() == tt.inactive || !f.Match(tt.yes) || (tt.no != "" && f.Match(tt.no)) {
				t.Errorf("%q: active %v, %q %v, %q %v", tt.text, f.Active(), tt.yes, f.Match(tt.yes), tt.no, f.Match(tt.no))
			}
		})
	}
	if f := typed(runes("/two")...); !f.Match("one", "two") || f.Match("one", "three") {
		t.Error("a row matches by any of its texts")
	}
	if f := screen.NewFilter("a.c"); !f.Match("a.c") || f.Match("abc") || f.Catches() {
		t.Error("a given text is no regular expression, and closed")
	}
}

func TestFilterKeys(t *testing.T) {
	enter, esc := tea.KeyMsg{Type: tea.KeyEnter}, tea.KeyMsg{Type: tea.KeyEsc}
	back, word := tea.KeyMsg{Type: tea.KeyBackspace}, tea.KeyMsg{Type: tea.KeyCtrlW}
	open := slices.Clip(runes("/user q"))
	tests := map[string]struct {
		keys   []tea.KeyMsg
		typing bool
		count  string
	}{
		"closed takes nothing":    {runes("user"), false, "9"},
		"filters while it opens":  {open, true, "1/9 /user q"},
		"Enter keeps":             {append(open, enter), false, "1/9 /user q"},
		"Esc clears":              {append(open, esc), false, "9"},
		"a letter goes":           {append(open, back), true, "1/9 /user "},
		"a word goes":             {append(open, word), true, "1/9 /user "},
		"empty closes":            {append(runes("/u"), back, back), false, "9"},
		"all goes":                {append(open, tea.KeyMsg{Type: tea.KeyCtrlU}), true, "9"},
		"control bytes stay away": {append(runes("/u"), tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("s\x1b\ner"), Paste: true}), true, "1/9 /user"},
		"no end":                  {append(runes("/u"), tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(strings.Repeat("x", 1000))}), true, "1/9 /u"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := typed(tt.keys...)
			if f.Catches() != tt.typing || f.Count(1, 9) != tt.count {
				t.Errorf("typing %v, count %q; want %v, %q", f.Catches(), f.Count(1, 9), tt.typing, tt.count)
			}
		})
	}
	if f, had := typed(append(open, enter)...).Back(); !had || f.Active() {
		t.Error("going back does not clear a kept filter")
	}
	if _, had := typed().Back(); had {
		t.Error("there is nothing to go back from")
	}
}

func TestFilterLine(t *testing.T) {
	for w, want := range map[int]string{60: "/users  Enter keeps", 6: "/sers"} {
		c := canvas.New(w, 3)
		rest := typed(runes("/users")...).Draw(c.Area())
		_, h := rest.Size()
		if lines := strings.Split(c.String(), "\n"); h != 2 || !strings.HasPrefix(lines[2], want) {
			t.Errorf("at %d: %d rows left, line %q, want %q", w, h, lines[2], want)
		}
	}
	c := canvas.New(20, 3)
	if _, h := typed().Draw(c.Area()).Size(); h != 3 {
		t.Error("a closed filter takes a line")
	}
}
