package painter

import (
	"slices"
	"strconv"

	"apitop/tui/canvas"
	"apitop/tui/theme"
)

// The largest frame that is drawn; a terminal that claims to be larger is
// broken or hostile, and the memory for it must not be taken.
const maxWidth, maxHeight = 1000, 500

const (
	syncOn   = "\x1b[?2026h"
	syncOff  = "\x1b[?2026l"
	clearAll = "\x1b[2J"
	clearEnd = "\x1b[K"

	shortGap = 3 // so many unchanged cells cost no more than a move of the cursor
)

// screen turns canvases into output: it knows what the terminal shows and sends
// only what differs.
type screen struct {
	theme       *theme.Theme
	front, back *canvas.Canvas // what the terminal shows; what is drawn next
	full        bool           // nothing is known of what it shows

	out   []byte       // the frame being built
	x, y  int          // the cursor; x = width: behind the last column
	style canvas.Style // what the terminal writes in
}

func newScreen(t *theme.Theme) *screen {
	return &screen{theme: t, front: canvas.New(0, 0), back: canvas.New(0, 0), full: true}
}

// resize sets the size, within bounds, and returns it.
func (s *screen) resize(w, h int) (int, int) {
	w, h = min(max(w, 0), maxWidth), min(max(h, 0), maxHeight)
	s.front.Resize(w, h)
	s.back.Resize(w, h)
	s.full = true
	return w, h
}

func (s *screen) setTheme(t *theme.Theme) { s.theme, s.full = t, true }

// frame draws and returns the bytes that bring the terminal there; none when it
// shows just that. They are valid until the next call.
func (s *screen) frame(draw func(canvas.Area)) []byte {
	s.back.Clear()
	draw(s.back.Area())
	s.out = append(s.out[:0], syncOn...)
	empty := len(s.out)
	if s.full {
		s.reset()
	}
	_, h := s.back.Size()
	for y := range h {
		if was, now := s.front.Row(y), s.back.Row(y); !slices.Equal(was, now) {
			s.row(y, was, now)
		}
	}
	s.front, s.back = s.back, s.front
	if len(s.out) == empty {
		return nil
	}
	s.out = append(s.out, syncOff...)
	return s.out
}

// reset clears the terminal, whatever it shows.
func (s *screen) reset() {
	s.full = false
	s.front.Clear()
	s.style = theme.Plain
	s.out = append(s.out, s.theme.SGR(theme.Plain)...)
	s.out = append(s.out, clearAll...)
	s.x, s.y = -1, -1
}

// row sends the cells of line y that differ.
func (s *screen) row(y int, was, now []canvas.Cell) {
	end := len(now)
	for end > 0 && now[end-1] == (canvas.Cell{}) {
		end--
	}
	for x := range end {
		if now[x] != was[x] {
			s.cell(x, y, now)
		}
	}
	s.tail(end, y, was, now)
}

// tail blanks what was shown behind the last cell that is not blank.
func (s *screen) tail(end, y int, was, now []canvas.Cell) {
	last := len(was)
	for last > end && was[last-1] == (canvas.Cell{}) {
		last--
	}
	for end < last && was[end] == (canvas.Cell{}) {
		end++
	}
	if last-end > len(clearEnd) {
		s.move(end, y, now)
		s.look(theme.Plain)
		s.out = append(s.out, clearEnd...)
		return
	}
	for x := end; x < last; x++ {
		s.cell(x, y, now)
	}
}

// cell sends the character at x; a right half went with the left one.
func (s *screen) cell(x, y int, now []canvas.Cell) {
	c := now[x]
	if c.Half {
		return
	}
	s.move(x, y, now)
	s.look(c.Style)
	s.out = c.AppendTo(s.out)
	s.x = x + 1
	if s.x < len(now) && now[s.x].Half {
		s.x++
	}
}

// move brings the cursor to x, y, over a short gap by writing its cells again.
func (s *screen) move(x, y int, now []canvas.Cell) {
	switch {
	case y != s.y:
		s.out = strconv.AppendInt(append(s.out, "\x1b["...), int64(y+1), 10)
		if x > 0 {
			s.out = strconv.AppendInt(append(s.out, ';'), int64(x+1), 10)
		}
		s.out = append(s.out, 'H')
	case x == s.x:
	case x > s.x && x-s.x <= shortGap && s.alike(now[s.x:x]):
		for _, c := range now[s.x:x] {
			s.out = c.AppendTo(s.out)
		}
	default:
		s.out = append(strconv.AppendInt(append(s.out, "\x1b["...), int64(x+1), 10), 'G')
	}
	s.x, s.y = x, y
}

// alike tells whether all cells have the look the terminal writes in.
func (s *screen) alike(cells []canvas.Cell) bool {
	for _, c := range cells {
		if c.Style != s.style {
			return false
		}
	}
	return true
}

// look switches to st.
func (s *screen) look(st canvas.Style) {
	if st == s.style {
		return
	}
	if sgr := s.theme.SGR(st); sgr != s.theme.SGR(s.style) {
		s.out = append(s.out, sgr...)
	}
	s.style = st
}
