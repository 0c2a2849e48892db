package limits

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/screen"
)

// look is what is asked of the server about the key of an open page, which no
// report holds. It is asked when the page opens and now and then while it is
// seen.
type look struct {
	key    string // raw; empty: none
	turn   int    // what was asked before counts no more
	slots  *screen.Slots
	detail *screen.KeyDetail
	err    error // of the newest; the last good answers stay
}

// lookMsg is an answer.
type lookMsg struct {
	turn   int
	slots  *screen.Slots // nil: not asked, or it failed
	detail *screen.KeyDetail
	err    error
}

// lookTick says that it is time to ask again.
type lookTick struct{ turn int }

const (
	lookTimeout = 2 * time.Second
	lookEvery   = 5 * time.Second
)

// stop drops what is under way.
func (l look) stop() look {
	l.turn++
	return l
}

// at looks at another key.
func (l look) at(r screen.Redis, key string) (look, tea.Cmd) {
	return look{key: key, turn: l.turn}.again(r)
}

// again asks about the same key; nothing where nothing can be asked.
func (l look) again(r screen.Redis) (look, tea.Cmd) {
	l.turn++
	if l.key == "" || r.Slots == nil && r.Inspect == nil {
		return l, nil
	}
	turn, key := l.turn, l.key
	return l, func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
		defer cancel()
		return screen.Reply{To: digit, Msg: ask(ctx, r, key, turn)}
	}
}

// ask asks for the slots and for what is known of the key.
func ask(ctx context.Context, r screen.Redis, key string, turn int) lookMsg {
	msg := lookMsg{turn: turn}
	if r.Slots != nil {
		slots, err := r.Slots(ctx, key)
		if msg.err = err; err != nil {
			return msg
		}
		msg.slots = &slots
	}
	if r.Inspect != nil {
		detail, err := r.Inspect(ctx, key)
		if msg.err = err; err == nil {
			msg.detail = &detail
		}
	}
	return msg
}

// take takes an answer in and gives the command that asks again later.
func (l look) take(msg lookMsg) (look, tea.Cmd) {
	if msg.turn != l.turn {
		return l, nil
	}
	l.err = msg.err
	if msg.slots != nil {
		l.slots = msg.slots
	}
	if msg.detail != nil {
		l.detail = msg.detail
	}
	turn := l.turn
	return l, tea.Tick(lookEvery, func(time.Time) tea.Msg { return screen.Reply{To: digit, Msg: lookTick{turn}} })
}

// ttl is the key's lifetime as last asked for, in words.
func (l look) ttl() (seconds analysis.Value, never bool) {
	if l.detail == nil || !l.detail.Found {
		return analysis.Value{}, false
	}
	return l.detail.TTLSeconds, l.detail.NoTTL
}
