package scrape

import (
	"slices"
	"strings"

	"apitop/collectors/snapshot"
)

// level is a gauge of requests being served, as one library or server calls it.
type level struct {
	name  string // sample name; * stands for any start
	when  string // "state=active": only series with that value
	layer string // start of the counter's name that this layer goes with; empty: any
	has   string // a label that its series must have
	one   string // label that tells nested parts of one request apart: the largest of them counts
}

// levels lists the gauges that the words in their names do not give away, or
// that need a closer look; the first that is on the page is taken. Where a server
// counts connections and not requests, that is the best it says.
func levels() []level {
	return []level{
		{name: "http_server_active_requests"},
		{name: "http_server_requests_active_seconds_active_count"},
		{name: "http_requests_in_progress_total"},
		{name: "caddy_http_requests_in_flight", one: "handler"},
		{name: "traefik_open_connections", layer: "traefik_service_", has: "service"},
		{name: "traefik_open_connections", has: "entrypoint"},
		{name: "traefik_service_open_connections", layer: "traefik_service_"},
		{name: "traefik_entrypoint_open_connections"},
		{name: "nginx_vts_main_connections", when: "status=active"},
		{name: "nginx_ingress_controller_nginx_process_connections", when: "state=active"},
		{name: "envoy_cluster_upstream_rq_active", layer: "envoy_cluster_"},
		{name: "envoy_http_downstream_rq_active"},
		{name: "envoy_cluster_upstream_rq_active"},
		{name: "haproxy_backend_current_sessions", layer: "haproxy_backend_"},
		{name: "haproxy_server_current_sessions", layer: "haproxy_server_"},
		{name: "haproxy_frontend_current_sessions"},
		{name: "kong_nginx_connections_total", when: "state=active"},
		{name: "kong_nginx_http_current_connections", when: "state=active"},
		{name: "apisix_nginx_http_current_connections", when: "state=active"},
		{name: "apiserver_current_inflight_requests"},
	}
}

// lateLevels are what is taken when no gauge's name says it: busy threads, each
// with one request.
func lateLevels() []level {
	return []level{
		{name: "ruby_puma_busy_threads"},
		{name: "puma_busy_threads"},
		{name: "tomcat_threads_busy_threads"},
	}
}

// inFlight is the gauge of requests being served: its series, in groups of which
// the largest counts. counter is the name of what counts the requests; wants tells
// whether a series is one of the service's.
func (t *table) inFlight(counter string, wants func([]label) bool) [][]*series {
	early, late := levels(), lateLevels()
	gauges := t.gauges(slices.Concat(early, late))
	first := func(list []level) [][]*series {
		for _, l := range list {
			if found := t.levelled(l, gauges[l.name], wants); strings.HasPrefix(counter, l.layer) && len(found) > 0 {
				return found
			}
		}
		return nil
	}
	if found := first(early); found != nil {
		return found
	}
	if name := inFlightName(t); name != "" {
		return t.levelled(level{name: name}, []*metric{t.metrics[name]}, wants)
	}
	return first(late)
}

// gauges finds those of the levels that are on the page, by normal name.
func (t *table) gauges(list []level) map[string][]*metric {
	found := map[string][]*metric{}
	for _, l := range list {
		found[l.name] = nil
	}
	for name, m := range t.metrics {
		norm := normal(name)
		if _, ok := found[norm]; !ok {
			continue
		}
		if k := t.kind(name); k == kindGauge || k == kindUntyped || strings.HasSuffix(norm, "_active_count") {
			found[norm] = append(found[norm], m)
		}
	}
	return found
}

// levelled lists the series of l, which are those of the given metrics.
func (t *table) levelled(l level, of []*metric, wants func([]label) bool) [][]*series {
	if len(of) == 0 {
		return nil
	}
	var found [][]*series
	index := map[string]int{}
	t.each(func(s *series) bool {
		if !slices.Contains(of, s.metric) {
			return true
		}
		labels := t.labelsOf(s)
		if !l.fits(labels) || !wants(labels) {
			return true
		}
		key := s.raw
		if l.one != "" {
			key = without(labels, l.one)
		}
		i, ok := index[key]
		if !ok {
			i = len(found)
			index[key] = i
			found = append(found, nil)
		}
		found[i] = append(found[i], s)
		return true
	})
	return found
}

func (l level) fits(labels []label) bool {
	if l.has != "" {
		if v, _ := normalValue(labels, l.has); v == "" {
			return false
		}
	}
	name, value, ok := strings.Cut(l.when, "=")
	if !ok {
		return true
	}
	v, _ := normalValue(labels, name)
	return v == value
}

// without writes labels down, but for one.
func without(labels []label, name string) string {
	var b strings.Builder
	for _, l := range labels {
		if normal(l.name) != name {
			b.WriteString(l.name + "=" + l.value + "\xff")
		}
	}
	return b.String()
}

// largest adds up the largest of each group; unknown when there is none.
func largest(groups [][]*series) snapshot.Value {
	out := snapshot.Value{}
	for _, g := range groups {
		most := snapshot.Value{}
		for _, s := range g {
			if v := s.value; finite(v) && v >= 0 && (!most.OK || v > most.V) {
				most = snapshot.Value{V: v, OK: true}
			}
		}
		out.V, out.OK = out.V+most.V, out.OK || most.OK
	}
	if !finite(out.V) {
		return snapshot.Value{}
	}
	return out
}
