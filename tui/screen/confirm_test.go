package screen_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/tui/canvas"
	"apitop/tui/screen"
)

// pressed are keys by name; any other text is typed.
func pressed(names ...string) []tea.KeyMsg {
	var keys []tea.KeyMsg
	for _, n := range names {
		special := map[string]tea.KeyType{
			"enter": tea.KeyEnter, "esc": tea.KeyEsc, "left": tea.KeyLeft, "right": tea.KeyRight,
			"tab": tea.KeyTab, "shift+tab": tea.KeyShiftTab, "backspace": tea.KeyBackspace,
		}
		if k, ok := special[n]; ok {
			keys = append(keys, tea.KeyMsg{Type: k})
			continue
		}
		keys = append(keys, tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(n)})
	}
	return keys
}

func TestConfirm(t *testing.T) {
	tests := map[string]struct {
		keys []string
		want screen.Answer
	}{
		"enter at once cancels":    {[]string{"enter"}, screen.Cancelled},
		"esc cancels":              {[]string{"esc"}, screen.Cancelled},
		"esc on the button":        {[]string{"right", "esc"}, screen.Cancelled},
		"right and enter":          {[]string{"right", "enter"}, screen.Confirmed},
		"tab and enter":            {[]string{"tab", "enter"}, screen.Confirmed},
		"shift-tab and enter":      {[]string{"shift+tab", "enter"}, screen.Confirmed},
		"there and back":           {[]string{"right", "left", "enter"}, screen.Cancelled},
		"twice tab":                {[]string{"tab", "tab", "enter"}, screen.Cancelled},
		"right stays on the right": {[]string{"right", "right", "enter"}, screen.Confirmed},
		"letters do nothing":       {[]string{"y", "Y", "d", "q"}, screen.Undecided},
		"nothing pressed":          {nil, screen.Undecided},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, got := screen.Ask("Delete", "delete", "UNLINK a"), screen.Undecided
			for _, k := range pressed(tt.keys...) {
				c, got = c.Update(k)
			}
			if got != tt.want || c.Catches() != (got == screen.Undecided) {
				t.Errorf("answer %d, open %v", got, c.Catches())
			}
		})
	}
}

// TestConfirmPasted: what is pasted, with its line feeds, decides nothing.
func TestConfirmPasted(t *testing.T) {
	c := screen.Ask("Delete", "delete", "UNLINK a")
	c, _ = c.Update(tea.KeyMsg{Type: tea.KeyRight})
	c, got := c.Update(tea.KeyMsg{Type: tea.KeyEnter, Paste: true})
	if got != screen.Undecided || !c.Catches() {
		t.Errorf("a pasted line feed gives %d", got)
	}
	if _, got := (screen.Confirm{}).Update(tea.KeyMsg{Type: tea.KeyEnter}); got != screen.Undecided {
		t.Errorf("a dialog that is not open answers %d", got)
	}
}

// TestConfirmDraw: the buttons are seen at any size that has a line, and a long
// key in whole where there is room.
func TestConfirmDraw(t *testing.T) {
	long := "UNLINK " + strings.Repeat("0123456789", 20)
	c := screen.Ask("Delete a key", "delete", "", long)
	for _, size := range [][2]int{{80, 24}, {60, 15}, {40, 6}, {30, 3}, {20, 1}} {
		cv := canvas.New(size[0], size[1])
		c.Draw(cv.Area())
		if !strings.Contains(cv.String(), "▶Cancel") {
			t.Errorf("%v: no button in\n%s", size, cv)
		}
	}
	cv := canvas.New(80, 24)
	c.Draw(cv.Area())
	if n := strings.Count(cv.String(), "0123456789"); n < 17 { // some are broken between lines
		t.Errorf("the key is cut:\n%s", cv)
	}
	for w := range 30 {
		for h := range 8 {
			c.Draw(canvas.New(w, h).Area())
		}
	}
}

// recorder is a server that notes what is asked of it.
type recorder struct {
	ran []string
	err error
}

func (r *recorder) write(command string) screen.Write {
	return screen.Write{
		What: "it goes", Commands: []string{command}, Server: "127.0.0.1:6379", Log: "apitop.log",
		Run: func(context.Context) error { r.ran = append(r.ran, command); return r.err },
	}
}

func (r *recorder) redis() screen.Redis {
	return screen.Redis{
		Delete: func(key string) screen.Write { return r.write("UNLINK " + key) },
		SetTTL: func(key string, ttl time.Duration) screen.Write {
			return r.write("PEXPIRE " + key + " " + ttl.String())
		},
		Unblock: func(layout, key string) screen.Write { return r.write("UNLINK " + layout + " " + key) },
	}
}

// do presses keys and runs the commands that come of them.
func do(k screen.KeyActions, on screen.ActionKey, names ...string) (screen.KeyActions, []tea.Msg) {
	var msgs []tea.Msg
	for _, press := range pressed(names...) {
		var cmd tea.Cmd
		k, cmd, _ = k.Update(press, on)
		if cmd == nil {
			continue
		}
		msg := cmd()
		if r, ok := msg.(screen.Reply); ok {
			if k, cmd, _ = k.Update(r.Msg, on); cmd != nil {
				msg = cmd()
			}
		}
		msgs = append(msgs, msg)
	}
	return k, msgs
}

