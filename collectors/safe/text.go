// Package safe makes strings from outside fit to be drawn on a terminal.
//
// Every string that a source hands us (label values, Redis keys, SQL, user
// ids, error texts) becomes a [Text] where it enters the program, once. From
// there on it cannot carry a control byte, an escape sequence, a bidi override
// or a character whose width terminals disagree on. Nothing is dropped in
// silence: what may not be drawn is escaped. Still, two different strings may
// look alike (a byte 0x1b and the two characters "^[" do, as do letters of two
// scripts): identity is by the raw bytes, never by the picture.
package safe

import "encoding/json"

// Text is a string from outside: the bytes as they came, for identity and for
// commands sent back to the source, and their safe picture. Two Texts made by
// [New] are equal when their bytes are; compare [Text.Raw] when one may come
// from [Short]. The zero value is the empty string. A Text never changes and may
// be shared between goroutines.
type Text struct {
	raw, shown string
}

// New takes s in whole. It costs no allocation when s is printable ASCII.
func New(s string) Text { return Text{raw: s, shown: Clean(s, 0)} }

// Short is [New] with a picture of about cells cells at most, ended by "…".
// The raw bytes stay whole.
func Short(s string, cells int) Text { return Text{raw: s, shown: Clean(s, cells)} }

// Raw is the string as it came. Never draw, print or log it.
func (t Text) Raw() string { return t.raw }

// String is the picture: one line, valid UTF-8, no control characters.
func (t Text) String() string { return t.shown }

// GoString keeps the raw bytes out of %#v.
func (t Text) GoString() string { return t.shown }

// IsZero tells whether the string is empty.
func (t Text) IsZero() bool { return t.raw == "" }

// MarshalJSON writes the picture, so that no file holds what must not be drawn.
// The raw bytes do not survive where the picture differs from them.
func (t Text) MarshalJSON() ([]byte, error) { return json.Marshal(t.shown) }

// UnmarshalJSON reads any JSON string and cleans it again.
func (t *Text) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*t = New(s)
	return nil
}
