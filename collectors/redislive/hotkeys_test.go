package redislive

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"apitop/collectors/redisconn"
	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/safe"
)

// hotServer answers HOTKEYS like Redis 8.6 does. It has one session for all.
type hotServer struct {
	resp3   bool
	refuse  error
	started int64 // unix milliseconds; 0: there is no session
	until   time.Time
	sent    []string
}

func (h *hotServer) Do(_ context.Context, commands [][]string) ([]any, error) {
	var replies []any
	for _, c := range commands {
		h.sent = append(h.sent, c[1])
		replies = append(replies, h.answer(c))
	}
	return replies, nil
}

func (h *hotServer) active() bool { return h.started != 0 && time.Now().Before(h.until) }

func (h *hotServer) answer(c []string) any {
	if h.refuse != nil {
		return h.refuse
	}
	switch c[1] {
	case "get":
		return h.get()
	case "start":
		if h.active() {
			return saying("ERR hotkey tracking session already in progress")
		}
		if got := strings.Join(c[2:], " "); got != "metrics 2 cpu net count 64 duration 10 sample 10" {
			return saying("ERR wrong arguments " + got)
		}
		h.begin(10 * time.Second)
	case "stop":
		h.until = time.Time{}
	case "reset":
		if h.active() {
			return saying("ERR session is active")
		}
		h.started = 0
	}
	return "OK"
}

func (h *hotServer) begin(d time.Duration) {
	h.started, h.until = time.Now().UnixMilli(), time.Now().Add(d)
}

func (h *hotServer) get() any {
	if h.started == 0 {
		if h.resp3 {
			return []any{}
		}
		return nil
	}
	active, ratio := int64(0), any(int64(10))
	if h.active() {
		active = 1
	}
	if h.resp3 {
		ratio = "10"
	}
	return []any{[]any{
		"tracking-active", active, "sample-ratio", ratio, "selected-slots", []any{[]any{int64(0), int64(16383)}},
		"all-commands-all-slots-us", int64(12345), "net-bytes-all-commands-all-slots", int64(54321),
		"collection-start-time-unix-ms", h.started, "collection-duration-ms", int64(10000),
		"total-cpu-time-user-ms", int64(10), "total-cpu-time-sys-ms", int64(2), "total-net-bytes", int64(54321),
		"by-cpu-time-us", []any{"cnt:lua", int64(311), "b\n", int64(20)},
		"by-net-bytes", []any{"big", int64(5000), strings.Repeat("x", 1025), int64(4000), int64(7), int64(1)},
	}}
}

// saying is a server's refusal.
func saying(text string) *redisconn.ReplyError {
	code, _, _ := strings.Cut(text, " ")
	return &redisconn.ReplyError{Code: code, Text: safe.New(text)}
}

func look(t *testing.T, h *Hotkeys) Ranking {
	t.Helper()
	r, err := h.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestHotkeys(t *testing.T) {
	for name, resp3 := range map[string]bool{"RESP2": false, "RESP3": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := &hotServer{resp3: resp3}
				h := &Hotkeys{gate: srv}
				if r := look(t, h); !r.At.IsZero() || !srv.active() {
					t.Fatalf("no session of ours: %+v", r)
				}
				time.Sleep(5 * time.Second)
				if r := look(t, h); !r.At.IsZero() {
					t.Errorf("half a session is given: %+v", r)
				}
				time.Sleep(6 * time.Second)
				r := look(t, h)
				want := Ranking{At: r.At, Seconds: 10, Ratio: 10, CPU: []KeyCost{{"cnt:lua", 311}, {"b\n", 20}}, Net: []KeyCost{{"big", 5000}}}
				if r.At.IsZero() || !reflect.DeepEqual(r, want) {
					t.Errorf("got %+v", r)
				}
				if srv.started != 0 {
					t.Error("our session was not cleared")
				}
				look(t, h)
				if srv.started != 0 {
					t.Error("the next session came at once")
				}
				time.Sleep(sessionEvery)
				if again := look(t, h); !srv.active() || !again.At.Equal(r.At) {
					t.Error("no second session")
				}
				if err := h.Close(t.Context()); err != nil || srv.started != 0 {
					t.Errorf("left behind: %v, %v", srv.started, err)
				}
			})
		})
	}
}

// TestHotkeysOfOthers: what somebody else started is read and left alone, also
// when it takes the place of ours.
func TestHotkeysOfOthers(t *testing.T) {
	touched := func(srv *hotServer) bool {
		return slices.ContainsFunc(srv.sent, func(s string) bool { return s == "stop" || s == "reset" || s == "start" })
	}
	synctest.Test(t, func(t *testing.T) {
		srv := &hotServer{}
		srv.begin(time.Minute)
		h := &Hotkeys{gate: srv}
		if r := look(t, h); !r.Foreign || !r.Active || len(r.CPU) != 2 {
			t.Errorf("got %+v", r)
		}
		time.Sleep(2 * time.Minute)
		if r := look(t, h); !r.Foreign || r.Active {
			t.Errorf("got %+v", r)
		}
		if err := h.Close(t.Context()); err != nil || touched(srv) {
			t.Errorf("touched: %v, %v", srv.sent, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		srv := &hotServer{}
		h := &Hotkeys{gate: srv}
		look(t, h)
		time.Sleep(time.Second)
		srv.begin(5 * time.Second) // somebody stopped ours
		srv.sent = nil
		if err := h.Close(t.Context()); err != nil || touched(srv) {
			t.Errorf("touched at the end: %v, %v", srv.sent, err)
		}
		time.Sleep(10 * time.Second)
		if r := look(t, h); !r.Foreign || touched(srv) {
			t.Errorf("touched: %v, %+v", srv.sent, r)
		}
	})
}

// TestHotkeysRace: somebody starts a session between our look and our start.
func TestHotkeysRace(t *testing.T) {
	srv := &hotServer{}
	h := &Hotkeys{gate: first{srv, srv}}
	if _, err := h.Look(t.Context()); err == nil || errors.Is(err, ErrNoHotkeys) {
		t.Errorf("got %v, want the server's refusal", err)
	}
	if h.ours != 0 {
		t.Error("their session is taken for ours")
	}
}

// first lets somebody else's session begin before each of ours.
type first struct {
	*hotServer
	other *hotServer
}

func (f first) Do(ctx context.Context, commands [][]string) ([]any, error) {
	if commands[0][1] == "start" {
		f.other.begin(time.Minute)
	}
	return f.hotServer.Do(ctx, commands)
}

func TestHotkeysRefused(t *testing.T) {
	for name, err := range map[string]error{
		"unknown": saying("ERR unknown command 'hotkeys', with args beginning with: 'get' "),
		"denied":  saying("NOPERM User mon has no permissions to run the 'hotkeys|get' command"),
		"known":   redisconn.ErrRefused,
	} {
		t.Run(name, func(t *testing.T) {
			h := &Hotkeys{gate: &hotServer{refuse: err}}
			if _, got := h.Look(t.Context()); !errors.Is(got, ErrNoHotkeys) {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestHotkeysHere asks the server that is installed, which may be too old.
func TestHotkeysHere(t *testing.T) {
	srv := redistest.Start(t)
	h := NewHotkeys(open(t, srv.URL()).Gate())
	for range 2 {
		if _, err := h.Look(t.Context()); err != nil && !errors.Is(err, ErrNoHotkeys) {
			t.Fatal(err)
		}
	}
	if n := srv.Info("total_error_replies"); n > 1 {
		t.Errorf("%v errors on the server for one question", n)
	}
}
