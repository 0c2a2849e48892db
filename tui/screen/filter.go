package screen

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"apitop/tui/canvas"
	"apitop/tui/theme"
)

// Filter narrows a table to the rows that match a text, while it is typed. It is
// a regular expression where it can be one, else plain text; "!" before it shows
// what does not match; letters match in both cases unless there is a capital.
//
// A screen that embeds one asks it first in Update, is a [Catcher] as long as
// [Filter.Catches], and leaves it in Back. The zero Filter lets everything
// through.
type Filter struct {
	text   string // as it was typed
	typing bool
	re     *regexp.Regexp // nil: everything matches
	invert bool
}

// longestFilter is how many bytes a filter may have.
const longestFilter = 200

// NewFilter is a closed filter by text, such as that of a [Navigate]. What text
// says is meant as it is written: it is no regular expression.
func NewFilter(text string) Filter { return Filter{}.set(regexp.QuoteMeta(text)) }

// set makes the filter match by text.
func (f Filter) set(text string) Filter {
	f.text = text
	pattern, inverted := strings.CutPrefix(text, "!")
	f.invert, f.re = inverted, nil
	if pattern == "" {
		return f
	}
	flags := ""
	if !strings.ContainsFunc(pattern, unicode.IsUpper) {
		flags = "(?i)"
	}
	re, err := regexp.Compile(flags + pattern)
	if err != nil { // half typed, or not meant as one
		re = regexp.MustCompile(flags + regexp.QuoteMeta(pattern))
	}
	f.re = re
	return f
}

// Active tells whether rows may be hidden.
func (f Filter) Active() bool { return f.re != nil }

// Catches tells whether text is being typed; see [Catcher].
func (f Filter) Catches() bool { return f.typing }

// Match tells whether a row with these texts is to be shown.
func (f Filter) Match(texts ...string) bool {
	if f.re == nil {
		return true
	}
	return slices.ContainsFunc(texts, f.re.MatchString) != f.invert
}

// Update opens the filter, or takes a key while text is typed, and tells whether
// it did.
func (f Filter) Update(msg tea.KeyMsg) (Filter, bool) {
	switch {
	case f.typing:
		return f.edit(msg), true
	case key.Matches(msg, filterKey()):
		f.typing = true
		return f, true
	}
	return f, false
}

func (f Filter) edit(msg tea.KeyMsg) Filter {
	switch msg.Type {
	case tea.KeyEnter, tea.KeyDown, tea.KeyTab:
		f.typing = false
	case tea.KeyEsc:
		return Filter{}
	case tea.KeyCtrlU:
		return f.set("")
	case tea.KeyCtrlW:
		head := strings.TrimRight(f.text, " ")
		return f.set(head[:strings.LastIndex(head, " ")+1])
	case tea.KeyBackspace:
		if f.text == "" {
			return Filter{}
		}
		_, n := utf8.DecodeLastRuneInString(f.text)
		return f.set(f.text[:len(f.text)-n])
	case tea.KeyRunes, tea.KeySpace:
		if typed := printable(msg.Runes); len(f.text)+len(typed) <= longestFilter {
			return f.set(f.text + typed)
		}
	}
	return f
}

// printable is what of the typed or pasted runes can be shown.
func printable(runes []rune) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, string(runes))
}

// Back clears a filter that hides rows, and tells whether there was one.
func (f Filter) Back() (Filter, bool) { return Filter{}, f.Active() || f.typing }

// Key is the binding that opens it.
func (f Filter) Key() key.Binding { return filterKey() }

func filterKey() key.Binding {
	return key.NewBinding(key.WithKeys("/"), key.WithHelp("/", "filter"))
}

// Count is how many rows there are, for the heading of their panel: "340", or of
// a filtered table how many of them are shown, and by what: "12/340 /prod".
func (f Filter) Count(shown, all int) string {
	if !f.Active() {
		return strconv.Itoa(all)
	}
	return fmt.Sprintf("%d/%d /%s", shown, all, f.text)
}

// Draw draws the line that is typed at the bottom of a and gives what is left: a
// itself when nothing is being typed.
func (f Filter) Draw(a canvas.Area) canvas.Area {
	if !f.typing {
		return a
	}
	rest, line := a.Top(-1)
	w, _ := line.Size()
	x := line.Text(0, 0, "/", theme.Key)
	text := f.text
	for canvas.Width(text) > max(w-2, 0) { // the end is what one types at
		_, n := utf8.DecodeRuneInString(text)
		text = text[n:]
	}
	x = line.Text(x, 0, text, theme.Input)
	line.With(canvas.Reverse).Set(x, 0, ' ', theme.Input)
	line.Text(x+2, 0, "Enter keeps · Esc clears · ! inverts", theme.Dim)
	return rest
}
