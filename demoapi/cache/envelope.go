package cache

import (
	"encoding/json"
	"errors"
	"fmt"
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

// envelope is what Redis holds under a key: one line of JSON, made to be read by
// people too. The facts come first, so that a preview shows them.
type envelope struct {
	Version    int             `json:"v"`
	Created    time.Time       `json:"created"`
	LoadMS     float64         `json:"load_ms"`
	FreshUntil time.Time       `json:"fresh_until"`
	Missing    bool            `json:"missing,omitempty"` // a negative entry, without a value
	Value      json.RawMessage `json:"value,omitempty"`
}

// encode returns the entry as Redis holds it.
func (e *entry) encode() ([]byte, error) {
	raw, err := json.Marshal(envelope{
		Version: envelopeVersion, Missing: e.missing, Value: e.value,
		Created:    e.created.UTC().Truncate(time.Millisecond),
		LoadMS:     float64(e.delta.Microseconds()) / 1000,
		FreshUntil: e.fresh.UTC().Truncate(time.Millisecond),
	})
	if err != nil {
		return nil, fmt.Errorf("cache: encode envelope: %w", err)
	}
	return raw, nil
}

// decode reads what Redis holds. Anything else than an envelope of this version
// is an error: another program's value, or one of an older release.
func decode(raw []byte) (*entry, error) {
	var e envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("cache: decode envelope: %w", err)
	}
	switch {
	case e.Version != envelopeVersion:
		return nil, fmt.Errorf("cache: envelope of version %d, want %d", e.Version, envelopeVersion)
	case e.Missing == (len(e.Value) > 0):
		return nil, errors.New("cache: envelope with neither or both of a value and its absence")
	case e.LoadMS < 0 || e.LoadMS > maxLoadMS || e.FreshUntil.IsZero():
		return nil, errors.New("cache: envelope without sensible times")
	}
	return &entry{
		value: e.Value, missing: e.Missing, created: e.Created, fresh: e.FreshUntil,
		delta: time.Duration(e.LoadMS * float64(time.Millisecond)),
	}, nil
}

// maxLoadMS is an hour: no load takes that long.
const maxLoadMS = 3_600_000
