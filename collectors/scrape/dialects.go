package scrape

import (
	"slices"
	"strings"
)

// dialect is one library or server whose families are known. A row applies only
// when the page's types and labels agree with it, as names lie: two libraries
// call different things starlette_requests_total.
type dialect struct {
	name     string
	needs    string // a family that must be on the page too
	counter  string // family that counts requests; empty: the duration's count
	duration string // family that times them; "*" is what it was in counter
	labels   string // what the counter (else the duration) must have
	route    string // labels that make the route; behind a comma, others where these are not on the page
	status   string
	method   string
	kind     statusKind
	gauges   bool    // the counter may be declared a gauge
	late     bool    // asked only where no HTTP is found
	unit     string  // of the duration, where the page may not say it
	only     []match // series that count, where others count the same again
	except   []match // series that are not the service's requests
}

// match is a label with a value.
type match struct{ label, value string }

// dialects lists what is known, the more telling rows first: where a page has
// several layers that count the same requests, the first row takes it. Names
// are as on the page, with dots as underscores; * stands for any prefix.
//
// The names were read from the libraries' sources or pages, 2026.
func dialects() []dialect {
	return slices.Concat(python(), openTelemetry(), frameworks(), proxies(), meshes(), servers(), calls())
}

// What many libraries call their families: here the labels tell them apart.
const (
	requests = "http_requests_total"
	duration = "http_request_duration_seconds"
)

func python() []dialect {
	return []dialect{
		{name: "prometheus-fastapi-instrumentator", needs: "http_request_duration_highr_seconds",
			counter: requests, duration: duration, labels: "handler status", route: "handler", status: "status", method: "method"},
		{name: "prometheus-fastapi-instrumentator", needs: "python_info",
			counter: "*" + requests, duration: "*" + duration, labels: "handler status method", route: "handler", status: "status", method: "method"},
		{name: "starlette-prometheus", counter: "starlette_responses_total", duration: "starlette_requests_processing_time_seconds",
			labels: "path_template status_code", route: "path_template", status: "status_code", method: "method"},
		{name: "starlette_exporter", counter: "*_requests_total", duration: "*_request_duration_seconds",
			labels: "app_name path status_code", route: "path", status: "status_code", method: "method"},
		{name: "django-prometheus", counter: "django_http_responses_total_by_status_view_method_total",
			duration: "django_http_requests_latency_seconds_by_view_method",
			labels:   "status view", route: "view", status: "status", method: "method"},
		{name: "django-prometheus", counter: "django_http_responses_total_by_status_view_method",
			duration: "django_http_requests_latency_seconds_by_view_method",
			labels:   "status view", route: "view", status: "status", method: "method"},
		{name: "prometheus-flask-exporter", duration: "flask_http_request_duration_seconds",
			labels: "status url_rule", route: "url_rule", status: "status", method: "method"},
		{name: "prometheus-flask-exporter", duration: "flask_http_request_duration_seconds",
			labels: "status endpoint", route: "endpoint", status: "status", method: "method"},
		{name: "prometheus-flask-exporter", duration: "flask_http_request_duration_seconds",
			labels: "status path", route: "path", status: "status", method: "method"},
	}
}

// openTelemetry is the semantic conventions, stable and before 1.21, and what
// Micrometer calls the same.
func openTelemetry() []dialect {
	return []dialect{
		{name: "opentelemetry", duration: "*http_server_request_duration_seconds", labels: "http_request_method",
			route: "http_route", status: "http_response_status_code", method: "http_request_method"},
		{name: "opentelemetry", duration: "http_server_request_duration", labels: "http_request_method", unit: "s",
			route: "http_route", status: "http_response_status_code", method: "http_request_method"},
		{name: "opentelemetry-old", duration: "http_server_duration_milliseconds", labels: "http_method",
			route: "http_route", status: "http_status_code", method: "http_method"},
		{name: "opentelemetry-old", duration: "http_server_duration", labels: "http_method", unit: "ms",
			route: "http_route", status: "http_status_code", method: "http_method"},
		{name: "opentelemetry-old", duration: "http_server_duration_ms", labels: "http_method",
			route: "http_route", status: "http_status_code", method: "http_method"},
		{name: "opentelemetry-old", duration: "*http_server_duration_seconds", labels: "http_method",
			route: "http_route", status: "http_status_code", method: "http_method"},
		{name: "micrometer", duration: "*http_server_requests_seconds", labels: "uri status",
			route: "uri", status: "status", method: "method"},
		{name: "micrometer", duration: "*http_server_requests_seconds", labels: "uri outcome",
			route: "uri", status: "outcome", method: "method", kind: wordStatus},
	}
}