func TestKeyActions(t *testing.T) {
	on := screen.ActionKey{Key: "k", Name: "k", Layout: "laravel"}
	tests := map[string]struct {
		keys []string
		want []string
	}{
		"delete":                   {[]string{"D", "right", "enter"}, []string{"UNLINK k"}},
		"delete, enter":            {[]string{"D", "enter"}, nil},
		"delete, esc":              {[]string{"D", "right", "esc"}, nil},
		"delete, and left open":    {[]string{"D", "right"}, nil},
		"unblock":                  {[]string{"U", "tab", "enter"}, []string{"UNLINK laravel k"}},
		"unblock, enter":           {[]string{"U", "enter"}, nil},
		"lifetime":                 {[]string{"T", "9", "0", "enter", "right", "enter"}, []string{"PEXPIRE k 1m30s"}},
		"lifetime, days":           {[]string{"T", "2d", "enter", "right", "enter"}, []string{"PEXPIRE k 48h0m0s"}},
		"lifetime, never":          {[]string{"T", "never", "enter", "right", "enter"}, []string{"PEXPIRE k 0s"}},
		"lifetime, corrected":      {[]string{"T", "9h", "backspace", "m", "enter", "right", "enter"}, []string{"PEXPIRE k 9m0s"}},
		"lifetime, cancelled":      {[]string{"T", "90", "esc", "enter", "right", "enter"}, nil},
		"lifetime, enter":          {[]string{"T", "90", "enter", "enter"}, nil},
		"lifetime, nonsense":       {[]string{"T", "soon", "enter", "right", "enter"}, nil},
		"lifetime of nothing":      {[]string{"T", "0", "enter", "right", "enter"}, nil},
		"lifetime below nothing":   {[]string{"T", "-5s", "enter", "right", "enter"}, nil},
		"lifetime beyond measure":  {[]string{"T", "9e99", "enter", "right", "enter"}, nil},
		"lifetime, not a number":   {[]string{"T", "nand", "enter", "right", "enter"}, nil},
		"lower case letters":       {[]string{"d", "t", "u", "right", "enter"}, nil},
		"a second enter sends not": {[]string{"D", "right", "enter", "enter", "enter"}, []string{"UNLINK k"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var r recorder
			do(screen.NewKeyActions(r.redis(), '5', true), on, tt.keys...)
			if !slices.Equal(r.ran, tt.want) {
				t.Errorf("ran %q, want %q", r.ran, tt.want)
			}
		})
	}
}

// TestKeyActionsRefused: without the flag the key says so, and no dialog opens.
func TestKeyActionsRefused(t *testing.T) {
	k := screen.NewKeyActions(screen.Redis{}, '5', true)
	for _, key := range []string{"D", "T", "U"} {
		next, msgs := do(k, screen.ActionKey{Key: "k"}, key)
		if toast, ok := msgs[0].(screen.Toast); !ok || !strings.Contains(toast.Text, "--allow-writes") || next.Catches() {
			t.Errorf("%s: %v, open %v", key, msgs, next.Catches())
		}
	}
	if len(k.Keys()) != 0 {
		t.Error("keys that do nothing are in the help")
	}
	var r recorder
	if k, msgs := do(screen.NewKeyActions(r.redis(), '5', true), screen.ActionKey{}, "D", "right", "enter"); len(msgs) != 0 || k.Catches() {
		t.Error("there is nothing selected to delete")
	}
	cache := screen.NewKeyActions(r.redis(), '4', false)
	if _, _, took := cache.Update(pressed("U")[0], screen.ActionKey{Key: "k"}); took || len(cache.Keys()) != 2 {
		t.Error("a cache key unblocks nobody")
	}
}

// TestKeyActionsOutcome: success is said in passing; a failure stays until it was
// read, and the key that closes it does nothing else.
func TestKeyActionsOutcome(t *testing.T) {
	var r recorder
	on := screen.ActionKey{Key: "k", Name: "k"}
	k, msgs := do(screen.NewKeyActions(r.redis(), '5', true), on, "D", "right", "enter")
	if !slices.Contains(msgs, tea.Msg(screen.Toast{Text: "deleted k"})) || k.Catches() {
		t.Errorf("messages %v, open %v", msgs, k.Catches())
	}
	r.err = errors.New("the log cannot be written")
	k, _ = do(k, on, "D", "right", "enter")
	c := canvas.New(80, 24)
	k.Draw(c.Area())
	if !k.Catches() || !strings.Contains(c.String(), "the log cannot be written") {
		t.Errorf("not shown:\n%s", c)
	}
	if k, _ = do(k, on, "D"); k.Catches() || len(r.ran) != 2 {
		t.Error("the key that closes the message did more")
	}
}

// TestKeyActionsShowsWhatIsSent: the command is in the dialog, and it is about the
// key that was selected when it opened.
func TestKeyActionsShowsWhatIsSent(t *testing.T) {
	var r recorder
	k, _ := do(screen.NewKeyActions(r.redis(), '5', true), screen.ActionKey{Key: "first", Name: "first"}, "D")
	c := canvas.New(80, 24)
	k.Draw(c.Area())
	for _, want := range []string{"UNLINK first", "127.0.0.1:6379", "apitop.log", "▶Cancel"} {
		if !strings.Contains(c.String(), want) {
			t.Errorf("%q is missing in\n%s", want, c)
		}
	}
	do(k, screen.ActionKey{Key: "second"}, "right", "enter")
	if !slices.Equal(r.ran, []string{"UNLINK first"}) {
		t.Errorf("ran %q", r.ran)
	}
	for w := range 40 {
		for h := range 12 {
			k.Draw(canvas.New(w, h).Area())
		}
	}
}
