package redislive

import (
	"context"
	"errors"
	"strconv"
	"time"

	"apitop/collectors/redisconn"
)

// Hotkeys runs sessions of HOTKEYS on one node: Redis 8.6 and newer. A server has
// one session for all its clients, so this starts one only where there is
// nothing of anybody else's, always with an end, and stops or clears only what it
// started itself. Not for concurrent use.
type Hotkeys struct {
	gate   gate
	ours   int64     // when our session started, unix milliseconds by the server's clock; 0: none
	tried  time.Time // when one was last asked for
	result Ranking
}

// gate sends commands, each at least once before it is known to be refused; a
// [redisconn.Gate] does.
type gate interface {
	Do(ctx context.Context, commands [][]string) ([]any, error)
}

// Ranking is what a session found. The server ranks keys by the time and the
// bytes that commands on them took: not by how often they were used.
type Ranking struct {
	At      time.Time // when it was read; zero: never
	Foreign bool      // somebody else started the session
	Active  bool      // it still goes on
	Seconds float64   // that it lasted
	Ratio   float64   // one command of so many was looked at
	CPU     []KeyCost // microseconds, most first
	Net     []KeyCost // bytes, most first
}

// KeyCost is what commands on a key took, in the sample.
type KeyCost struct {
	Key  string // raw bytes
	Cost float64
}

const (
	sessionSeconds = 10
	sessionEvery   = time.Minute // and once at the start
	sessionRatio   = 10          // one command of ten: within the noise of the server's time
	sessionKeys    = 64          // the most that a session can have
)

// ErrNoHotkeys says that the server does not have HOTKEYS or that the user may
// not send it.
var ErrNoHotkeys = errors.New("HOTKEYS is not there or not permitted")

// NewHotkeys makes a Hotkeys that sends through g.
func NewHotkeys(g *redisconn.Gate) *Hotkeys { return &Hotkeys{gate: g} }

// Look reads the session that there is and starts one when it is time. It gives
// the newest ranking; its At does not change while there is nothing new. The
// error is [ErrNoHotkeys], a [redisconn.ReplyError], or a failed connection's.
func (h *Hotkeys) Look(ctx context.Context) (Ranking, error) {
	replies, err := h.gate.Do(ctx, [][]string{{"hotkeys", "get"}})
	if err != nil {
		return h.result, err
	}
	s, err := sessionOf(replies[0])
	if err != nil {
		return h.result, err
	}
	switch {
	case s.started == 0: // none, or cleared by somebody else
		h.ours = 0
		return h.result, h.start(ctx)
	case s.started != h.ours: // somebody else's: to be read, not to be touched
		h.ours = 0
		h.take(s, true)
	case !s.active:
		h.take(s, false)
		h.ours = 0
		_, err = h.gate.Do(ctx, [][]string{{"hotkeys", "reset"}})
	}
	return h.result, err
}

func (h *Hotkeys) take(s session, foreign bool) {
	h.result = s.Ranking
	h.result.At, h.result.Foreign, h.result.Active = time.Now(), foreign, s.active
}

// start begins a session of our own and notes which it is.
func (h *Hotkeys) start(ctx context.Context) error {
	if now := time.Now(); h.tried.IsZero() || now.Sub(h.tried) >= sessionEvery {
		h.tried = now
	} else {
		return nil
	}
	replies, err := h.gate.Do(ctx, [][]string{{
		"hotkeys", "start", "metrics", "2", "cpu", "net", "count", strconv.Itoa(sessionKeys),
		"duration", strconv.Itoa(sessionSeconds), "sample", strconv.Itoa(sessionRatio),
	}})
	if err != nil {
		return err
	}
	if err, refused := replies[0].(error); refused {
		return refusal(err) // somebody was faster, perhaps
	}
	if replies, err = h.gate.Do(ctx, [][]string{{"hotkeys", "get"}}); err != nil {
		return err
	}
	s, err := sessionOf(replies[0])
	h.ours = s.started
	return err
}

// Close ends our session if it still goes on, so that the server forgets it.
func (h *Hotkeys) Close(ctx context.Context) error {
	if h.ours == 0 {
		return nil
	}
	replies, err := h.gate.Do(ctx, [][]string{{"hotkeys", "get"}})
	if err != nil {
		return err
	}
	s, err := sessionOf(replies[0])
	if err != nil || s.started != h.ours {
		return err
	}
	h.ours = 0
	asks := [][]string{{"hotkeys", "reset"}}
	if s.active {
		asks = [][]string{{"hotkeys", "stop"}, {"hotkeys", "reset"}}
	}
	_, err = h.gate.Do(ctx, asks)
	return err
}

// session is the answer to HOTKEYS GET.
type session struct {
	Ranking
	started int64 // unix milliseconds; 0: there is no session
	active  bool
}

func refusal(err error) error {
	if e, ok := errors.AsType[*redisconn.ReplyError](err); ok && !e.Denied() && !e.Unknown() {
		return e
	}
	return ErrNoHotkeys
}

// sessionOf reads the reply to HOTKEYS GET: an array with one map, which in RESP2
// is a flat array of names and values; nothing when there is no session.
func sessionOf(reply any) (session, error) {
	if err, ok := reply.(error); ok {
		return session{}, refusal(err)
	}
	list, _ := reply.([]any)
	if len(list) == 1 { // one for each shard, of which a node is one
		list, _ = list[0].([]any)
	}
	var s session
	for i := 0; i+1 < len(list); i += 2 {
		name, _ := list[i].(string)
		switch v := list[i+1]; name {
		case "tracking-active":
			s.active = figure(v) != 0
		case "sample-ratio":
			s.Ratio = figure(v)
		case "collection-start-time-unix-ms":
			s.started = int64(figure(v))
		case "collection-duration-ms":
			s.Seconds = figure(v) / 1000
		case "by-cpu-time-us":
			s.CPU = costs(v)
		case "by-net-bytes":
			s.Net = costs(v)
		}
	}
	return s, nil
}

// figure reads a number, which some servers send as a text; 0 when it is none.
func figure(v any) float64 {
	switch n := v.(type) {
	case int64:
		return float64(n)
	case float64:
		return n
	case bool:
		if n {
			return 1
		}
	case string:
		f, err := strconv.ParseFloat(n, 64)
		if err == nil {
			return f
		}
	}
	return 0
}

// costs reads keys and numbers by turns.
func costs(v any) []KeyCost {
	list, _ := v.([]any)
	var out []KeyCost
	for i := 0; i+1 < len(list) && len(out) < sessionKeys; i += 2 {
		if key, ok := list[i].(string); ok && len(key) <= mostName {
			out = append(out, KeyCost{key, figure(list[i+1])})
		}
	}
	return out
}
