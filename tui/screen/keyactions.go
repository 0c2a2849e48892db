package screen

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"apitop/tui/canvas"
	"apitop/tui/theme"
)

// ActionKey is the key that an action of [KeyActions] is for.
type ActionKey struct {
	Key    string // raw; empty: there is none
	Name   string // as it is drawn
	Layout string // of a limiter's key; empty: it is none, and nobody can be unblocked
}

// KeyActions is what a screen offers to do to the selected key, where that is
// allowed: delete it, set its lifetime, unblock whom it limits. Each asks first.
// A screen keeps one, hands its Update every message that is not its own, and is
// a [Catcher] while it is one. It is a value.
type KeyActions struct {
	redis                     Redis
	to                        rune
	remove, lifetime, unblock key.Binding
	on                        ActionKey // what the open dialog is about
	typing                    bool      // the lifetime
	text, problem             string    // typed so far, and what is wrong with it
	confirm                   Confirm
	write                     Write
	failed                    string // why the last one was not done; shown until a key is pressed
	done                      string // what the next success says
}

// NewKeyActions are the actions on the screen of that digit. limits tells whether
// its keys are those of a limiter.
func NewKeyActions(r Redis, digit rune, limits bool) KeyActions {
	k := KeyActions{
		redis: r, to: digit,
		remove:   key.NewBinding(key.WithKeys("D"), key.WithHelp("D", "delete the key")),
		lifetime: key.NewBinding(key.WithKeys("T"), key.WithHelp("T", "set its lifetime")),
		unblock:  key.NewBinding(key.WithKeys("U"), key.WithHelp("U", "unblock")),
	}
	k.unblock.SetEnabled(limits)
	return k
}

// Keys are the bindings, for the help; none where keys may not be changed.
func (k KeyActions) Keys() []key.Binding {
	switch {
	case !k.redis.Writes():
		return nil
	case k.unblock.Enabled():
		return []key.Binding{k.unblock, k.remove, k.lifetime}
	default:
		return []key.Binding{k.remove, k.lifetime}
	}
}

// Catches implements [Catcher].
func (k KeyActions) Catches() bool { return k.typing || k.confirm.Catches() || k.failed != "" }

// wroteMsg is the end of a write.
type wroteMsg struct {
	done string
	err  error
}

// Update takes a message; false when it is not for it. on is the selected key.
func (k KeyActions) Update(msg tea.Msg, on ActionKey) (KeyActions, tea.Cmd, bool) {
	switch msg := msg.(type) {
	case wroteMsg:
		if msg.err != nil {
			k.failed = msg.err.Error()
			return k, nil, true
		}
		return k, Say(msg.done), true
	case tea.KeyMsg:
		switch {
		case k.failed != "":
			k.failed = ""
			return k, nil, true
		case k.typing:
			return k.typed(msg), nil, true
		case k.confirm.Catches():
			next, cmd := k.decide(msg)
			return next, cmd, true
		}
		return k.begin(msg, on)
	}
	return k, nil, false
}

// begin obeys the keys of the actions.
func (k KeyActions) begin(msg tea.KeyMsg, on ActionKey) (KeyActions, tea.Cmd, bool) {
	if msg.Paste || !key.Matches(msg, k.remove, k.lifetime, k.unblock) {
		return k, nil, false
	}
	switch {
	case !k.redis.Writes():
		return k, Say("nothing is changed in Redis without --allow-writes"), true
	case on.Key == "":
		return k, nil, true
	}
	k.on = on
	switch {
	case key.Matches(msg, k.remove):
		k = k.ask("Delete a key", "delete", k.redis.Delete(on.Key), "deleted "+on.Name)
	case key.Matches(msg, k.lifetime):
		k.typing, k.text, k.problem = true, "", ""
	case key.Matches(msg, k.unblock):
		k = k.ask("Unblock "+on.Name, "unblock", k.redis.Unblock(on.Layout, on.Key), "unblocked "+on.Name)
	}
	return k, nil, true
}

