package scrape

import (
	"strings"

	"apitop/collectors/snapshot"
)

// perRequestNames are the ends of distributions of how many database statements
// one request made; one observation is one request. Services that count them
// do so under such names.
var perRequestNames = [...]string{
	"db_queries_per_request", "sql_queries_per_request", "database_queries_per_request",
	"db_statements_per_request", "db_calls_per_request",
}

// perRequestName finds that distribution, the first by name of several; empty
// when the page has none.
func perRequestName(t *table) string {
	found := ""
	for name := range t.metrics {
		base, role := splitName(name)
		if role != isCount || !t.distributes(base) || found != "" && base >= found {
			continue
		}
		norm := normal(base)
		for _, end := range perRequestNames {
			if strings.HasSuffix(norm, end) {
				found = base
			}
		}
	}
	return found
}

// bindWork takes a group of the statements per request. Its labels mean what
// they mean on the durations, so that both speak of the same routes.
func (p *plan) bindWork(t *table, m mapping, g *group) {
	if g.count == nil || g.sum == nil {
		return
	}
	r := m.times
	if m.duration == "" {
		r = m.counts
	}
	if g.meta == nil {
		g.meta = r.meta(g.count.raw, t.labelsOf(g.count))
	}
	p.work = append(p.work, g)
}

// workDone takes the totals of the statements per request.
func (p *plan) workDone() []snapshot.Work {
	out := make([]snapshot.Work, 0, len(p.work))
	for _, g := range p.work {
		n, sum := g.count.value, g.sum.value
		if finite(n) && finite(sum) && n >= 0 && sum >= 0 {
			out = append(out, snapshot.Work{Series: g.meta, Requests: n, Statements: sum})
		}
	}
	return out
}
