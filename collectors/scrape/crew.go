package scrape

import (
	"fmt"
	"math"
	"slices"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Behind one address may answer several processes, each with a page of its own:
// the workers of a server, or what a load balancer spreads requests over. A
// connection leads to one of them. So several connections are made at first, and
// one now and then later; pages that cannot be of one process are told apart by
// their marks, and then one connection is held for each.
//
// Two pages that look alike are of one process when that is seen twice, while its
// totals move: of three pages read one right after the other, over connections A,
// B and A, the middle one is nowhere outside of the other two. Until then B is a
// lead that is kept and compared again.
//
// Where connections cannot be held (the server closes them, or a proxy spreads
// requests and not connections) each page is given to the process that it must be
// of, or to none.

// process is one of the processes behind an address.
type process struct {
	name     safe.Text      // of its readings
	reader   *Reader        // nil: none yet
	link     *link          // nil: not held
	marks    *marks         // of its newest page that was looked at
	before   *marks         // of the one before that, when it was read again to compare
	start    snapshot.Value // unix seconds
	seen     time.Time      // its newest page, by the server's clock
	total    float64        // requests on that page
	fromZero bool           // it began after the address was first read
	missed   int            // pages of others, got over new connections since it answered
}

// lead is a connection of which it is not known yet who is at its other end.
type lead struct {
	link  *link
	like  []*process // it may be one of them; nil: any
	page  reply      // newest
	older reply      // the one before; without a reading at first
	base  reply      // the newest whose totals are those of the first
	equal int        // times that it was found to be like them, their totals moving
	alien int        // times that it was like none
	still int        // times in a row that nothing moved
}

// crew is what is known of the processes behind an address.
type crew struct {
	list  []*process
	leads []*lead
	spare *Reader // for pages of whom is not known yet
	met   time.Time
	named int // numbers given

	twins int       // leads that were given up as most likely known
	known int       // connections in a row that led to known ones
	tried int       // connections since the last was found
	sure  bool      // all are known, as far as can be
	watch time.Time // when to try again
	large bool      // pages are, so that fewer connections must do

	round  int             // number of this one
	roams  bool            // connections cannot be held
	died   int             // rounds in a row whose connections had been closed in between
	shake  float64         // how much start times differ by themselves, in seconds
	moody  map[string]bool // series that fall though their process goes on
	unsure int             // pages of this round that could be of several
	missed time.Time       // when a process was found last that had counted unseen

	chain   *marks // newest page that could be of any
	chained int    // such pages in a row that each go on from the one before
}

// doubt is how likely it may be that one more process is there, unseen, when it
// is said that all are known.
const doubt = 1e-4

// enough is how many connections in a row must lead to known processes: if there
// were one more, each would have missed it with n/(n+1). Of one process, which is
// what most addresses are, less will do: it is looked for again each minute.
func (c *crew) enough() int {
	n := float64(len(c.list))
	switch {
	case n > 1:
		return int(math.Ceil(math.Log(doubt) / math.Log(n/(n+1))))
	case c.large:
		return 4
	}
	return 8
}

// mostTried is how many connections are made to find them all; from then on one
// is tried now and then.
const mostTried = 64

// pauses between the connections that look for new processes.
const (
	watchOne  = time.Minute
	watchMany = 10 * time.Second
)

// hit counts a connection that led to a known process.
func (c *crew) hit() {
	c.known++
	c.sure = c.sure || c.known >= c.enough()
}

// searching tells whether a further connection is due.
func (c *crew) searching(now time.Time) bool {
	switch {
	case c.known < c.enough() && c.tried < mostTried:
		return true
	case now.Before(c.watch):
		return false
	case c.watch.IsZero(): // found them all just now
	case len(c.list) == 1:
		c.known, c.tried = min(c.known, c.enough()-2), 0
	default:
		c.known, c.tried = min(c.known, c.enough()-1), mostTried-1
	}
	c.watch = now.Add(watchMany)
	if len(c.list) == 1 {
		c.watch = now.Add(watchOne)
	}
	return c.known < c.enough()
}

// follows tells whether b may be a later page of the process that wrote a.
func (c *crew) follows(a, b *marks) bool {
	return !a.unlike(b, c.shakes()) &&
		!slices.ContainsFunc(a.fell(b), func(key string) bool { return !c.moody[key] })
}

// excuse notes what fell from one page of a connection to the next: it proves
// nothing then. It tells whether there was anything.
func (c *crew) excuse(a, b *marks) (any bool) {
	for _, key := range a.fell(b) {
		any = any || !c.moody[key]
		c.moody[key] = true
	}
	return any
}

func (c *crew) shakes() float64 { return max(c.shake, exactly) }

// could lists who may have written a page with such marks.
func (c *crew) could(p *marks) []*process {
	var all []*process
	for _, w := range c.list {
		if c.follows(w.marks, p) {
			all = append(all, w)
		}
	}
	return all
}

// kin lists whom nothing fixed tells from who wrote a page with such marks.
func (c *crew) kin(p *marks) []*process {
	var all []*process
	for _, w := range c.list {
		if !w.marks.unlike(p, c.shakes()) {
			all = append(all, w)
		}
	}
	return all
}

// stranger tells whether a page is of none of them for certain.
func (c *crew) stranger(p *marks) bool { return len(c.kin(p)) == 0 }

// spareOf is the Reader for pages of whom is not known yet. While one process is
// known it is the Reader of that, r: most often it is its page, and costs no
// memory then.
func (c *crew) spareOf(r *Reader) *Reader {
	if len(c.list) == 1 {
		return r
	}
	if c.spare == nil {
		c.spare = r.twin()
	}
	return c.spare
}

// doubted tells whether a connection may lead to another process though nothing
// fixed says so. Until that is known no page is passed on, as it could be of one
// and the page before of the other.
func (c *crew) doubted() bool {
	return slices.ContainsFunc(c.leads, func(l *lead) bool { return l.alien > 0 && len(c.kin(l.page.marks)) > 0 })
}

// lost lists who is not held.
func (c *crew) lost() []*process {
	var all []*process
	for _, w := range c.list {
		if w.link == nil {
			all = append(all, w)
		}
	}
	return all
}

// miss counts a page over a new connection, which may be of one of like, and
// forgets whom none was of for so long that it must be gone.
func (c *crew) miss(like []*process) {
	gone := 8 + 9*len(c.list)
	for _, w := range slices.Clone(c.list) {
		if w.link != nil || slices.Contains(like, w) {
			continue
		}
		if w.missed++; w.missed > gone && len(c.list) > 1 {
			c.forget(w)
		}
	}
}

func (c *crew) forget(w *process) {
	c.list = slices.DeleteFunc(c.list, func(o *process) bool { return o == w })
}

// join makes a process of who answered with p. The first has the name of its
// address, so that nothing changes when others are found.
func (c *crew) join(target string, p reply) *process {
	c.named++
	name := target
	if c.named > 1 {
		name = fmt.Sprintf("%s worker %d", target, c.named)
	}
	w := &process{name: safe.New(name)}
	if c.met.IsZero() {
		c.met = p.date
	} else if p.StartTime.OK {
		w.fromZero = p.StartTime.V > seconds(c.met)+clockStep
	}
	if !w.fromZero && requestsOn(p) > 0 && p.date.Sub(c.met) > atFirst {
		c.missed = time.Now()
	}
	c.list = append(c.list, w)
	if len(c.list) > 1 {
		c.known, c.tried, c.sure = 0, 0, false
	}
	return w
}

// A process that is found within atFirst of the first page was there from the
// beginning. Of one found later it is said for saidFor that its counts until then
// are missing.
const (
	atFirst = 2 * time.Second
	saidFor = 5 * time.Minute
)

// clockStep is how far a Date header may be behind, in seconds.
const clockStep = 1

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

// replaced tells whether p is of a process that began after w was seen last.
func (w *process) replaced(p reply) bool {
	return w.start.OK && p.StartTime.OK && p.StartTime.V > w.start.V && p.StartTime.V > seconds(w.seen)-clockStep
}

const fixCrew = "set PROMETHEUS_MULTIPROC_DIR (Python), aggregate (Node: AggregatorRegistry), or scrape each process by an address of its own"

// notes says what is not known.
func (c *crew) notes() []snapshot.Note {
	what := fmt.Sprintf("this address is %d processes, perhaps more: totals may be incomplete", len(c.list))
	late := !c.missed.IsZero() && time.Since(c.missed) < saidFor
	switch {
	case len(c.list) < 2, c.unsure == 0 && c.sure && !late:
		return nil
	case c.unsure == 0 && late:
		what = fmt.Sprintf("this address is %d processes, one of them found late: what it counted until then is missing", len(c.list))
	case c.unsure > 0:
		what = "this address is several processes, and an answer cannot be told to be of one of them: totals are incomplete"
	}
	return []snapshot.Note{{What: safe.New(what), Fix: fixCrew}}
}
