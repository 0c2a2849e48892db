package snapshot

import (
	"bytes"
	"encoding/json"
	"math"

	"apitop/collectors/safe"
)

// Value is a number that may be unknown. Unknown is not zero: a rate without a
// baseline, a ratio over nothing. The zero Value is unknown.
type Value struct {
	V  float64
	OK bool
}

// Known is the Value v; a NaN or an infinity is unknown, since JSON has no word
// for them.
func Known(v float64) Value {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Value{}
	}
	return Value{V: v, OK: true}
}

// MarshalJSON writes the number, or null when it is unknown.
func (v Value) MarshalJSON() ([]byte, error) {
	if !v.OK {
		return []byte("null"), nil
	}
	return json.Marshal(v.V)
}

// UnmarshalJSON reads a number or null.
func (v *Value) UnmarshalJSON(b []byte) error {
	*v = Value{}
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	if err := json.Unmarshal(b, &v.V); err != nil {
		return err
	}
	v.OK = true
	return nil
}

// Fact is one thing known of a source: Value is a string made in this program,
// a [safe.Text], an int, a bool or a [Value].
type Fact struct {
	Name  string // snake_case, with its unit
	Value any
}

// text is a Fact of s that is left out when s is empty.
func text(name string, s safe.Text) []Fact {
	if s.IsZero() {
		return nil
	}
	return []Fact{{name, s}}
}
