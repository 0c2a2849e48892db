package scrape

import "strings"

// ranks are names of labels, the likelier first, by squashed name. They decide
// only between labels whose values say the same.
type ranks map[string]int

func ranksOf(names ...string) ranks {
	r := ranks{}
	for _, name := range names {
		if _, again := r[squash(name)]; !again {
			r[squash(name)] = len(r)
		}
	}
	return r
}

// of is the place of a label among the names, -1 when it is not among them.
func (r ranks) of(name string) int {
	if rank, ok := r[squash(name)]; ok {
		return rank
	}
	return -1
}

// squash makes statusCode, StatusCode and status_code one name.
func squash(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

var (
	routeNames = ranksOf(
		"http_route", "route", "path_template", "url_rule", "uri_template", "path_pattern", "url_pattern", "route_pattern",
		"route_name", "uri", "path", "http_path", "request_path", "request_uri", "matched_uri", "endpoint", "url", "handler",
		"view", "http_target", "resource", "url_path", "operation", "operation_id", "operation_name", "pattern", "template",
		"rpc", "rpc_method", "grpc_method", "action", "controller", "servlet", "page",
	)
	// These say the route only where they have several values: a service's own
	// name is none.
	wideNames = ranksOf(
		"api", "api_name", "function", "entrypoint", "router", "method", "command", "target",
		"ingress", "vhost", "server_zone", "backend", "service", "location", "name", "server", "host",
	)
	statusNames = ranksOf(statusList()...)
	// outcomeNames hold words for statuses, too.
	outcomeNames = ranksOf(append(statusList(), "outcome", "result", "state", "success", "error", "failed", "is_error")...)
	grpcNames    = ranksOf("grpc_code", "rpc_grpc_status_code", "grpc_status", "grpc_response_status", "status_code", "code", "status")
	methodNames  = ranksOf("method", "http_request_method", "http_method", "request_method", "verb", "http_verb")
)

func statusList() []string {
	return []string{
		"status", "status_code", "code", "http_response_status_code", "http_status_code", "response_code",
		"http_status", "http_code", "status_class", "code_class", "response_status",
		"envoy_response_code", "envoy_response_code_class", "result_code",
	}
}

// endName tells whether a label of this name may say how requests end.
func endName(name string) bool {
	return hints(name) || outcomeNames.of(name) >= 0 || grpcNames.of(name) >= 0
}

// hints tells whether a name that is not known speaks of statuses.
func hints(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "status") || strings.Contains(name, "code")
}
