// Package collectors runs the collectors of all sources in common rounds.
//
// A collector reads one source and returns what it says, with the source's own
// time; it never computes a rate. [Live] runs them: each with its own timeout, a
// recover and no overlap with itself, so that a hung, panicking or failing one
// delays nobody. How each attempt went is part of the data ([snapshot.Poll]).
// Jobs may come and go between rounds, as their targets do.
package collectors

import (
	"context"
	"time"

	"apitop/collectors/snapshot"
)

// Collector reads one source. Collect is never called twice at once; it must
// return soon after ctx ends. It returns a reading and, on failure, an error
// whose chain holds a [snapshot.Failure] where the cause is known. A reading and
// an error may come together: the reading counts and the error is shown.
type Collector interface {
	Source() snapshot.Source
	Collect(ctx context.Context) (snapshot.Reading, error)
}

// Noter is what a collector implements beside Collector when parts of its
// reading can be off while the rest works. Notes is called after Collect, by
// the same goroutine.
type Noter interface {
	Notes() []snapshot.Note
}

// Pacer is what a collector implements beside Collector when its source has
// something new more seldom than rounds come. Rest is called after Collect, by
// the same goroutine; rounds leave the collector out until so long after that
// Collect began. Zero is for the next round.
type Pacer interface {
	Rest() time.Duration
}

// Job is a collector with its place in the rounds.
type Job struct {
	Collector Collector
	Every     int           // run in every Every-th round; 0 counts as 1
	Timeout   time.Duration // for one Collect; 0 = 80 % of the interval
}