// frameworks are libraries inside services in the other languages.
func frameworks() []dialect {
	return []dialect{
		{name: "demoapi", needs: "ratelimit_decisions_total", counter: requests, duration: duration,
			labels: "route status method", route: "route", status: "status", method: "method"},
		{name: "fastify-metrics", needs: "http_request_summary_seconds", duration: duration,
			labels: "route status_code", route: "route", status: "status_code", method: "method"},
		{name: "express-prom-bundle", needs: "up", duration: duration,
			labels: "status_code", route: "path", status: "status_code", method: "method"},
		{name: "prometheus-net", counter: "http_requests_received_total", duration: duration,
			labels: "code endpoint", route: "endpoint", status: "code", method: "method"},
		{name: "prometheus-net", counter: "http_requests_received_total", duration: duration,
			labels: "code controller", route: "controller action", status: "code", method: "method"},
		{name: "prometheus-net", counter: "http_requests_received_total", duration: duration,
			labels: "code", route: "page", status: "code", method: "method"},
		{name: "go-http-metrics", needs: "http_requests_inflight", duration: duration,
			labels: "handler code", route: "handler", status: "code", method: "method"},
		{name: "fiberprometheus", needs: "http_requests_in_progress_total", counter: requests, duration: duration,
			labels: "path status_code service", route: "path", status: "status_code", method: "method"},
		{name: "go-chi/metrics", counter: requests, duration: duration,
			labels: "endpoint status proto", route: "endpoint", status: "status"},
		{name: "client_golang promhttp", needs: "promhttp_metric_handler_requests_total", counter: requests, duration: duration,
			labels: "code handler", route: "handler", status: "code", method: "method"},
		{name: "go-gin-prometheus", counter: "*_requests_total", duration: "*_request_duration_seconds",
			labels: "code handler host url", route: "url", status: "code", method: "method"},
		{name: "echoprometheus", counter: "*_requests_total", duration: "*_request_duration_seconds",
			labels: "code host method url", route: "url", status: "code", method: "method"},
		{name: "prom_ex", counter: "*_prom_ex_phoenix_http_requests_total", duration: "*_prom_ex_phoenix_http_request_duration_milliseconds",
			labels: "path status", route: "path", status: "status", method: "method"},
		{name: "prometheus_exporter (Ruby)", counter: "*_http_requests_total", duration: "*_http_request_duration_seconds",
			labels: "controller action status", route: "controller action", status: "status"},
		{name: "yabeda-rails", counter: "rails_requests_total", duration: "rails_request_duration_seconds",
			labels: "controller action status", route: "controller action", status: "status", method: "method"},
		{name: "axum-prometheus", counter: "axum_http_requests_total", duration: "axum_http_requests_duration_seconds",
			labels: "endpoint status", route: "endpoint", status: "status", method: "method"},
		{name: "actix-web-prom", counter: "*_http_requests_total", duration: "*_http_requests_duration_seconds",
			labels: "endpoint status method", route: "endpoint", status: "status", method: "method"},
	}
}

// proxies are gateways that speak of themselves. Of the layers that count the
// same requests the outermost comes first, as it alone sees all of them.
func proxies() []dialect {
	return []dialect{
		{name: "traefik", counter: "traefik_entrypoint_requests_total", duration: "traefik_entrypoint_request_duration_seconds",
			labels: "entrypoint code", route: "entrypoint", status: "code", method: "method"},
		{name: "traefik", counter: "traefik_router_requests_total", duration: "traefik_router_request_duration_seconds",
			labels: "router code", route: "router", status: "code", method: "method"},
		{name: "traefik", counter: "traefik_service_requests_total", duration: "traefik_service_request_duration_seconds",
			labels: "service code", route: "service", status: "code", method: "method"},
		{name: "traefik", counter: "traefik_backend_requests_total", duration: "traefik_backend_request_duration_seconds",
			labels: "backend code", route: "backend", status: "code", method: "method"},
		{name: "caddy", duration: "caddy_http_request_duration_seconds", labels: "server handler code",
			route: "server handler", status: "code", method: "method", except: passingHandlers()},
		{name: "nginx-vts", counter: "nginx_vts_server_requests_total", duration: "nginx_vts_server_request_duration_seconds",
			labels: "host code", route: "host", status: "code", except: []match{{"host", "*"}, {"code", "total"}}},
		{name: "ingress-nginx", needs: "nginx_ingress_controller_request_duration_seconds",
			counter: "nginx_ingress_controller_requests", duration: "nginx_ingress_controller_request_duration_seconds",
			labels: "status", route: "path,ingress,host", status: "status", method: "method"},
		{name: "ingress-nginx", counter: "nginx_ingress_controller_requests", duration: "nginx_ingress_controller_response_duration_seconds",
			labels: "status", route: "path,ingress,host", status: "status", method: "method"},
		{name: "haproxy", counter: "haproxy_frontend_http_responses_total", labels: "code", route: "proxy,frontend", status: "code",
			gauges: true, except: []match{{"proxy", "stats"}, {"frontend", "stats"}}},
		{name: "haproxy", counter: "haproxy_backend_http_responses_total", labels: "code", route: "proxy,backend", status: "code",
			gauges: true, except: []match{{"proxy", "stats"}, {"backend", "stats"}}},
		{name: "kong", counter: "kong_http_requests_total", duration: "kong_request_latency_ms",
			labels: "code", route: "route,service", status: "code"},
		{name: "kong", counter: "kong_http_status", duration: "kong_latency",
			labels: "code", route: "route,service", status: "code", unit: "ms", only: []match{{"type", "request"}}},
		{name: "apisix", counter: "apisix_http_status", duration: "apisix_http_latency",
			labels: "code", route: "matched_uri,route", status: "code", unit: "ms", only: []match{{"type", "request"}}},
	}
}

