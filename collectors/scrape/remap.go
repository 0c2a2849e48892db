package scrape

import (
	"slices"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// detection is when the mapping was looked for last.
type detection struct {
	names  uint32 // of the table then
	series int    // on the page then
	skip   int    // changes of the page to come that are not worth a search
	pause  int    // skip after the next search without a result
	number int    // of the mapping; see snapshot.Page.Mapping
}

// A search costs as much as reading a page for the first time. Pages larger than
// costlyPage, whose families change again and again, are searched ever more
// rarely, down to every maxPause changes.
// smallPage is searched at each new series as long as its mapping lacks a part.
const (
	costlyPage = 20_000
	maxPause   = 64
	smallPage  = 2000
)

// replan finds the mapping again where the page's changes may lead to another,
// and binds it.
func (r *Reader) replan() {
	before := r.plan
	changed := r.due() && r.search()
	if r.mapping.unsure {
		r.rescale()
	}
	r.plan = r.table.bind(r.mapping, before)
	if changed && before != nil && r.plan.strange(before, r.table.fresh) {
		r.found.number++
	}
}

// rescale looks at the unit of the durations again, until there were enough of
// them to tell. Those before were in another unit.
func (r *Reader) rescale() {
	t, m := r.table, &r.mapping
	f := &family{name: m.duration, norm: normal(m.duration)}
	if d := t.decls[m.duration]; d != nil {
		f.unit = d.unit
	}
	now := t.measure(f.name)
	m.unsure = !now.sure(f)
	scale := now.scale(f)
	if scale == m.scale {
		return
	}
	m.scale = scale
	r.found.number++
	for _, g := range t.groups {
		g.laddered = false
	}
}

// due tells whether a search could find something else than the last one did:
// families came or went, or the page holds many more series.
func (r *Reader) due() bool {
	d, t := &r.found, r.table
	switch {
	case r.plan == nil:
		return true
	case !t.changed:
		return false
	case d.names != t.names, t.live >= 2*d.series, !r.mapping.present(t):
	case r.mapping.complete() || t.live > smallPage || t.live == d.series:
		return false
	}
	if d.skip > 0 {
		d.skip--
		return false
	}
	return true
}

// complete tells whether status, route and durations are all known: then new
// series of the same families cannot tell more.
func (m mapping) complete() bool { return m.rank%pinned >= 7*perSaying }

// search finds the mapping anew and tells whether it is another. What people
// see of a series depends on the mapping, so it is made anew with a new one.
func (r *Reader) search() bool {
	d, t := &r.found, r.table
	d.names, d.series = t.names, t.live
	v := newView(t)
	m := r.mapping.settle(v, r.rows, r.pin)
	r.labels, r.missing = safe.Text{}, r.pin.missing(v, m)
	if m.same(r.mapping) {
		r.mapping = m
		if t.live > costlyPage {
			d.pause = min(max(2*d.pause, 1), maxPause)
			d.skip = d.pause
		}
		return false
	}
	d.skip, d.pause = 0, 0
	t.each(func(s *series) bool {
		s.meta = nil
		if s.group != nil {
			s.group.meta, s.group.laddered = nil, false
		}
		return true
	})
	r.mapping = m
	return true
}

// settle finds the mapping of a page that changed. A mapping once found stays
// as long as its families do, as other families have other totals, unless the
// page has come to say more.
func (m mapping) settle(v *view, rows []dialect, pin Pin) mapping {
	found, ok := choose(v, rows)
	found = pin.apply(v, found)
	switch {
	case !ok && !found.present(v.table):
		return m
	case !m.present(v.table), found.rank > m.rank, found.same(m):
		return found
	}
	return m
}

// strange tells whether p takes its requests or times from series that had been
// on the page before and were not in old: their totals are no growth.
func (p *plan) strange(old *plan, fresh []*series) bool {
	known := map[any]bool{}
	for _, s := range fresh {
		known[s] = true
	}
	for _, s := range slices.Concat(old.counts, old.ends) {
		known[s] = true
	}
	for _, g := range old.groups {
		known[g] = true
	}
	if p.counter.IsZero() && !old.counter.IsZero() {
		clear(known)
		for _, s := range fresh {
			known[s] = true
		}
	}
	return slices.ContainsFunc(slices.Concat(p.counts, p.ends), func(s *series) bool { return !known[s] }) ||
		slices.ContainsFunc(p.groups, func(g *group) bool { return !known[g] && !known[g.count] })
}

// describe says how the page was read.
func (r *Reader) describe(p *snapshot.Page) {
	p.Mapping = r.found.number
	if p.Counter.IsZero() && p.Duration.IsZero() {
		return
	}
	p.Dialect = r.mapping.dialect
	if r.labels.IsZero() {
		shown := r.mapping.public(r.table)
		r.labels = shown.Counts.text()
	}
	p.Labels = r.labels
	if !p.Duration.IsZero() {
		p.Unit = unitName(r.mapping.scale)
	}
	for _, name := range r.mapping.ignored {
		p.Ignored = append(p.Ignored, safe.New(name))
	}
}
