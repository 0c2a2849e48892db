package painter

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"apitop/tui/canvas"
	"apitop/tui/theme"
)

// vt is a terminal: it knows just the sequences the painter may send, and takes
// any other byte for a fault.
type vt struct {
	w, h   int
	x, y   int
	sgr    string
	cells  []vtCell
	modes  map[string]bool // DEC private modes that were set
	frames int             // complete synchronised updates
	clears int
	extra  []string // bells and clipboard writes
	fault  error    // the first one
	rest   string   // the beginning of a sequence that is not complete yet
}

type vtCell struct {
	text string // "" is a blank, halfCell the right half of a wide character
	sgr  string
}

const (
	halfCell   = "\x00"
	brokenHalf = "\x01"
)

func newVT(w, h int) *vt {
	v := &vt{modes: map[string]bool{"25": true, "7": true}}
	v.resize(w, h)
	return v
}

// resize leaves rubbish behind, as a terminal that reflows does.
func (v *vt) resize(w, h int) {
	v.w, v.h = w, h
	v.x, v.y = min(v.x, max(w-1, 0)), min(v.y, max(h-1, 0))
	v.cells = make([]vtCell, w*h)
	for i := range v.cells {
		v.cells[i].text = "~"
	}
}

var (
	sequence = regexp.MustCompile(`^\x1b(\[([?0-9;]*)([A-Za-z])|\]52;c;([A-Za-z0-9+/=]*)\x07|Ptmux;((?:[^\x1b]|\x1b\x1b)*)\x1b\\)`)
	begun    = regexp.MustCompile(`^\x1b(\[[?0-9;]*|\][0-9a-zA-Z;+/=]*|P(?:[^\x1b]|\x1b\x1b)*\x1b?)?$`)
)

// feed takes output. What another program prints on the same terminal before or
// after us (plain text and line ends) is not for feed.
func (v *vt) feed(s string) {
	s = v.rest + s
	v.rest = ""
	for s != "" && v.fault == nil {
		if s[0] == '\x1b' {
			m := sequence.FindStringSubmatch(s)
			if m == nil && begun.MatchString(s) {
				v.rest = s
				return
			}
			if m == nil {
				v.fault = fmt.Errorf("sequence not allowed: %q", s[:min(len(s), 20)])
				return
			}
			v.sequence(m)
			s = s[len(m[0]):]
			continue
		}
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 && !utf8.FullRuneInString(s) {
			v.rest = s
			return
		}
		v.print(r)
		s = s[n:]
	}
}

func (v *vt) sequence(m []string) {
	params, final := m[2], m[3]
	switch {
	case strings.HasPrefix(m[0], "\x1bP"):
		v.extra = append(v.extra, strings.ReplaceAll(m[5], "\x1b\x1b", "\x1b"))
	case strings.HasPrefix(m[0], "\x1b]"):
		v.extra = append(v.extra, m[4])
	case final == "m":
		v.sgr = m[0]
	case final == "h" || final == "l":
		v.mode(strings.TrimPrefix(params, "?"), final == "h")
	case final == "H":
		row, column, _ := strings.Cut(params, ";")
		v.moveTo(column, row)
	case final == "G":
		v.moveTo(params, strconv.Itoa(v.y+1))
	case m[0] == clearAll:
		v.clears++
		v.erase(0, len(v.cells))
	case m[0] == clearEnd:
		v.erase(v.y*v.w+v.x, (v.y+1)*v.w)
	default:
		v.fault = fmt.Errorf("sequence not allowed: %q", m[0])
	}
}

func (v *vt) mode(name string, on bool) {
	switch name {
	case "25", "7", "1049", "1000", "1006", "2004", "2026":
		if name == "2026" && !on && v.modes[name] {
			v.frames++
		}
		v.modes[name] = on
	default:
		v.fault = fmt.Errorf("mode not allowed: %s", name)
	}
}

func (v *vt) moveTo(column, row string) {
	number := func(s string) int {
		if n, err := strconv.Atoi(s); err == nil {
			return n
		}
		return 1
	}
	v.x, v.y = number(column)-1, number(row)-1
	if v.x < 0 || v.x >= v.w || v.y < 0 || v.y >= v.h {
		v.fault = fmt.Errorf("cursor moved to %d,%d of %dx%d", v.x, v.y, v.w, v.h)
	}
}

// erase blanks cells; a wide character that loses a half is broken.
func (v *vt) erase(from, to int) {
	for i := from; i < to; i++ {
		v.breakWide(i)
		v.cells[i] = vtCell{sgr: v.sgr}
	}
}

// breakWide leaves something that must be overwritten where a wide character
// loses its other half: terminals differ in what they show there.
func (v *vt) breakWide(i int) {
	if v.cells[i].text == halfCell {
		v.cells[i-1].text = brokenHalf
	}
	if i+1 < len(v.cells) && v.cells[i+1].text == halfCell {
		v.cells[i+1].text = brokenHalf
	}
}

func (v *vt) print(r rune) {
	switch {
	case r == '\a':
		v.extra = append(v.extra, "\a")
		return
	case r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r == utf8.RuneError:
		v.fault = fmt.Errorf("control character %q", r)
		return
	case r >= 0x300 && r <= 0x36f:
		if v.x > 0 {
			i := v.y*v.w + v.x - 1
			if v.cells[i].text == halfCell {
				i--
			}
			v.cells[i].text += string(r)
		}
		return
	}
	w := canvas.Width(string(r))
	if v.x+w > v.w || v.y >= v.h {
		v.fault = fmt.Errorf("%q printed at %d,%d of %dx%d", r, v.x, v.y, v.w, v.h)
		return
	}
	text := string(r)
	if r == ' ' {
		text = ""
	}
	i := v.y*v.w + v.x
	for j := range w {
		v.breakWide(i + j)
		v.cells[i+j] = vtCell{halfCell, v.sgr}
	}
	v.cells[i].text = text
	v.x += w
}

// differs says where the terminal shows something else than c; "" if nowhere.
func (v *vt) differs(c *canvas.Canvas, t *theme.Theme) string {
	if v.fault != nil {
		return v.fault.Error()
	}
	if w, h := c.Size(); w != v.w || h != v.h {
		return fmt.Sprintf("the canvas is %dx%d, the terminal %dx%d", w, h, v.w, v.h)
	}
	for i, got := range v.cells {
		cell := c.Row(i / v.w)[i%v.w]
		want := vtCell{strings.TrimPrefix(string(cell.AppendTo(nil)), " "), t.SGR(cell.Style)}
		if cell.Half {
			want.text = halfCell
		}
		if got != want {
			return fmt.Sprintf("cell %d,%d shows %q, want %q", i%v.w, i/v.w, got, want)
		}
	}
	return ""
}

// text is what can be read, blanks at the ends of lines cut.
func (v *vt) text() string {
	var b, line strings.Builder
	for i, c := range v.cells {
		switch c.text {
		case "":
			line.WriteByte(' ')
		case halfCell:
		default:
			line.WriteString(c.text)
		}
		if (i+1)%v.w == 0 {
			b.WriteString(strings.TrimRight(line.String(), " ~") + "\n")
			line.Reset()
		}
	}
	return strings.TrimRight(b.String(), "\n")
}
