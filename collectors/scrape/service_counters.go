package scrape

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// What is kept of counters of nothing known.
const (
	mostCounters   = 200  // series in a reading
	mostOfFamily   = 1000 // series of one family that are looked at: beyond, its labels hold ids
	mostCandidates = 5000 // series that are looked at
	chooseEvery    = 5    // readings between two choices, where there are too many
)

// knownStarts are first words of families that libraries, servers and exporters
// write of themselves, and not the service of its business. What is worth a
// place of its own among them has one.
var knownStarts = wordSet(`http https grpc rpc go process python jvm nodejs node dotnet ruby erlang vm beam v8js
	cpython prometheus promhttp scrape net system logback log4j2 tomcat jetty undertow executor hikaricp jdbc
	agroal r2dbc reactor worker netty hibernate spring application base vendor kestrel aspnetcore microsoft
	django starlette flask fastapi gin echo chi axum rails puma rack traefik caddy nginx haproxy kong apisix
	envoy istio apiserver coredns otel otelcol target up db pgxpool pgbouncer redis memcached celery rq asynq
	sidekiq oban bull bullmq dramatiq rabbitmq kafka horizon active activerecord prisma container kubelet
	promtail loki thanos cortex mimir victoriametrics disk cgroup`)

// knownWords part a family from the business wherever they stand in its name:
// another count of the requests, another library's machinery.
var knownWords = wordSet(`http grpc ecto beam phoenix oban scrape scrapes created`)

// isBusiness tells whether the samples of m may count something that the service
// alone knows: a counter, by its type or by its name, of no known family.
func (t *table) isBusiness(m *metric) bool {
	norm := strings.ToLower(normal(m.name))
	base, total := strings.CutSuffix(norm, "_total")
	switch k := t.kind(m.name); {
	case k == kindCounter, k == kindUntyped && total && base != "":
	default:
		return false
	}
	if m.quantile || m.buckets {
		return false
	}
	for i, w := range strings.Split(norm, "_") {
		if i == 0 && knownStarts[w] || knownWords[w] {
			return false
		}
	}
	return true
}

// watch keeps an eye on counters of nothing known, and picks those that move
// where there are too many for a reading.
type watch struct {
	all    map[*series]*watched
	list   []*watched // in the order of the page
	chosen []*watched
	round  int
}

// watched is one such counter.
type watched struct {
	series *series
	last   float64 // of the reading before
	moved  float64 // recent growth, fading
	name   safe.Text
	labels safe.Text
	shown  bool // name and labels are made
}

// bind takes the counters that are on the page now; those that were there before
// keep what is known of them.
func (w *watch) bind(now []*series) {
	old := w.all
	w.all = make(map[*series]*watched, len(now))
	w.list = make([]*watched, 0, len(now))
	for _, s := range now {
		x := old[s]
		if x == nil {
			x = &watched{series: s, last: s.value}
		}
		w.all[s] = x
		w.list = append(w.list, x)
	}
	w.chosen, w.round = nil, 0
}

// reading takes the totals; cut says that the page has more.
func (w *watch) reading() (out []snapshot.Counter, cut bool) {
	if len(w.list) == 0 {
		return nil, false
	}
	cut = len(w.list) > mostCounters
	if cut {
		w.follow()
	}
	if w.chosen == nil || cut && w.round%chooseEvery == 0 {
		w.choose()
	}
	w.round++
	out = make([]snapshot.Counter, 0, len(w.chosen))
	for _, x := range w.chosen {
		if v := x.series.value; finite(v) && v >= 0 {
			out = append(out, snapshot.Counter{ID: x.series.raw, Name: x.name, Labels: x.labels, Total: v})
		}
	}
	return out, cut
}

// follow notes how much each counter grew.
func (w *watch) follow() {
	for _, x := range w.list {
		x.moved *= 0.8
		if v := x.series.value; finite(v) {
			x.moved += max(v-x.last, 0)
			x.last = v
		}
	}
}

// choose picks the counters that move most, then the largest.
func (w *watch) choose() {
	w.chosen = w.list
	if len(w.list) > mostCounters {
		sorted := slices.Clone(w.list)
		slices.SortStableFunc(sorted, func(a, b *watched) int {
			return cmp.Or(cmp.Compare(b.moved, a.moved), cmp.Compare(b.series.value, a.series.value))
		})
		w.chosen = sorted[:mostCounters]
	}
	for _, x := range w.chosen {
		x.show()
	}
}

// show makes the name and labels as people read them.
func (x *watched) show() {
	if x.shown {
		return
	}
	x.shown = true
	x.name = safe.Short(x.series.metric.name, mostText)
	_, labels, err := parseSeries(x.series.raw, nil, len(x.series.raw))
	if err != nil {
		return // it was read once, so it can be read again
	}
	var b strings.Builder
	for _, l := range labels {
		if l.value == "" || strings.HasPrefix(l.name, "otel_scope_") {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(",")
		}
		b.WriteString(l.name + "=" + strconv.Quote(l.value))
	}
	x.labels = safe.Short(b.String(), mostText)
}
