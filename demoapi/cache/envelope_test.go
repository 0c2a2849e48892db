package cache

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

func TestEnvelope(t *testing.T) {
	created := time.Date(2026, 3, 9, 12, 0, 0, 1_500_000, time.FixedZone("east", 3600))
	tests := map[string]struct {
		entry entry
		want  string
	}{
		"value": {
			entry{value: []byte(`{"id":42}`), created: created, delta: 1234567 * time.Nanosecond, fresh: created.Add(time.Hour)},
			`{"v":1,"created":"2026-03-09T11:00:00.001Z","load_ms":1.234,"fresh_until":"2026-03-09T12:00:00.001Z","value":{"id":42}}`,
		},
		"null": {
			entry{value: []byte(`null`), created: created, fresh: created},
			`{"v":1,"created":"2026-03-09T11:00:00.001Z","load_ms":0,"fresh_until":"2026-03-09T11:00:00.001Z","value":null}`,
		},
		"negative": {
			entry{missing: true, created: created, fresh: created.Add(30 * time.Second)},
			`{"v":1,"created":"2026-03-09T11:00:00.001Z","load_ms":0,"fresh_until":"2026-03-09T11:00:30.001Z","missing":true}`,
		},
	}
	for name, tt := range tests {
		raw, err := tt.entry.encode()
		if err != nil || string(raw) != tt.want {
			t.Errorf("%s: %s, %v, want %s", name, raw, err, tt.want)
		}
		back, err := decode(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(back.value, tt.entry.value) || back.missing != tt.entry.missing ||
			!back.fresh.Equal(tt.entry.fresh.Truncate(time.Millisecond)) || !back.created.Equal(created.Truncate(time.Millisecond)) ||
			back.delta != tt.entry.delta.Truncate(time.Microsecond) {
			t.Errorf("%s: back comes %+v, want %+v", name, back, tt.entry)
		}
	}
	if _, err := (&entry{missing: true, created: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}).encode(); err == nil {
		t.Error("a time that JSON cannot hold was encoded")
	}
}

// TestDecodeRefuses: what others have put under our keys is a miss.
func TestDecodeRefuses(t *testing.T) {
	tests := map[string]string{
		"nothing":           ``,
		"no JSON":           `product 42`,
		"the bare value":    `{"id":42,"name":"Ash Desk"}`,
		"another version":   `{"v":2,"created":"2026-03-09T11:00:00Z","load_ms":1,"fresh_until":"2026-03-09T12:00:00Z","value":1}`,
		"neither":           `{"v":1,"created":"2026-03-09T11:00:00Z","load_ms":1,"fresh_until":"2026-03-09T12:00:00Z"}`,
		"both":              `{"v":1,"created":"2026-03-09T11:00:00Z","load_ms":1,"fresh_until":"2026-03-09T12:00:00Z","missing":true,"value":1}`,
		"negative time":     `{"v":1,"created":"2026-03-09T11:00:00Z","load_ms":-1,"fresh_until":"2026-03-09T12:00:00Z","value":1}`,
		"a load of a year":  `{"v":1,"created":"2026-03-09T11:00:00Z","load_ms":3e10,"fresh_until":"2026-03-09T12:00:00Z","value":1}`,
		"no end":            `{"v":1,"created":"2026-03-09T11:00:00Z","load_ms":1,"value":1}`,
		"cut off":           `{"v":1,"created":"2026-03-09T11:00:00Z","load_ms":1,"fresh_until":"2026-03-09T12:00:00Z","value":{"id":4`,
		"an early value":    `{"value":1,"v":1,"created":"2026-03-09T11:00:00Z","load_ms":1,"fresh_until":"2026-03-09T12:00:00Z"}`,
		"a nested value":    `{"v":1,"created":"2026-03-09T11:00:00Z","load_ms":1,"fresh_until":"2026-03-09T12:00:00Z","x":{"y":1,"value":1}}`,
		"two values":        `{"v":1,"created":"2026-03-09T11:00:00Z","load_ms":1,"fresh_until":"2026-03-09T12:00:00Z","value":1,"value":2}`,
		"an empty value":    `{"v":1,"created":"2026-03-09T11:00:00Z","load_ms":1,"fresh_until":"2026-03-09T12:00:00Z","value":}`,
		"something after":   `{"v":1,"created":"2026-03-09T11:00:00Z","load_ms":1,"fresh_until":"2026-03-09T12:00:00Z","value":1} x`,
		"a time of no kind": `{"v":1,"created":"yesterday","load_ms":1,"fresh_until":"2026-03-09T12:00:00Z","value":1}`,
	}
	for name, raw := range tests {
		if e, err := decode([]byte(raw)); err == nil {
			t.Errorf("%s: %+v, want an error", name, e)
		}
	}
}

func TestStaleAt(t *testing.T) {
	now := time.Now()
	e := entry{fresh: now}
	for after, want := range map[time.Duration]bool{-1: false, 0: true, time.Hour: true, -time.Hour: false} {
		if got := e.staleAt(now.Add(after)); got != want {
			t.Errorf("stale %v after the end of its fresh life: %v", after, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"v":1,"created":"2026-03-09T11:00:00.001Z","load_ms":1.234,"fresh_until":"2026-03-09T12:00:00.001Z","value":{"id":42}}`,
		`{"v":1,"created":"2026-03-09T11:00:00Z","load_ms":0,"fresh_until":"2026-03-09T11:00:30Z","missing":true}`,
		`{"v":1,"value":null}`, `[]`, `{"v":1,"load_ms":1e308}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := decode(raw)
		if err != nil {
			return
		}
		if e.missing != (e.value == nil) || !e.missing && !json.Valid(e.value) || e.delta < 0 {
			t.Fatalf("%q became %+v", raw, e)
		}
		again, err := e.encode()
		if err != nil {
			t.Fatalf("%q does not encode again: %v", raw, err)
		}
		if _, err := decode(again); err != nil {
			t.Fatalf("%q became %q, which does not decode: %v", raw, again, err)
		}
	})
}
