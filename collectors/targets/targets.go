// Package targets finds what to scrape: the addresses behind a DNS name, the
// files of Prometheus' file-based discovery, the jobs of a prometheus.yml. It
// finds again and again, as all of them change while a service runs.
//
// A target is what Prometheus would scrape: labels are filled, relabelled and
// read by its rules. What is not supported is said and left out, never guessed.
package targets

import (
	"context"
	"slices"
	"sync"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

// MaxTargets bounds how many targets one Watcher gives.
const MaxTargets = 2000

// Target is one metrics page. It never changes.
type Target struct {
	URL    safe.Secret[string] // it may hold user, password and tokens
	Dial   string              // host:port to connect to instead of the URL's; empty: none
	Name   safe.Text           // unique among a Watcher's: the instance, and the path when it is not /metrics
	Labels map[string]string   // instance, job and those of the user's own
	Web    web.Settings
	job    *job
}

// Same tells whether t and o are the same page, asked in the same way.
func (t Target) Same(o Target) bool {
	return t.Name == o.Name && t.Dial == o.Dial && t.job == o.job && t.URL.Reveal() == o.URL.Reveal()
}

// Watcher finds targets again and again. It is a collector, so that what goes
// wrong is shown as with any source: Collect brings the list up to date. Collect
// and Notes are for one goroutine; Targets is for any.
type Watcher struct {
	source snapshot.Source
	finder finder
	clock  func() time.Time
	notes  []snapshot.Note

	mu      sync.Mutex // guards list and version: rounds take them while Collect runs
	list    []Target
	version int
}

// finder is the way of finding. It gives the last good targets and a note when
// it can find no new ones, and an error when there are none.
type finder interface {
	find(ctx context.Context, now time.Time) ([]Target, []snapshot.Note, error)
}

// Every is how often to call Collect. Files are looked at each time, DNS less
// often.
const Every = 5 * time.Second

func newWatcher(name string, f finder) *Watcher {
	return &Watcher{
		source: snapshot.Source{Name: safe.New("targets " + name), Kind: snapshot.KindTargets},
		finder: f,
		clock:  time.Now,
	}
}

// Source names what targets are taken from.
func (w *Watcher) Source() snapshot.Source { return w.source }

// String names the Watcher: its fields may hold secrets.
func (w *Watcher) String() string { return w.source.Name.String() }

// GoString keeps the fields out of %#v.
func (w *Watcher) GoString() string { return w.String() }

// Notes says what of the newest search could not be used.
func (w *Watcher) Notes() []snapshot.Note { return w.notes }

// Collect finds the targets anew. The reading is a *[snapshot.Targets]; the
// error is a [snapshot.Failure] for when there are none. As long as it does not
// know better, the Watcher keeps the targets it had.
func (w *Watcher) Collect(ctx context.Context) (snapshot.Reading, error) {
	found, notes, err := w.finder.find(ctx, w.clock())
	list, more := named(found)
	w.notes = slices.Concat(notes, more)
	if err != nil && len(list) == 0 {
		return nil, err
	}
	for _, f := range failures(err) {
		w.notes = append(w.notes, snapshot.Note{What: f.What, Fix: f.Fix})
	}
	w.set(list)
	if len(list) == 0 {
		return &snapshot.Targets{}, snapshot.Fail(snapshot.NoData, "there are no targets", "")
	}
	return &snapshot.Targets{Found: len(list)}, nil
}

func (w *Watcher) set(list []Target) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.version > 0 && slices.EqualFunc(w.list, list, Target.Same) {
		return
	}
	w.list = list
	w.version++
}

// Targets is the newest list, in a stable order, and a number that changes with
// it; 0: nothing was found yet. The list must not be changed.
func (w *Watcher) Targets() (list []Target, version int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.list, w.version
}

// one is the finder of a single job.
type one struct{ job *job }

func (o one) find(ctx context.Context, now time.Time) ([]Target, []snapshot.Note, error) {
	return o.job.find(ctx, now)
}
