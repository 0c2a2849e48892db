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
	kind   statusKind
}

// Names of labels, the likelier first. They decide only between labels whose
// values say the same.
var (
	routeNames = []string{
		"http_route", "route", "path_template", "url_rule", "uri_template", "path_pattern", "url_pattern", "route_name",
		"uri", "path", "http_path", "request_path", "request_uri", "matched_uri", "endpoint", "url", "handler", "view",
		"http_target", "resource", "url_path", "operation", "operation_id", "operation_name", "pattern", "template", "rpc",
		"rpc_method", "grpc_method", "action", "controller", "servlet", "page",
	}
	// These say the route only where they have several values: a service's own
	// name is none.
	wideNames = []string{
		"api", "api_name", "function", "entrypoint", "router", "method", "command", "target",
		"ingress", "vhost", "server_zone", "backend", "service", "location", "name", "server", "host",
	}
	statusNames = []string{
		"status", "status_code", "code", "http_response_status_code", "http_status_code", "response_code",
		"http_status", "http_code", "statuscode", "httpstatus", "status_class", "code_class", "response_status",
		"envoy_response_code", "envoy_response_code_class", "result_code",
	}
	outcomeNames = []string{"outcome", "result", "status", "state", "success", "error", "failed", "is_error", "code"}
	grpcNames    = []string{"grpc_code", "rpc_grpc_status_code", "grpc_status", "grpc_response_status", "statuscode", "code", "status"}
	methodNames  = []string{"method", "http_request_method", "http_method", "request_method", "verb", "http_verb"}
)

// endName tells whether a label of this name may say how requests end.
func endName(name string) bool {
	return hints(name) || rankOf(outcomeNames, name) >= 0 || rankOf(grpcNames, name) >= 0
}

// hints tells whether a name that is not known speaks of statuses.
func hints(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "status") || strings.Contains(name, "code")
}

// rankOf is the place of a label's name among the known ones, -1 when it is not
// among them. statusCode and StatusCode are status_code.
func rankOf(known []string, name string) int {
	return slices.IndexFunc(known, func(k string) bool { return sameName(k, name) })
}

func sameName(a, b string) bool {
	for {
		a, b = strings.TrimLeft(a, "_"), strings.TrimLeft(b, "_")
		if a == "" || b == "" {
			return a == b
		}
		if a[0]|0x20 != b[0]|0x20 {
			return false
		}
		a, b = a[1:], b[1:]
	}
}

// rolesOf finds the labels of a family by their values, then by their names.
// With calls, statuses may be those of gRPC.
func rolesOf(e *evidence, calls bool) roles {
	var r roles
	if calls {
		r.status = best(e, grpcNames, func(name string, v *values) float64 { return named(grpcNames, name, v.share(v.grpc)) })
		r.kind = grpcStatus
	}
	if r.status == "" {
		r.status, r.kind = statusOf(e)
	}
	r.method = best(e, methodNames, func(_ string, v *values) float64 { return v.share(v.verb) })
	r.route = routeOf(e, r)
	return r
}

// statusOf finds the label with statuses of HTTP, else one with words that say
// the same.
func statusOf(e *evidence) (string, statusKind) {
	status := best(e, statusNames, func(name string, v *values) float64 {
		if rankOf(statusNames, name) < 0 && !hints(name) {
			return 0 // 443 is a port and 200 a size: here the name must agree
		}
		return v.share(v.status)
	})
	if status != "" {
		return status, plainStatus
	}
	names := slices.Concat(statusNames, outcomeNames)
	word := best(e, names, func(name string, v *values) float64 { return named(names, name, v.share(v.word)) })
	if v := e.labels[word]; word != "" && v.truth == v.n && strings.Contains(word, "err") {
		return word, trueIsError
	}
	return word, wordStatus
}

// named is the score of a label that counts only under one of some names.
func named(names []string, name string, score float64) float64 {
	if rankOf(names, name) < 0 {
		return 0
	}
	return score
}

// best is the label whose values fit best. Half of the values of a label with a
// known name must fit ("UNKNOWN" is a status too), nearly all of any other.
func best(e *evidence, known []string, fit func(string, *values) float64) string {
	found, top := "", 0.0
	for name, v := range e.labels {
		score := fit(name, v)
		rank := rankOf(known, name)
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

// routeOf finds the labels of the route among those that are neither status nor
// method. Paths beat names, so that gin's url is taken and not handler, which
// holds the names of Go functions; without paths only the name is left to go by.
func routeOf(e *evidence, r roles) []string {
	found, top := "", 0.0
	for name, v := range e.labels {
		if name == r.status || name == r.method || strings.HasPrefix(name, "otel_scope") {
			continue
		}
		score := routeScore(name, v)
		if score > top || score == top && score > 0 && name < found {
			found, top = name, score
		}
	}
	switch {
	case found == "":
		return nil
	case top > pathScore:
		return []string{found}
	}
	for _, pair := range [...][2]string{
		{"controller", "action"}, {"grpc_service", "grpc_method"}, {"rpc_service", "rpc_method"}, {"service", "method"}, {"service", "rpc"},
	} {
		if e.has(pair[0]) && e.has(pair[1]) && slices.Contains(pair[:], found) && r.method != pair[1] && r.status != pair[0] {
			return pair[:]
		}
	}
	return []string{found}
}

// pathScore is above what a label without paths can have.
const pathScore = 2

func routeScore(name string, v *values) float64 {
	paths := v.share(v.path)
	all := len(routeNames) + len(wideNames)
	rank := rankOf(routeNames, name)
	if wide := rankOf(wideNames, name); wide >= 0 && (paths > 0 || v.differ) {
		rank = len(routeNames) + wide
	}
	switch {
	case rank < 0 && paths < 0.9:
		return 0
	case rank < 0:
		rank = all
	}
	score := 0.1 + 1 - float64(rank)/float64(all)
	if paths > 0 {
		score += pathScore + paths // one path among words is a path label with exceptions
	}
	return score
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
