package pgstat

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"apitop/collectors/snapshot"
)

// errFormat is in the chain of errors about answers that are not as asked for.
var errFormat = errors.New("unexpected answer of the server")

var errNoRow = fmt.Errorf("%w: no row", errFormat)

// fields decodes one row in PostgreSQL's text format. The first value that does
// not decode sets err; later ones are zero then.
type fields struct {
	raw [][]byte
	err error
}

func (f *fields) at(i int) []byte {
	if i >= len(f.raw) {
		f.fail(fmt.Errorf("%w: column %d is missing", errFormat, i))
		return nil
	}
	return f.raw[i]
}

func (f *fields) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

func (f *fields) null(i int) bool    { return f.at(i) == nil }
func (f *fields) text(i int) string  { return string(f.at(i)) }
func (f *fields) boolean(i int) bool { b := f.at(i); return len(b) == 1 && b[0] == 't' }

// integer is a whole number; 0 for NULL.
func (f *fields) integer(i int) int64 {
	b := f.at(i)
	if b == nil {
		return 0
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		f.fail(fmt.Errorf("%w: column %d is no integer", errFormat, i))
	}
	return n
}

// float is any number; 0 for NULL. Short whole numbers, which most counters
// are, take a fast way.
func (f *fields) float(i int) float64 {
	b := f.at(i)
	if n, ok := digits(b); ok {
		return float64(n)
	}
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		f.fail(fmt.Errorf("%w: column %d is no number", errFormat, i))
	}
	return v
}

// digits reads up to 18 decimal digits; no digits are 0.
func digits(b []byte) (n int64, ok bool) {
	if len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// value is a number that may be NULL: unknown.
func (f *fields) value(i int) snapshot.Value {
	if f.null(i) {
		return snapshot.Value{}
	}
	return snapshot.Known(f.float(i))
}

// moment is a time given as Unix seconds; the zero time for NULL.
func (f *fields) moment(i int) time.Time {
	if f.null(i) {
		return time.Time{}
	}
	s, frac := math.Modf(f.float(i))
	return time.Unix(int64(s), int64(math.Round(frac*1e6))*1000).UTC()
}
