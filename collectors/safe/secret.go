package safe

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Hidden is what every picture of a secret shows.
const Hidden = "xxxxx"

// Secret holds a value that must never be printed, logged or marshalled: a
// password, or settings with one in them. It sits behind a function and not in a
// field, since fmt looks into unexported fields without asking for methods. It
// can be copied; the zero Secret holds the zero value.
type Secret[T any] struct{ reveal func() T }

// Hide makes a Secret of v.
func Hide[T any](v T) Secret[T] { return Secret[T]{reveal: func() T { return v }} }

// Reveal is the value itself, for the server and nobody else.
func (s Secret[T]) Reveal() (v T) {
	if s.reveal != nil {
		v = s.reveal()
	}
	return v
}

// UnmarshalText hides what a file says, for secrets that are strings; it fails
// for others.
func (s *Secret[T]) UnmarshalText(text []byte) error {
	var v T
	p, ok := any(&v).(*string)
	if !ok {
		return errors.New("a secret that is no string cannot be read from text")
	}
	*p = string(text)
	*s = Hide(v)
	return nil
}

// String hides the value.
func (Secret[T]) String() string { return Hidden }

// GoString hides the value from %#v.
func (Secret[T]) GoString() string { return Hidden }

// Format hides the value from every verb.
func (Secret[T]) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Hidden) }

// MarshalJSON hides the value.
func (Secret[T]) MarshalJSON() ([]byte, error) { return json.Marshal(Hidden) }

// LogValue hides the value from slog.
func (Secret[T]) LogValue() slog.Value { return slog.StringValue(Hidden) }
