package scrape

import (
	"context"
	"slices"
)

// mostLeads is how many connections are kept whose process is not known.
const mostLeads = 3

// dormant leads, of which nothing moves, are compared each fifth round only.
const (
	dormantAfter = 5
	dormantEvery = 5
)

// settledAfter is how often two connections must be found to lead to one process.
const settledAfter = 2

// tellingTotal is how many requests two idle processes hardly both have by chance,
// so that the same total is taken for the same process though nothing moves.
const tellingTotal = 20

// unclearAfter is when a lead is given up that is like several processes.
const unclearAfter = 8

// compare reads the leads, and new ones, and then those that they are like.
func (r *round) compare(ctx context.Context) {
	var fresh []*lead
	for _, l := range slices.Clone(r.crew.leads) {
		if l.still >= dormantAfter && r.crew.round%dormantEvery != 0 && !l.stirred() {
			continue
		}
		if r.extra > 1 && !r.crew.roams && !r.late(ctx) && r.reread(ctx, l) {
			fresh = append(fresh, l)
		}
	}
	r.makeRoom()
	for r.seeks && !r.crew.roams && r.extra > 1 && len(r.crew.leads) < mostLeads && !r.late(ctx) {
		r.extra--
		n := len(r.crew.leads)
		if r.call(ctx) != nil || r.crew.roams {
			break
		}
		fresh = append(fresh, r.crew.leads[n:]...)
	}
	if len(fresh) == 0 || r.crew.roams {
		return
	}
	checked := r.recheck(ctx, fresh)
	for _, l := range fresh {
		if !r.crew.roams {
			r.judge(l, checked)
		}
	}
	if !r.seeks && len(r.crew.leads) == 0 {
		r.crew.spare = nil // it may be large
	}
}

// reread reads a lead again; false when its connection is no more.
func (r *round) reread(ctx context.Context, l *lead) bool {
	r.extra--
	l.like = slices.DeleteFunc(slices.Clone(l.like), func(w *process) bool {
		_, later := r.got[w]
		return later && !r.crew.follows(l.page.marks, w.marks)
	})
	soon, cancel := r.within(ctx)
	defer cancel()
	p, err := r.look(soon, l.link, r.crew.spareOf(r.reader))
	if err != nil {
		r.close(l)
		return false
	}
	if p.fresh {
		r.crew.leads = slices.DeleteFunc(r.crew.leads, func(o *lead) bool { return o == l })
		r.arrived(ctx, p, l.link)
		return false
	}
	if l.page.marks.unlike(p.marks, r.crew.shakes()) || requestsOn(p) < requestsOn(l.page) {
		r.wander() // one connection, several processes
		return false
	}
	if r.crew.excuse(l.page.marks, p.marks) {
		l.page, l.base, l.alien, l.equal = p, p, 0, 0 // it was judged by that
		return false
	}
	l.older, l.page = l.page, p
	if !l.base.marks.grew(p.marks) {
		l.base = p
	}
	l.like = slices.DeleteFunc(l.like, func(w *process) bool { return !r.crew.follows(w.marks, p.marks) })
	return true
}

// makeRoom gives one lead up when nothing moves on any of them: where pages say
// their process, a new connection may show another one at once.
func (r *round) makeRoom() {
	c := &r.crew
	stuck := len(c.leads) == mostLeads && c.tried < 3*c.enough() &&
		!slices.ContainsFunc(c.leads, func(l *lead) bool { return l.still < dormantAfter || !l.page.marks.told() })
	if r.seeks && stuck {
		r.close(c.leads[mostLeads-1])
	}
}

// stirred tells whether one that the lead is like has moved since it was read.
func (l *lead) stirred() bool {
	return slices.ContainsFunc(l.like, func(w *process) bool { return l.page.marks.grew(w.marks) })
}

// close gives a lead up.
func (r *round) close(l *lead) {
	r.drop(l.link)
	r.crew.leads = slices.DeleteFunc(r.crew.leads, func(o *lead) bool { return o == l })
}

