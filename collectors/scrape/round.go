package scrape

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// round is one Collect: what it may still ask, and what it got.
type round struct {
	*Collector
	extra int       // requests beside one for each process
	until time.Time // when what is beside them must be over
	seeks bool      // connections are made to find further processes
	got   map[*process]reply
	notes []snapshot.Note
	err   error // beside a reading
}

// mostExtra is how many requests are made in a round beside one for each process,
// twice as many where pages are small.
const mostExtra = 4

// newRound begins a round.
func (c *Collector) newRound() *round {
	r := &round{Collector: c, extra: mostExtra, got: map[*process]reply{}}
	c.crew.round++
	c.crew.unsure = 0
	bytes := c.reader.src.total
	c.crew.large = bytes > 4<<20
	switch {
	case bytes > 1<<20:
		r.extra = mostExtra / 2
	case bytes < 64<<10:
		r.extra = mostExtra * 2
	}
	r.seeks = c.crew.searching(time.Now())
	return r
}

// Collect reads the page once. The reading is a *[snapshot.HTTP], or
// [snapshot.Pages] when several processes answer at the address; the time is
// when the response headers arrived. A page without samples gives both a reading
// and an error.
func (c *Collector) Collect(ctx context.Context) (snapshot.Reading, error) {
	c.notes = nil
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	if err := c.stillForeign(ctx); err != nil {
		return nil, err
	}
	began := time.Now()
	r := c.newRound()
	if err := r.regular(ctx); err != nil {
		return nil, c.explained(ctx, err)
	}
	r.more(ctx, time.Since(began))
	return r.reading()
}

// regular reads one page of each process.
func (r *round) regular(ctx context.Context) error {
	switch {
	case len(r.crew.list) == 0:
		return r.meet(ctx)
	case r.crew.roams:
		return r.visit(ctx)
	}
	read := r.held
	if len(r.crew.list) == 1 {
		read = r.single
	}
	if err := read(ctx); err != nil || !r.crew.roams || len(r.got) > 0 {
		return err
	}
	return r.visit(ctx) // nothing is held any more
}

// quick is how long the first scrape may have taken for others to follow at once:
// people wait for what it brought.
const quick = 25 * time.Millisecond

// more looks for processes that are not known, or not found any more. It may take
// half of the time that is left.
func (r *round) more(ctx context.Context, took time.Duration) {
	if r.crew.round == 1 && took > quick || r.err != nil {
		return
	}
	left := 10 * time.Second
	if end, ok := ctx.Deadline(); ok {
		left = time.Until(end)
	}
	r.until = time.Now().Add(min(left/2, 10*took+50*time.Millisecond))
	if r.crew.roams {
		r.roam(ctx)
		return
	}
	r.seek(ctx)
	r.compare(ctx)
}

// reading puts together what came.
func (r *round) reading() (snapshot.Reading, error) {
	var pages snapshot.Pages
	for _, w := range r.crew.list {
		if p, ok := r.got[w]; ok && !r.crew.doubted() {
			p.Target, p.FromZero = w.name, w.fromZero
			if pages = append(pages, p.HTTP); len(pages) == 1 {
				r.Collector.notes = slices.Concat(p.notes, r.web.Notes())
			}
		}
	}
	r.Collector.notes = slices.Concat(r.Collector.notes, r.crew.notes(), r.notes)
	switch {
	case len(pages) == 0 && r.crew.unsure > 0:
		return nil, snapshot.Fail(snapshot.Unsupported,
			r.target.name+" is several processes, and their answers cannot be told apart", fixCrew)
	case len(pages) == 0:
		return nil, r.err
	case len(r.crew.list) == 1:
		return pages[0], r.err
	}
	return pages, nil
}

// meet reads the first page.
func (r *round) meet(ctx context.Context) error {
	l := r.open()
	p, err := r.look(ctx, l, r.reader)
	if p.HTTP == nil {
		r.drop(l)
		return err
	}
	r.err = err
	r.crew.moody = map[string]bool{}
	r.crew.roams = p.closes
	w := r.join(p)
	w.reader = r.reader
	r.give(w, p, l)
	return nil
}

func (r *round) join(p reply) *process { return r.crew.join(r.target.name, p) }

// give takes p for a page of w, whom l leads to; nil: as before.
func (r *round) give(w *process, p reply, l *link) {
	w.marks, w.seen, w.start, w.missed, w.total = p.marks, p.date, p.StartTime, 0, requestsOn(p)
	switch {
	case l == nil:
	case p.closes || r.crew.roams:
		r.drop(l)
	case w.link != l:
		r.drop(w.link)
		w.link = l
	}
	r.got[w] = p
}

// single reads the page of the one process that is known, at no more cost than
// if there could be no others.
func (r *round) single(ctx context.Context) error {
	w := r.crew.list[0]
	if w.link == nil {
		w.link = r.open()
	}
	p, err := r.fetch(ctx, w.link, r.reader)
	if p.HTTP == nil {
		return err
	}
	r.err = err
	total := requestsOn(p)
	if p.fresh || p.StartTime != w.start || total < w.total || r.seeks || len(r.crew.leads) > 0 {
		p.marks = marksOf(r.reader, p.HTTP)
		r.placed(ctx, w, p)
		return nil
	}
	w.seen, w.total = p.date, total
	r.got[w] = p
	return nil
}

