package scrape

import (
	"context"
	"slices"
)

// arrived finds out whose page p is, which came over the new connection l; nil
// where connections are not held.
func (r *round) arrived(ctx context.Context, p reply, l *link) {
	r.crew.tried++
	if kin := r.crew.kin(p.marks); r.crew.roams && len(kin) > 1 {
		r.drop(l)
		r.untold(p, kin)
		return
	}
	like := r.crew.could(p.marks)
	r.crew.miss(like)
	if len(like) == 0 {
		r.unknown(ctx, p, l)
		return
	}
	if w := r.one(like); w != nil {
		r.give(w, p, l)
		if p.marks.told() || len(r.crew.list) == 1 {
			r.crew.hit()
		}
		return
	}
	if r.crew.roams || p.closes {
		r.crew.unsure++
		r.drop(l)
		return
	}
	r.crew.leads = append(r.crew.leads, &lead{link: l, like: like, page: p, base: p})
}

// oneChain is how many pages in a row that each go on from the one before are of
// one process, whatever was thought.
const oneChain = 30

// untold takes a page that may be of any of several processes, as connections are
// not held and nothing on the page says whose it is. That totals go on from one
// another proves little then: other processes have others.
func (r *round) untold(p reply, kin []*process) {
	c := &r.crew
	if c.chained++; c.chain == nil || !c.follows(c.chain, p.marks) {
		c.chained = 0
	}
	if c.chain = p.marks; c.chained < oneChain {
		c.unsure++
		return
	}
	c.chained = 0
	for _, w := range kin[1:] {
		c.forget(w)
		delete(r.got, w)
	}
	r.give(kin[0], p, nil)
}

// one is who alone can have written a page: one who is not held, as connections
// of those who are may only look alike. Processes that are the same in all are as
// good as one another.
func (r *round) one(like []*process) *process {
	first := like[0]
	for _, w := range like {
		if w.link != nil || !first.marks.equal(w.marks) {
			return nil
		}
		if _, ok := r.got[w]; !ok {
			first = w
		}
	}
	return first
}

// unknown takes a page that is of none of the known processes.
func (r *round) unknown(ctx context.Context, p reply, l *link) {
	lost := slices.DeleteFunc(r.crew.lost(), func(w *process) bool { _, ok := r.got[w]; return ok })
	for _, w := range lost {
		alone := len(lost) == 1 && (!r.crew.roams || len(r.crew.list) == 1 || w.missed > len(r.crew.list))
		if alone && w.replaced(p) {
			r.restarted(w, p, l)
			return
		}
	}
	lost = slices.DeleteFunc(lost, func(w *process) bool { return w.marks.unlike(p.marks, r.crew.shakes()) })
	switch {
	case r.crew.stranger(p.marks) && p.marks.told():
		r.give(r.join(p), p, l)
	case len(lost) > 0: // their totals fell
		r.suspect(ctx, lost[0], p, l)
	case r.crew.roams:
		r.crew.unsure++
		r.drop(l)
	default:
		r.crew.leads = append(r.crew.leads, &lead{link: l, page: p, base: p})
	}
}

// restarted takes a process for the next in the place of w, whose name it gets:
// the analysis sees by its totals that it began anew.
func (r *round) restarted(w *process, p reply, l *link) {
	if p.StartTime.OK {
		w.fromZero = p.StartTime.V > seconds(r.crew.met)+clockStep
	}
	r.give(w, p, l)
}

// suspects is how many further pages tell a restart from a second process.
const suspects = 4

// suspect finds out whether w was restarted or another process answered in its
// place, of which no start time tells: while both are there, more pages show w.
func (r *round) suspect(ctx context.Context, w *process, p reply, l *link) {
	for range suspects {
		next := r.open()
		q, err := r.look(ctx, next, r.crew.spareOf(r.reader))
		if err != nil {
			r.drop(next)
			break
		}
		if r.crew.follows(p.marks, q.marks) && !r.crew.follows(w.marks, q.marks) {
			r.drop(l)
			p, l = q, next
			continue
		}
		r.give(r.join(p), p, l)
		if r.crew.follows(w.marks, q.marks) {
			r.give(w, q, next)
		} else {
			r.drop(next)
		}
		return
	}
	r.restarted(w, p, l)
}

// seek makes connections until who is lost is found again.
func (r *round) seek(ctx context.Context) {
	for r.extra > 0 && len(r.crew.lost()) > 0 && !r.late(ctx) && r.room() {
		r.extra--
		if r.call(ctx) != nil || r.crew.roams {
			return
		}
	}
}

// room tells whether there may be another lead. One of which nothing moves, so
// that it tells nothing, makes way.
func (r *round) room() bool {
	if len(r.crew.leads) < mostLeads {
		return true
	}
	i := slices.IndexFunc(r.crew.leads, func(l *lead) bool { return l.still >= dormantAfter })
	if i < 0 {
		return false
	}
	r.close(r.crew.leads[i])
	return true
}

// roam makes connections to find further processes where none can be held. With
// nothing on the page that tells a process, two pages a round show at least
// whether their totals go on from one another.
func (r *round) roam(ctx context.Context) {
	if p, ok := r.got[r.crew.list[0]]; ok && len(r.crew.list) == 1 && !r.seeks && !p.marks.told() {
		r.extra = 1
	} else if !r.seeks {
		return
	}
	for ; r.extra > 0 && !r.late(ctx); r.extra-- {
		if r.call(ctx) != nil || r.seeks && r.crew.known >= r.crew.enough() {
			return
		}
	}
}
