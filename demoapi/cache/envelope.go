package cache

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// envelopeVersion is the format that [envelope] writes. Any other one is a miss.
const envelopeVersion = 1

// entry is a value on its way to a reader. It never changes.
type entry struct {
	value   []byte        // JSON; nil when missing
	missing bool          // the source has no such thing
	created time.Time     // when the load ended
	delta   time.Duration // how long the load took
	fresh   time.Time     // until then it is served without question
}

// staleAt reports whether the fresh life is over.
func (e *entry) staleAt(now time.Time) bool { return !now.Before(e.fresh) }

// envelope is what Redis holds under a key, but for the value, which comes last:
// one line of JSON, made to be read by people too. The facts come first, so that
// a preview shows them:
//
//	{"v":1,"created":"2026-03-09T11:00:00.001Z","load_ms":1.2,"fresh_until":"2026-03-09T12:00:00.001Z","value":{"id":42}}
//
// The times are by the writer's clock. Where clocks differ a value is refreshed
// sooner or later by that much; that it is gone in time is up to Redis.
type envelope struct {
	Version    int       `json:"v"`
	Created    time.Time `json:"created"`
	LoadMS     float64   `json:"load_ms"`
	FreshUntil time.Time `json:"fresh_until"`
	Missing    bool      `json:"missing,omitempty"` // a negative entry, without a value
}

// valueField separates the facts from the value. No fact is a text that could
// hold it.
const valueField = `,"value":`

// encode returns the entry as Redis holds it.
func (e *entry) encode() ([]byte, error) {
	raw, err := json.Marshal(envelope{
		Version: envelopeVersion, Missing: e.missing,
		Created:    e.created.UTC().Truncate(time.Millisecond),
		LoadMS:     float64(e.delta.Microseconds()) / 1000,
		FreshUntil: e.fresh.UTC().Truncate(time.Millisecond),
	})
	if err != nil {
		return nil, fmt.Errorf("cache: encode envelope: %w", err)
	}
	if e.missing {
		return raw, nil
	}
	raw = slices.Grow(raw, len(valueField)+len(e.value))
	raw = append(raw[:len(raw)-1], valueField...)
	return append(append(raw, e.value...), '}'), nil
}

// decode reads what Redis holds; the entry's value is a part of raw. Anything
// else than an envelope of this version is an error: another program's value, or
// one of an older release.
func decode(raw []byte) (*entry, error) {
	// The value is not decoded, only checked. Taking it as a json.RawMessage
	// would go through it three times.
	head, value, there := bytes.Cut(raw, []byte(valueField))
	if there {
		head = append(bytes.Clone(head), '}')
		var closed bool
		if value, closed = bytes.CutSuffix(value, []byte("}")); !closed || !json.Valid(value) {
			return nil, errors.New("cache: envelope with a broken value")
		}
	}
	var e envelope
	if err := json.Unmarshal(head, &e); err != nil {
		return nil, fmt.Errorf("cache: decode envelope: %w", err)
	}
	switch {
	case e.Version != envelopeVersion:
		return nil, fmt.Errorf("cache: envelope of version %d, want %d", e.Version, envelopeVersion)
	case e.Missing == there:
		return nil, errors.New("cache: envelope with neither or both of a value and its absence")
	case e.LoadMS < 0 || e.LoadMS > maxLoadMS || e.FreshUntil.IsZero():
		return nil, errors.New("cache: envelope without sensible times")
	}
	return &entry{
		value: value, missing: e.Missing, created: e.Created, fresh: e.FreshUntil,
		delta: time.Duration(e.LoadMS * float64(time.Millisecond)),
	}, nil
}

// maxLoadMS is an hour: no load takes that long.
const maxLoadMS = 3_600_000