// placed takes a page that came over the link of w.
func (r *round) placed(ctx context.Context, w *process, p reply) {
	l := w.link
	switch {
	case p.fresh:
		w.link = nil
		r.arrived(ctx, p, l)
		r.outlived(w)
	case w.marks.unlike(p.marks, r.crew.shakes()):
		r.swapped(w, p)
	case requestsOn(p) < w.total:
		r.fallen(ctx, w, p)
	default:
		r.crew.died = 0
		r.give(w, p, nil)
	}
}

// fleeting is how many rounds in a row may find that connections were closed in
// between though processes went on, until none is held any more.
const fleeting = 3

// outlived notes when w has answered over a new connection.
func (r *round) outlived(w *process) {
	if p, ok := r.got[w]; !ok || !p.fresh || p.StartTime != w.start {
		return
	}
	if r.crew.died++; r.crew.died >= fleeting*len(r.crew.list) {
		r.wander()
	}
}

// wander ends the holding of connections.
func (r *round) wander() {
	r.crew.roams = true
	for _, w := range r.crew.list {
		r.drop(w.link)
		w.link = nil
	}
	for _, l := range r.crew.leads {
		r.drop(l.link)
	}
	r.crew.leads = nil
}

// swapped takes a page that came over the connection of w and cannot be of w. Some
// start times are computed anew for each page and tremble; otherwise a proxy gives
// each request to another process.
func (r *round) swapped(w *process, p reply) {
	const trembles = 0.05 // seconds: less than what is between processes that are started one after another
	d := max(p.StartTime.V-w.start.V, w.start.V-p.StartTime.V)
	same := *p.marks
	same.start = w.marks.start
	if p.StartTime.OK && w.start.OK && d <= trembles && r.crew.follows(w.marks, &same) {
		r.crew.shake = max(r.crew.shake, 1.5*d)
		r.give(w, p, nil)
		return
	}
	r.wander() // and drop the page: of pages read at once none is the later one
}

// requestsOn is how many requests a page counts in all.
func requestsOn(p reply) (n float64) {
	for _, c := range p.Requests {
		n += c.Total
	}
	return n
}

// fallen takes a page that came over the connection of w and counts less than the
// one before: the service set its counters back, unless a proxy gives requests to
// several processes, of which further pages tell.
func (r *round) fallen(ctx context.Context, w *process, p reply) {
	for range 2 * suspects {
		q, err := r.look(ctx, w.link, w.reader)
		if err != nil || q.fresh {
			break
		}
		if requestsOn(q) >= w.total {
			r.wander()
			return
		}
		p = q
	}
	r.give(w, p, nil)
}

// held reads a page of each process that a connection is held to, some at once.
func (r *round) held(ctx context.Context) error {
	type answer struct {
		w   *process
		p   reply
		err error
	}
	var answers []*answer
	var g errgroup.Group
	g.SetLimit(mostExtra)
	for _, w := range r.crew.list {
		if w.link == nil {
			continue
		}
		if w.reader == nil {
			w.reader = r.reader.twin()
		}
		a := &answer{w: w}
		answers = append(answers, a)
		g.Go(func() error {
			a.p, a.err = r.look(ctx, w.link, w.reader)
			return nil
		})
	}
	_ = g.Wait() // each has an error of its own
	var failed error
	for _, a := range answers {
		if a.p.HTTP == nil {
			r.drop(a.w.link)
			a.w.link, failed = nil, a.err
			continue
		}
		if r.crew.roams { // since the answer before
			break
		}
		r.placed(ctx, a.w, a.p)
	}
	if len(r.got) == 0 && failed != nil {
		return failed
	}
	if failed != nil {
		why := r.explained(ctx, failed)
		r.notes = append(r.notes, snapshot.Note{What: safe.Short("one of the processes: "+why.Error(), 200)})
	}
	return nil
}

// visit reads pages over new connections until each process has answered, or
// enough of them.
func (r *round) visit(ctx context.Context) (err error) {
	for n := len(r.crew.list); err == nil && len(r.got) < len(r.crew.list); n-- {
		if n <= 0 {
			if r.extra == 0 {
				break
			}
			r.extra--
		}
		err = r.call(ctx)
	}
	if len(r.got) > 0 {
		return nil // the others come another time
	}
	return err
}

// late tells whether there is no time for more beside a page of each process.
func (r *round) late(ctx context.Context) bool {
	return ctx.Err() != nil || !r.until.IsZero() && time.Now().After(r.until)
}

// within is for a request over a connection that may be lost. One over which a
// process is held has all the time of the round, once it was made.
func (r *round) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.until.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, r.until)
}

// call reads a page over a new connection.
func (r *round) call(ctx context.Context) error {
	ctx, cancel := r.within(ctx)
	defer cancel()
	l := r.open()
	p, err := r.look(ctx, l, r.crew.spareOf(r.reader))
	if p.HTTP == nil {
		r.drop(l)
		return err
	}
	r.arrived(ctx, p, l)
	return nil
}
