package main

import (
	"fmt"

	"apitop/collectors/analysis"
	"apitop/collectors/snapshot"
)

// panel is a part of the dashboard: does it have what it shows?
type panel struct {
	Area  string `json:"area"` // "Overview", "Cache"
	Panel string `json:"panel"`
	Empty bool   `json:"empty"`
	Why   string `json:"why,omitempty"` // it is empty
	Fix   string `json:"fix,omitempty"`
}

// evidence is all that was read, in one place.
type evidence struct {
	config     *Config
	sources    []analysis.Source
	pages      []*snapshot.HTTP
	redis      *snapshot.Redis
	keys       *snapshot.Keys
	statements *snapshot.Statements
	activity   *snapshot.Activity
	host       *snapshot.Host
}

func newEvidence(c *Config, r *analysis.Report, all witnesses) *evidence {
	e := &evidence{config: c, sources: r.Sources}
	for _, w := range all {
		last, _ := w.seen()
		e.pages = append(e.pages, pagesOf(last)...)
		switch r := last.(type) {
		case *snapshot.Redis:
			e.redis = r
		case *snapshot.Keys:
			e.keys = r
		case *snapshot.Statements:
			e.statements = r
		case *snapshot.Activity:
			e.activity = r
		case *snapshot.Host:
			e.host = r
		}
	}
	return e
}

// judge goes through what the dashboard shows.
func judge(e *evidence) []panel {
	checks := []struct {
		area, panel string
		missing     func() (why, fix string) // why is empty when nothing is
	}{
		{"Overview", "request rate", e.noRequests},
		{"Overview", "errors", e.noStatus},
		{"Overview", "latency", e.noBuckets},
		{"Overview", "in flight", e.noInFlight},
		{"Traffic", "routes", e.noRoutes},
		{"Cache", "server", e.noRedis},
		{"Cache", "latency", e.noLatency},
		{"Cache", "errors", e.noErrors},
		{"Cache", "hot keys", e.noHotKeys},
		{"Cache", "prefixes", e.noPrefixes},
		{"Cache", "sizes", e.noSizes},
		{"Cache", "missed keys", e.noMissed},
		{"Limits", "subjects", e.noLimiters},
		{"Limits", "limits", e.noLimits},
		{"Limits", "denied", e.noDenied},
		{"Database", "connections", e.noActivity},
		{"Database", "statements", e.noStatements},
		{"Host", "machine", e.noHost},
		{"Host", "process", e.noProcess},
		{"Host", "runtime", e.noRuntime},
	}
	panels := make([]panel, len(checks))
	for i, c := range checks {
		why, fix := c.missing()
		panels[i] = panel{Area: c.area, Panel: c.panel, Empty: why != "", Why: why, Fix: fix}
	}
	return e.withMethods(panels)
}

// absent says why nothing came from sources of a kind: none is watched, or one
// failed, or only part of it works.
func (e *evidence) absent(kind analysis.Kind, what, fix string) (why, how string) {
	why, how = what, fix
	for i := range e.sources {
		s := &e.sources[i]
		switch {
		case s.Kind != kind:
		case s.Error != nil:
			return fmt.Sprintf("%s: %s", s.Name, *s.Error), s.Fix
		case len(s.Notes) > 0:
			why, how = s.Notes[0].What.String(), s.Notes[0].Fix
		case why == what:
			why, how = "it gave no answer in time", ""
		}
	}
	return why, how
}

func (e *evidence) noPage() (why, fix string) {
	if len(e.pages) > 0 {
		return "", ""
	}
	return e.absent(analysis.KindMetrics, "no metrics page is watched", "apitop http://HOST:PORT/metrics, or metrics: in the config")
}

func (e *evidence) noRequests() (why, fix string) {
	if why, fix = e.noPage(); why != "" {
		return why, fix
	}
	for _, p := range e.pages {
		if !p.Page.Counter.IsZero() || !p.Page.Duration.IsZero() {
			return "", ""
		}
	}
	return "no metrics of HTTP requests were recognised", "count requests by route and status (http_requests_total), or name the counter: mapping.requests in the config"
}

func (e *evidence) noStatus() (why, fix string) {
	if why, fix = e.noRequests(); why != "" || hasStatus(e.pages) {
		return why, fix
	}
	if !e.counted() {
		return "no request was counted yet", "send one"
	}
	return "the requests have no label with a status", "label them with the status code, or name the label: mapping.status in the config"
}

// counted tells whether there is a series of requests at all: most libraries
// write none before the first request.
func (e *evidence) counted() bool {
	return anySeries(e.pages, func(*snapshot.Series) bool { return true })
}

func (e *evidence) noBuckets() (why, fix string) {
	if why, fix = e.noRequests(); why != "" {
		return why, fix
	}
	switch bucketsOf(e.pages) {
	case "native", "classic":
		return "", ""
	case "summary":
		return "the durations are a summary: averages only, as percentiles of summaries cannot be added up", "make it a histogram"
	}
	for _, p := range e.pages {
		if !p.Page.Duration.IsZero() {
			return "no request was timed yet", "send one"
		}
	}
	return "the page has no durations of requests", "add a histogram (http_request_duration_seconds), or name it: mapping.duration in the config"
}

func (e *evidence) noInFlight() (why, fix string) {
	if why, fix = e.noRequests(); why != "" {
		return why, fix
	}
	for _, p := range e.pages {
		if p.InFlight.OK {
			return "", ""
		}
	}
	return "the page has no gauge of requests being served", "add one (http_requests_in_progress)"
}

func (e *evidence) noRoutes() (why, fix string) {
	if why, fix = e.noRequests(); why != "" || hasRoutes(e.pages) {
		return why, fix
	}
	if !e.counted() {
		return "no request was counted yet", "send one"
	}
	return "the requests have no label with a route", "label them with the route's template, or name the label: mapping.route in the config"
}

const fixNoPostgres = "--postgres postgres://USER@HOST/DB, or postgres: in the config"

func (e *evidence) noActivity() (why, fix string) {
	if e.activity != nil {
		return "", ""
	}
	return e.absent(analysis.KindPostgres, "no Postgres is watched", fixNoPostgres)
}

func (e *evidence) noStatements() (why, fix string) {
	if e.statements != nil {
		return "", ""
	}
	return e.absent(analysis.KindPostgres, "no Postgres is watched", fixNoPostgres)
}

func (e *evidence) noHost() (why, fix string) {
	switch {
	case e.host != nil:
		return "", ""
	case e.config.NoHost:
		return "this machine is left out", "leave --no-host (no_host in the config) away"
	}
	return e.absent(analysis.KindHost, "this machine was not read", "")
}

func (e *evidence) noProcess() (why, fix string) {
	if e.host != nil && e.host.Process != nil {
		return "", ""
	}
	for _, p := range e.pages {
		if p.Process.CPUSeconds.OK {
			return "", ""
		}
	}
	return "neither the page nor --pid tells of the service's process", "--pid PID of the service, when it runs on this machine"
}

func (e *evidence) noRuntime() (why, fix string) {
	if why, fix = e.noPage(); why != "" {
		return why, fix
	}
	for _, p := range e.pages {
		if r := &p.Service.Runtime; r.Language != "" || r.HeapBytes.OK || r.Threads.OK {
			return "", ""
		}
		if p.Page.Format == "promql" {
			return "a server is asked for requests only", "give the pages themselves for the runtime: apitop http://HOST:PORT/metrics"
		}
	}
	return "the page says nothing of its runtime", "register the collectors of runtime and process that the metrics library has"
}