// ask opens the dialog with the commands that will be sent.
func (k KeyActions) ask(title, yes string, w Write, done string) KeyActions {
	lines := []string{w.What, "", "On " + w.Server + " this is sent:"}
	for _, c := range w.Commands {
		lines = append(lines, "  "+c)
	}
	lines = append(lines, "", "It is noted in "+w.Log)
	k.confirm, k.write, k.done = Ask(title, yes, lines...), w, done
	return k
}

// writeTimeout is how long a write may take, with its connection.
const writeTimeout = 5 * time.Second

// decide takes a key in the dialog.
func (k KeyActions) decide(msg tea.KeyMsg) (KeyActions, tea.Cmd) {
	var answer Answer
	if k.confirm, answer = k.confirm.Update(msg); answer != Confirmed {
		return k, nil
	}
	write, done, to := k.write.Run, k.done, k.to
	return k, func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
		defer cancel()
		return Reply{To: to, Msg: wroteMsg{done, write(ctx)}}
	}
}

// typed takes a key while the lifetime is typed.
func (k KeyActions) typed(msg tea.KeyMsg) KeyActions {
	k.problem = ""
	switch msg.Type {
	case tea.KeyEsc:
		k.typing = false
	case tea.KeyBackspace:
		k.text = k.text[:max(len(k.text)-1, 0)]
	case tea.KeyRunes:
		for _, r := range msg.Runes {
			if r > ' ' && r < 0x7f && len(k.text) < 16 {
				k.text += string(r)
			}
		}
	case tea.KeyEnter:
		ttl, err := parseTTL(k.text)
		if err != nil {
			k.problem = err.Error()
			return k
		}
		k.typing = false
		done := "set the lifetime of " + k.on.Name + " to " + k.text
		if ttl == 0 {
			done = k.on.Name + " never expires now"
		}
		k = k.ask("Set a key's lifetime", "set", k.redis.SetTTL(k.on.Key, ttl), done)
	}
	return k
}

// mostTTL is more than anybody means; the server takes much longer ones.
const mostTTL = 10 * 365 * 24 * time.Hour

// parseTTL reads a lifetime: "90" seconds, "90s", "10m", "1h30m", "7d", or
// "never", which is 0.
func parseTTL(s string) (time.Duration, error) {
	if s == "never" {
		return 0, nil
	}
	number, days := strings.CutSuffix(s, "d")
	d, err := time.ParseDuration(s)
	if n, errN := strconv.ParseFloat(number, 64); errN == nil { // without a unit, or days
		unit := time.Second
		if days {
			unit = 24 * time.Hour
		}
		d, err = time.Duration(min(max(n, 0)*float64(unit), float64(2*mostTTL))), nil
	}
	switch {
	case err != nil:
		return 0, errors.New("want 90s, 10m, 1h30m, 7d, or never")
	case d < time.Millisecond:
		return 0, errors.New("too short: D deletes a key; never takes its lifetime away")
	case d > mostTTL:
		return 0, errors.New("more than ten years: never takes its lifetime away")
	}
	return d, nil
}

// Draw draws the open dialog over what is in a; nothing when there is none.
func (k KeyActions) Draw(a canvas.Area) {
	switch {
	case k.failed != "":
		foot := drawDialog(a, "Not done", []string{k.failed}, theme.Bad)
		foot.Text(0, 0, "any key goes on", theme.Dim)
	case k.typing:
		lines := []string{k.on.Name, "", "lives for another (90s, 10m, 1h30m, 7d, never): " + k.text + "▏"}
		if k.problem != "" {
			lines = append(lines, "! "+k.problem)
		}
		foot := drawDialog(a, "Set a key's lifetime", lines, theme.Plain)
		foot.Text(0, 0, "Enter goes on · Esc cancels", theme.Dim)
	default:
		k.confirm.Draw(a)
	}
}
