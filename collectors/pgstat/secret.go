package pgstat

import (
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
)

// redacted is what every way to print a secret gives.
const redacted = "xxxxx"

// secret holds the connection settings, password included. It can be copied
// and passed on, but not printed, logged or marshalled. They are behind a
// function, as fmt looks into unexported fields without asking for methods:
// %s of a structure that held a pointer would show them.
type secret struct{ reveal func() *pgx.ConnConfig }

func newSecret(c *pgx.ConnConfig) secret {
	return secret{func() *pgx.ConnConfig { return c }}
}

// String implements fmt.Stringer.
func (secret) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (secret) GoString() string { return redacted }

// Format implements fmt.Formatter: no verb looks inside.
func (secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalJSON implements json.Marshaler.
func (secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue implements slog.LogValuer.
func (secret) LogValue() slog.Value { return slog.StringValue(redacted) }