// passingHandlers are the modules of Caddy that hand a request on to the next
// one, which counts it again: only where it ends it is counted.
// Source: caddyserver.com/docs/modules, namespace http.handlers.
func passingHandlers() []match {
	var all []match
	for name := range strings.FieldsSeq(`headers encode rewrite vars authentication templates request_body map push
		intercept tracing log_append copy_response_headers`) {
		all = append(all, match{"handler", name})
	}
	return all
}

// meshes are proxies beside each service: what comes in are its requests, what
// goes out are others'.
func meshes() []dialect {
	istio := dialect{name: "istio", counter: "istio_requests_total", duration: "istio_request_duration_milliseconds",
		labels: "response_code reporter", status: "response_code",
		route: "destination_service_name,destination_service,destination_workload,destination_app"}
	source, waypoint := istio, istio
	istio.only = []match{{"reporter", "destination"}}
	source.only = []match{{"reporter", "source"}}
	waypoint.only = []match{{"reporter", "waypoint"}}
	return []dialect{
		istio, waypoint, source,
		{name: "linkerd", counter: "response_total", duration: "response_latency_ms", labels: "direction status_code",
			route: "route,authority,target_addr", status: "status_code", only: []match{{"direction", "inbound"}}},
		{name: "envoy", counter: "envoy_http_downstream_rq_xx", duration: "envoy_http_downstream_rq_time", unit: "ms",
			labels: "envoy_response_code_class", route: "envoy_http_conn_manager_prefix", status: "envoy_response_code_class",
			except: []match{{"envoy_http_conn_manager_prefix", "admin"}}},
		{name: "envoy", counter: "envoy_cluster_upstream_rq_xx", duration: "envoy_cluster_upstream_rq_time", unit: "ms",
			labels: "envoy_response_code_class", route: "envoy_cluster_name", status: "envoy_response_code_class"},
		{name: "envoy", counter: "envoy_cluster_upstream_rq", duration: "envoy_cluster_upstream_rq_time", unit: "ms",
			labels: "envoy_response_code", route: "envoy_cluster_name", status: "envoy_response_code"},
	}
}

// servers are programs that answer HTTP among other things.
func servers() []dialect {
	return []dialect{
		{name: "kube-apiserver", counter: "apiserver_request_total", duration: "apiserver_request_duration_seconds",
			labels: "verb resource code", route: "resource", status: "code", method: "verb",
			except: []match{{"verb", "WATCH"}, {"verb", "WATCHLIST"}, {"verb", "CONNECT"}}},
		{name: "prometheus", counter: "prometheus_http_requests_total", duration: "prometheus_http_request_duration_seconds",
			labels: "handler code", route: "handler", status: "code"},
		{name: "victoriametrics", counter: "vm_http_requests_total", labels: "path", route: "path"},
		{name: "minio", counter: "minio_s3_requests_total", labels: "api", route: "api"},
		{name: "apache_exporter", counter: "apache_accesses_total"},
		{name: "php-fpm_exporter", counter: "phpfpm_accepted_connections", labels: "pool", route: "pool"},
	}
}

// calls are the requests of gRPC, on pages without HTTP.
func calls() []dialect {
	return []dialect{
		{name: "grpc-prometheus", counter: "grpc_server_handled_total", duration: "grpc_server_handling_seconds", late: true,
			labels: "grpc_service grpc_method grpc_code", route: "grpc_service grpc_method", status: "grpc_code", kind: grpcStatus},
		{name: "micrometer grpc", duration: "grpc_server_processing_duration_seconds", late: true,
			labels: "service method statusCode", route: "service method", status: "statusCode", kind: grpcStatus},
		{name: "spring-grpc", duration: "grpc_server_seconds", late: true,
			labels: "rpc_service rpc_method grpc_status_code", route: "rpc_service rpc_method", status: "grpc_status_code", kind: grpcStatus},
		{name: "opentelemetry rpc", duration: "*rpc_server_call_duration_seconds", late: true,
			labels: "rpc_method", route: "rpc_service rpc_method", status: "rpc_response_status_code", kind: grpcStatus},
		{name: "opentelemetry rpc", duration: "*rpc_server_duration_milliseconds", late: true,
			labels: "rpc_method", route: "rpc_service rpc_method", status: "rpc_grpc_status_code", kind: grpcStatus},
		{name: "opentelemetry rpc", duration: "*rpc_server_duration_seconds", late: true,
			labels: "rpc_method", route: "rpc_service rpc_method", status: "rpc_grpc_status_code", kind: grpcStatus},
		{name: "opentelemetry rpc", duration: "rpc_server_duration", late: true, unit: "ms",
			labels: "rpc_method", route: "rpc_service rpc_method", status: "rpc_grpc_status_code", kind: grpcStatus},
	}
}
