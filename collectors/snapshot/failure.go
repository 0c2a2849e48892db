package snapshot

import (
	"errors"

	"apitop/collectors/safe"
)

// FailureKind says why a source gave nothing.
type FailureKind string

// The kinds of failure. Screens choose glyph and colour by them.
const (
	Unreachable FailureKind = "unreachable" // refused, DNS, TLS, timeout
	Denied      FailureKind = "denied"      // credentials or permissions
	Unsupported FailureKind = "unsupported" // it answers, but not what we can read
	NoData      FailureKind = "no data"     // it answers, with nothing in it
	Internal    FailureKind = "internal"    // our own fault: a panic
)

// Failure is a source's error as data: what happened and what to do. It holds
// no secret and nothing that a terminal would obey. It implements error.
type Failure struct {
	Kind FailureKind
	What safe.Text // "connection refused", "localhost:6379 answers as Redis, not as metrics"
	Fix  string    // what to do, one line; empty when nobody can say
}

// Error joins what happened and what to do.
func (f *Failure) Error() string {
	if f.Fix == "" {
		return f.What.String()
	}
	return f.What.String() + ": " + f.Fix
}

// Fail makes a Failure; what may hold anything.
func Fail(kind FailureKind, what, fix string) *Failure {
	return &Failure{Kind: kind, What: safe.Short(what, 200), Fix: fix}
}

// FailureOf finds the Failure in err's chain, or makes one of kind Unreachable
// from its text. It returns nil for a nil err.
func FailureOf(err error) *Failure {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	return Fail(Unreachable, err.Error(), "")
}

// NodeNote says that one of several nodes failed, which is no failure of the
// source: that would be asked more seldom.
func NodeNote(node safe.Text, err error) Note {
	f := FailureOf(err)
	return Note{What: safe.New("node " + node.Raw() + ": " + f.What.Raw()), Fix: f.Fix}
}
