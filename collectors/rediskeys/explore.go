package rediskeys

import (
	"context"
	"fmt"
	"slices"
	"time"

	"apitop/collectors/ratelimit"
	"apitop/collectors/redisconn"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// explorer walks over the keyspace, pass after pass.
type explorer struct {
	cursor string    // of the next SCAN; empty: the pass has no more pages
	active bool      // a pass is underway
	begun  time.Time // of the pass
	looked float64   // keys of this pass that were looked at so far
	whole  bool      // a pass was finished
	passes int       // finished
	long   int       // keys with names too long to keep, in the last whole pass
	longer int       // the same in this pass so far

	questions questions // of the last pipeline; kept for its space

	page  []listed   // keys of the last page that are to be looked at
	found []*limiter // what may be limiters of the page
	names []string   // the keys of the page by which they were found

	now      survey // of this pass
	shown    []snapshot.KeyGroup
	sample   []sampled // of the last whole pass, as shown
	sampleOf uint64    // keys
}

const (
	pageKeys    = 84 // keys a page: a larger one stalls the server, one of these fits a pipeline
	mostAsked   = 99 // commands about keys in a pipeline: one more is SCAN
	mostPages   = 600
	slowPage    = 10 * time.Millisecond // beyond a light round trip: the server has much to do
	betweenRuns = 2 * time.Second       // a pass starts no sooner after the last one began
	mostName    = redisconn.LongestName // bytes: longer key names are not kept
	// bothAtOnce is the size of a keyspace in which a pass asks for the use and
	// the size of each key. In a larger one the passes take turns, so that hot
	// keys are found in half the time.
	bothAtOnce = 200_000
)

// listed is a key of a page.
type listed struct {
	key  string
	kept bool // a record or a limiter: only the sample may ask for it
}

// restart begins the keyspace anew.
func (e *explorer) restart() { *e = explorer{} }

// explore reads pages of the keyspace while the budget and the round last, and
// looks at what it took on.
func (w *walker) explore(ctx context.Context) error {
	for range mostPages {
		if !w.gate.budget.mayExplore() || !w.hasTime(ctx) || !w.explorer.begin(time.Now()) {
			break
		}
		more, err := w.turnPage(ctx)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if w.cache.unseen >= probeBatch {
			if err := w.probeNew(ctx); err != nil {
				return err
			}
		}
	}
	return w.probeNew(ctx)
}

// probeNew looks at the keys that were taken on.
func (w *walker) probeNew(ctx context.Context) error {
	if w.cache.unseen == 0 {
		return nil
	}
	w.cache.unseen = 0
	return w.probe(ctx, w.cache.fresh())
}

// begin starts a pass when it is time; false when there is nothing to do.
func (e *explorer) begin(now time.Time) bool {
	if e.active {
		return true
	}
	if !e.begun.IsZero() && now.Sub(e.begun) < betweenRuns {
		return false
	}
	e.active, e.cursor, e.begun, e.looked, e.longer = true, "0", now, 0, 0
	e.now = newSurvey()
	return true
}

// turnPage looks at the keys of a page and fetches the next one, in one
// pipeline: that halves the round trips. It tells whether to go on.
func (w *walker) turnPage(ctx context.Context) (more bool, err error) {
	e := &w.explorer
	if all, err := w.readFound(ctx); err != nil || !all {
		return false, err // the rest of the page next round
	}
	q := &e.questions
	w.ask(q, e.page)
	batch := e.page[:len(q.use)]
	n := len(q.asks)
	scan := len(batch) == len(e.page) && e.cursor != ""
	if scan {
		q.asks = append(q.asks, redisconn.Ask{Verb: redisconn.AskPage, Key: e.cursor, Count: pageKeys})
	}
	start := time.Now()
	replies, err := w.gate.sweep(ctx, q.asks)
	if err != nil {
		return false, err
	}
	w.answers(batch, q, replies)
	e.looked += float64(len(batch))
	e.page = e.page[len(batch):]
	if scan {
		if p, ok := replies[n].(redisconn.Page); ok {
			w.visit(p)
		} else {
			*e = explorer{begun: time.Now(), whole: e.whole} // not permitted, or no answer to SCAN
			return false, nil
		}
	}
	if e.cursor == "" && len(e.page)+len(e.found) == 0 {
		w.finish()
		return false, nil
	}
	return time.Since(start) <= w.gate.budget.baseline+slowPage, nil
}

// visit takes a page: each key is counted, and what is not followed yet is to be
// looked at.
func (w *walker) visit(p redisconn.Page) {
	e := &w.explorer
	if e.cursor = p.Cursor; p.Cursor == "0" {
		e.cursor = ""
	}
	n := float64(len(p.Keys) + p.Cut)
	e.looked += float64(p.Cut) // more than their names is not wanted
	e.longer += p.Cut
	e.page, e.found, e.names = e.page[:0], nil, nil
	e.now.at = time.Now()
	e.now.seen += n
	for _, key := range p.Keys {
		e.now.groups.add(key)
		switch {
		case w.bookkeeping(key) || w.limiters.keys[key] != nil:
			e.page = append(e.page, listed{key, true})
		case w.other.has(key):
			e.page = append(e.page, listed{key, false})
		case w.limiters.dull.has(key): // a limiter for which there was no room
			e.page = append(e.page, listed{key, true})
		default:
			w.sort(key)
		}
	}
}

// sort tells a limiter's key from others by what it is called.
func (w *walker) sort(key string) {
	e := &w.explorer
	ref, ok := ratelimit.Match(w.limiters.layouts, key)
	switch {
	case !ok:
		e.page = append(e.page, listed{key, false})
	case w.limiters.knows(ref.Key): // not always the key that was matched
		e.page = append(e.page, listed{key, true})
	default:
		e.found, e.names = append(e.found, &limiter{ref: ref}), append(e.names, key)
	}
}

// readFound reads the keys that may be limiters. Those that are not, though
// they are called alike, are keys like any other.
func (w *walker) readFound(ctx context.Context) (all bool, err error) {
	e := &w.explorer
	if len(e.found) == 0 {
		return true, nil
	}
	if all, err = w.readLimiters(ctx, e.found); err != nil || !all {
		return false, err
	}
	for i, k := range e.found {
		other := k.last.At.IsZero() && !w.blind()
		if other {
			w.other.add(e.names[i])
		}
		e.page = append(e.page, listed{e.names[i], !other})
	}
	e.found, e.names = nil, nil
	return true, nil
}

// blind tells that limiters may not be read: then what is called like one is
// taken for one.
func (w *walker) blind() bool {
	return slices.ContainsFunc(w.gate.Refusals(), func(r redisconn.Refusal) bool {
		switch r.Command {
		case "object|freq", "object|idletime", "memory|usage", "config|get", "info", "time", "dbsize":
			return false
		}
		return true
	})
}

// questions are what is asked about a page.
type questions struct {
	asks       []redisconn.Ask
	use, bytes []int // of each key, the number of its answer; -1: not asked
	ttl        []int
	place      []int // in the sample; -1: none
}

func (q *questions) clear() {
	q.asks, q.use, q.bytes, q.ttl, q.place = q.asks[:0], q.use[:0], q.bytes[:0], q.ttl[:0], q.place[:0]
}

// add asks for something of a key, and tells the number of the answer.
func (q *questions) add(v redisconn.Verb, key string) int {
	q.asks = append(q.asks, redisconn.Ask{Verb: v, Key: key})
	return len(q.asks) - 1
}

// ask puts into q what to ask about the first keys of a page, as many as a
// pipeline has room for: their use and their size, and what the sample needs to
// know.
func (w *walker) ask(q *questions, keys []listed) {
	q.clear()
	both := w.head.size <= bothAtOnce
	verb, tells := w.cache.how.verb()
	sizes := w.explorer.passes%2 == 1 || !tells
	for _, k := range keys {
		if len(q.asks) > mostAsked-3 {
			break
		}
		key, use, bytes, ttl := k.key, -1, -1, -1
		known := k.kept || w.cache.knows(key)
		place := w.explorer.now.sample.offer(key)
		if !known && tells && (both || !sizes) {
			use = q.add(verb, key)
		}
		if !known && (both || sizes) || place >= 0 {
			bytes = q.add(redisconn.AskBytes, key)
		}
		if place >= 0 {
			ttl = q.add(redisconn.AskTTL, key)
		}
		q.use, q.bytes, q.ttl, q.place = append(q.use, use), append(q.bytes, bytes), append(q.ttl, ttl), append(q.place, place)
	}
}

// answers takes the replies to questions.
func (w *walker) answers(keys []listed, q *questions, replies []any) {
	answer := func(i int) any {
		if i < 0 {
			return redisconn.ErrRefused
		}
		return replies[i]
	}
	clock := w.head.now()
	for i, k := range keys {
		f := candidate{key: k.key, use: answer(q.use[i]), bytes: answer(q.bytes[i])}
		if q.place[i] >= 0 {
			w.explorer.now.sample.answer(q.place[i], answer(q.ttl[i]), f.bytes)
		}
		if q.use[i] >= 0 {
			w.cache.how.refused(f.use)
		}
		if !k.kept {
			w.cache.consider(f, clock)
		}
	}
}

// finish ends a pass.
func (w *walker) finish() {
	e := &w.explorer
	e.active, e.whole, e.long, e.page = false, true, e.longer, nil
	e.passes++
	e.settle(w.head.size)
	e.now = newSurvey()
}

// coverage is the share of the keyspace that was looked at, 0..1: 1 once a pass was
// finished, and not before, though SCAN may give a key twice; unknown where the
// size is.
func (e *explorer) coverage(size float64) snapshot.Value {
	switch {
	case e.whole:
		return snapshot.Known(1)
	case size <= 0:
		return snapshot.Value{}
	default:
		return snapshot.Known(min(e.looked, size-1) / size)
	}
}

func (e *explorer) notes() []snapshot.Note {
	n := max(e.long, e.longer)
	if n == 0 {
		return nil
	}
	return []snapshot.Note{{What: safe.New(fmt.Sprintf("keys with names of more than %d bytes are not followed: %d seen", mostName, n))}}
}

// bookkeeping tells keys in which an app or a limiter keeps its records; they
// are neither cached answers nor limits.
func (w *walker) bookkeeping(key string) bool {
	return key == appCounts || key == "last_access" || ratelimit.IsNeighbour(w.limiters.layouts, key)
}
