package redisconn

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// hidden is what every picture of a secret shows.
const hidden = "xxxxx"

// secret holds a password. It sits in a closure and not in a field, so that no
// printer that walks structs by reflection (%+v, a dump) can reach it either.
// The zero value is the empty password.
type secret struct{ reveal func() string }

func newSecret(s string) secret {
	if s == "" {
		return secret{}
	}
	return secret{reveal: func() string { return s }}
}

// value is the password itself, for the server and nobody else.
func (s secret) value() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// String hides the password.
func (secret) String() string { return hidden }

// GoString hides the password from %#v.
func (secret) GoString() string { return hidden }

// Format hides the password from every verb.
func (secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalJSON hides the password.
func (secret) MarshalJSON() ([]byte, error) { return json.Marshal(hidden) }

// LogValue hides the password from slog.
func (secret) LogValue() slog.Value { return slog.StringValue(hidden) }
