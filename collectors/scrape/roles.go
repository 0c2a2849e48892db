package scrape

import (
	"slices"
	"strings"
)

// roles says which labels of a family hold what.
type roles struct {
	route  []string // normal names; several make the route together
	status string
	method string
}

// Names of labels, the likelier first. They decide only between labels whose
// values say the same.
var (
	routeNames = []string{
		"http_route", "route", "path_template", "url_rule", "uri", "path", "matched_uri", "endpoint",
		"url", "handler", "view", "http_target", "resource", "url_path", "operation", "page",
		"action", "controller", "entrypoint", "router", "backend",
	}
	statusNames = []string{
		"status", "status_code", "code", "http_response_status_code", "http_status_code", "response_code",
		"http_status", "http_code", "statuscode", "status_class", "envoy_response_code", "envoy_response_code_class",
	}
	methodNames = []string{"method", "http_request_method", "http_method", "request_method", "verb"}
)

// rolesOf finds the labels of a family by their values, then by their names.
func rolesOf(e *evidence) roles {
	r := roles{
		status: best(e, statusNames, func(name string, v *values) float64 {
			if !slices.Contains(statusNames, name) && !strings.Contains(name, "status") && !strings.Contains(name, "code") {
				return 0 // 443 is a port and 200 a size: here the name must agree
			}
			return v.share(v.status)
		}),
		method: best(e, methodNames, func(_ string, v *values) float64 { return v.share(v.verb) }),
	}
	if route := routeOf(e, r); route != "" {
		r.route = []string{route}
	}
	return r
}

// best is the label whose values fit best. Half of the values of a label with a
// known name must fit ("UNKNOWN" is a status too), nearly all of any other.
func best(e *evidence, known []string, fit func(string, *values) float64) string {
	found, top := "", 0.0
	for name, v := range e.labels {
		score := fit(name, v)
		rank := slices.Index(known, name)
		switch {
		case rank >= 0 && score >= 0.5:
			score += 2 - float64(rank)/float64(len(known))
		case rank >= 0 || score < 0.9:
			continue
		}
		if score > top || score == top && name < found {
			found, top = name, score
		}
	}
	return found
}

// routeOf finds the route among the labels that are neither status nor method.
// Paths beat names, so that gin's url is taken and not handler, which holds the
// names of Go functions; without paths only the name is left to go by.
func routeOf(e *evidence, r roles) string {
	found, top := "", 0.0
	for name, v := range e.labels {
		if name == r.status || name == r.method {
			continue
		}
		paths := v.share(v.path)
		rank := slices.Index(routeNames, name)
		switch {
		case rank < 0 && paths < 0.9:
			continue
		case rank < 0:
			rank = len(routeNames)
		}
		score := 0.1 + 1 - float64(rank)/float64(len(routeNames))
		if paths > 0 {
			score += 2 + paths // one path among words is a path label with exceptions
		}
		if score > top || score == top && name < found {
			found, top = name, score
		}
	}
	return found
}

// covers tells whether r says all that other does about status and route.
func (r roles) covers(other roles) bool {
	return (r.status != "" || other.status == "") && (len(r.route) > 0 || len(other.route) == 0)
}

// known counts how much r says.
func (r roles) known() int {
	n := 0
	if r.status != "" {
		n++
	}
	if r.method != "" {
		n++
	}
	return n + min(len(r.route), 1)
}
