package analysis

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// routeKey is the identity of a row of the Traffic screen.
type routeKey struct{ method, route safe.Text }

func keyOf(s *snapshot.Series) routeKey { return routeKey{s.Method, s.Route} }

// row is one row of the tables, in the making: a route as pages name it, a
// template, or what is left over.
type row struct {
	name    routeKey // in the maps below
	key     routeKey // as it is shown
	of      *row     // the row of its template; of a template, itself
	used    int      // report that it was last in
	dropped bool     // it is forgotten: another may have its name
	members int      // of a template: routes in this report
	only    routeKey // of a template: its first member
	n       float64  // requests in this report, to tell the small from the large
	into    *row     // takes its growth in this report
	sums    *sums    // of this report
	trend   tail[float32]
}

// How many rows a report has: with more routes than manyRoutes, those that are
// one but for their ids make one row; beyond maxRows the smallest are one row.
const (
	manyRoutes = 100
	maxRows    = 500
)

// otherName names the row of the smallest.
var otherName = safe.New("(other)")

// rows are the rows of a report in the making, and those of reports before.
type rows struct {
	byRoute    map[routeKey]*row
	byTemplate map[routeKey]*row
	other      *row

	report    int
	routes    []*row // of this report, as pages name them
	templates []*row // of this report
	merges    bool   // some template has several routes
}

func newRows() *rows {
	other := newRow(routeKey{route: otherName})
	other.of = other
	return &rows{byRoute: map[routeKey]*row{}, byTemplate: map[routeKey]*row{}, other: other}
}

// begin opens a report.
func (r *rows) begin() {
	r.report++
	r.routes, r.templates, r.merges = r.routes[:0], r.templates[:0], false
}

// use puts the row of a line into this report.
func (r *rows) use(at *line) *row {
	if at.row == nil || at.row.dropped {
		at.row = r.route(keyOf(at.series))
	} else {
		r.enter(at.row)
	}
	return at.row
}

// find is the row of a line when it is in this report; nil when it is not.
func (r *rows) find(at *line) *row {
	if at.row == nil || at.row.dropped {
		at.row = r.byRoute[keyOf(at.series)]
	}
	if at.row != nil && at.row.used == r.report {
		return at.row
	}
	return nil
}

// route puts the row of a route into this report.
func (r *rows) route(key routeKey) *row {
	x := r.byRoute[key]
	if x == nil {
		x = newRow(key)
		x.of = r.template(key)
		r.byRoute[key] = x
	}
	r.enter(x)
	return x
}

func (r *rows) enter(x *row) {
	if x.used == r.report {
		return
	}
	x.reset(r.report)
	r.routes = append(r.routes, x)
	t := x.of
	if t.used != r.report {
		t.reset(r.report)
		t.members, t.only = 0, x.name
		r.templates = append(r.templates, t)
	}
	t.members++
	r.merges = r.merges || t.members > 1
}

func (r *rows) template(key routeKey) *row {
	key.route = templateOf(key.route)
	t := r.byTemplate[key]
	if t == nil {
		t = newRow(key)
		t.of = t
		r.byTemplate[key] = t
	}
	return t
}

func newRow(name routeKey) *row {
	return &row{name: name, key: name, trend: tail[float32]{keep: trendPoints}}
}

func (x *row) reset(report int) {
	x.key, x.used, x.n, x.sums, x.into = x.name, report, 0, nil, x
}

// crowded tells whether there are so many routes that ids are taken out of them
// before anything is added up.
func (r *rows) crowded() bool { return len(r.routes) > manyRoutes }

// settle decides which rows take the growth of which, once all are known with
// their requests, and returns those that do.
func (r *rows) settle() []*row {
	r.other.reset(r.report)
	if !r.crowded() {
		return r.routes
	}
	for _, x := range r.routes {
		x.into = x.of
		x.of.n += x.n
	}
	all := r.templates
	if !r.merges {
		for _, t := range all {
			t.key = t.only // nothing is one, so all keep their names
		}
	}
	if len(all) <= maxRows {
		return all
	}
	top := largest(all, maxRows-1)
	for _, t := range all {
		t.into = r.other
	}
	for _, t := range top {
		t.into = t
	}
	return append(top, r.other)
}

// largest are the n rows with the most requests; names break ties.
func largest(all []*row, n int) []*row {
	top := make([]*row, 0, n+1)
	for _, x := range all {
		if len(top) == n && x.n < top[n-1].n {
			continue
		}
		i, _ := slices.BinarySearchFunc(top, x, compareRows)
		top = slices.Insert(top, i, x)
		top = top[:min(len(top), n)]
	}
	return top
}

func compareRows(a, b *row) int {
	if a.n != b.n {
		return cmp.Compare(b.n, a.n)
	}
	return compareKeys(a.key, b.key)
}

// dest is the row that takes the growth of x.
func (x *row) dest() *row { return x.into.into }

func compareKeys(a, b routeKey) int {
	return cmp.Or(strings.Compare(a.route.String(), b.route.String()), strings.Compare(a.method.String(), b.method.String()))
}

// forget drops rows that are in no report any more, should there be many: of both
// kinds at once, as a route holds on to its template.
func (r *rows) forget() {
	if len(r.byRoute) <= 2*len(r.routes)+100 {
		return
	}
	gone := func(_ routeKey, x *row) bool {
		x.dropped = x.used != r.report
		return x.dropped
	}
	maps.DeleteFunc(r.byRoute, gone)
	maps.DeleteFunc(r.byTemplate, gone)
}