// recheck reads those again that leads are like, and gives who was read.
func (r *round) recheck(ctx context.Context, leads []*lead) map[*process]bool {
	checked := map[*process]bool{}
	for _, l := range leads {
		for _, w := range l.like {
			if w.link == nil || w.reader == nil || checked[w] || r.extra == 0 || r.late(ctx) {
				continue
			}
			r.extra--
			p, err := r.look(ctx, w.link, w.reader)
			switch {
			case err != nil:
				r.drop(w.link)
				w.link = nil
			case p.fresh || w.marks.unlike(p.marks, r.crew.shakes()):
				if r.placed(ctx, w, p); r.crew.roams {
					return checked
				}
			case requestsOn(p) < w.total:
				r.wander() // to several processes, by a proxy
				return checked
			default:
				r.crew.excuse(w.marks, p.marks)
				checked[w], w.before = true, w.marks
				r.give(w, p, nil)
			}
		}
	}
	return checked
}

// judge says what has been found of a lead.
func (r *round) judge(l *lead, checked map[*process]bool) {
	moved := l.older.HTTP == nil || l.older.marks.grew(l.page.marks)
	l.like = slices.DeleteFunc(slices.Clone(l.like), func(w *process) bool {
		gone := !slices.Contains(r.crew.list, w)
		return gone || checked[w] && (!r.crew.follows(l.page.marks, w.marks) || l.stays(w) && !l.page.marks.stands(w.marks)) ||
			!checked[w] && !r.crew.follows(w.marks, l.page.marks)
	})
	if len(l.like) == 0 {
		r.separate(l)
		return
	}
	for _, w := range l.like {
		if !checked[w] && w.link != nil {
			return // not now
		}
	}
	l.alien = 0
	if l.still++; moved {
		l.equal, l.still = l.equal+1, 0
	}
	if l.still > 0 && r.crew.twins < mostTwins && len(l.like) == 1 && checked[l.like[0]] && l.stays(l.like[0]) {
		r.crew.twins++ // most likely the same process, which is no proof
		r.close(l)
		return
	}
	idle := l.still >= dormantAfter && len(l.like) == 1 && l.like[0].link != nil && requestsOn(l.page) > tellingTotal
	switch {
	case idle:
		r.close(l)
		r.crew.hit()
	case l.equal < settledAfter:
	case len(l.like) == 1 && l.like[0].link == nil:
		w := l.like[0]
		r.crew.leads = slices.DeleteFunc(r.crew.leads, func(o *lead) bool { return o == l })
		r.give(w, l.page, l.link)
		r.crew.hit()
	case len(l.like) == 1:
		r.close(l)
		r.crew.hit()
	case l.equal >= unclearAfter:
		r.close(l)
	}
}

// mostTwins is how many leads are given up early as most likely known, so that
// others can be looked at while nothing moves.
const mostTwins = 24

// stays tells whether the memory of both stood still: that of the lead since its
// page before, that of w from before the lead's page till after it. Then it tells
// two processes apart that are the same in all else.
func (l *lead) stays(w *process) bool {
	return l.older.HTTP != nil && l.older.marks.stands(l.page.marks) && w.before != nil && w.before.stands(w.marks)
}

// separate takes a lead that is like none: a process of its own, at once where a
// time says so, or else when it is seen twice. What it had counted at first is
// given first, so that nothing is lost of what it has counted since.
func (r *round) separate(l *lead) {
	if l.alien++; l.alien < 2 && !r.crew.stranger(l.page.marks) {
		l.like = slices.Clone(r.crew.list)
		return
	}
	r.crew.leads = slices.DeleteFunc(r.crew.leads, func(o *lead) bool { return o == l })
	w := r.join(l.base)
	newest := l.page.marks
	if w.fromZero {
		l.base = l.page
	}
	r.give(w, l.base, l.link)
	w.marks = newest
	for _, o := range r.crew.leads { // another of them may be of this one
		o.like, o.alien, o.equal = append(slices.Clone(o.like), w), 0, 0
	}
}
