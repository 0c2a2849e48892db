package collectors

import (
	"context"

	"apitop/collectors/snapshot"
)

// Absent stands for a source that is known to be missing and need not be: it
// reads nothing, does not fail, and says what is missing and how to get it.
type Absent struct {
	From snapshot.Source
	Note snapshot.Note
}

// Source implements [Collector].
func (a Absent) Source() snapshot.Source { return a.From }

// Collect implements [Collector].
func (a Absent) Collect(context.Context) (snapshot.Reading, error) { return nil, nil }

// Notes implements [Noter].
func (a Absent) Notes() []snapshot.Note { return []snapshot.Note{a.Note} }
