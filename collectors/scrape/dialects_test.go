package scrape

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"apitop/collectors/snapshot"
)

// hist writes a histogram of n requests of half a second in all, with the given
// bounds; perSecond is its unit.
func hist(name, labels string, n int, perSecond float64, bounds ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# TYPE %s histogram\n", name)
	for _, le := range append(bounds, "+Inf") {
		fmt.Fprintf(&b, "%s_bucket{%s,le=%q} %d\n", name, labels, le, n)
	}
	fmt.Fprintf(&b, "%s_sum{%s} %g\n%s_count{%s} %d\n", name, labels, 0.5*perSecond, name, labels, n)
	return b.String()
}

func counterOf(name, labels string, n int) string {
	return fmt.Sprintf("# TYPE %s counter\n%s{%s} %d\n", name, name, labels, n)
}

// summaryOf is a summary without quantiles.
func summaryOf(name, labels string, n int) string {
	return fmt.Sprintf("# TYPE %s summary\n%s_sum{%s} 0.5\n%s_count{%s} %d\n", name, name, labels, name, labels, n)
}

// shown is a reading as one line for each series.
func shown(h *snapshot.HTTP) string {
	var lines []string
	for _, c := range h.Requests {
		lines = append(lines, fmt.Sprintf("%v x %s %s %s", c.Total, c.Series.Method, c.Series.Route, c.Series.Status))
	}
	slices.Sort(lines)
	for _, d := range h.Durations {
		top := 0.0
		if len(d.Bounds) > 0 {
			top = d.Bounds[len(d.Bounds)-1]
		}
		lines = append(lines, fmt.Sprintf("%v took %g s, up to %g s: %s %s", d.Count, d.Sum, top, d.Series.Method, d.Series.Route))
	}
	return strings.Join(lines, "\n")
}

// TestDialects has a page for each library and server that no recorded page
// covers, as its source writes it, with what else on that page looks similar.
func TestDialects(t *testing.T) {
	for name, tt := range dialectPages() {
		t.Run(name, func(t *testing.T) {
			r := NewReader("t", Limits{})
			h := readPage(t, r, tt.page)
			if got := shown(h); got != tt.want || h.Page.Dialect != tt.dialect {
				t.Errorf("dialect %q (%s, %s):\n%s\nwant %q:\n%s", h.Page.Dialect, h.Page.Counter, h.Page.Duration, got, tt.dialect, tt.want)
			}
			if h.InFlight.OK != tt.inFlight {
				t.Errorf("in flight %+v", h.InFlight)
			}
		})
	}
}

type dialectPage struct {
	page, dialect, want string
	inFlight            bool
}

func dialectPages() map[string]dialectPage {
	pages := map[string]dialectPage{}
	for _, part := range []map[string]dialectPage{libraryPages(), otherLibraryPages(), proxyPages(), unknownPages()} {
		maps.Copy(pages, part)
	}
	return pages
}

func libraryPages() map[string]dialectPage {
	const s = 1
	return map[string]dialectPage{
		"starlette_exporter": {
			counterOf("starlette_requests_total", `app_name="a",method="GET",path="/x",status_code="200"`, 4) +
				hist("starlette_request_duration_seconds", `app_name="a",method="GET",path="/x",status_code="200"`, 4, s, "0.1", "1") +
				"# TYPE starlette_requests_in_progress gauge\nstarlette_requests_in_progress{app_name=\"a\",method=\"GET\"} 1\n",
			"starlette_exporter", "4 x GET /x 200\n4 took 0.5 s, up to 1 s: GET /x", true,
		},
		"django": {
			counterOf("django_http_requests_before_middlewares_total", `x="y"`, 9) +
				counterOf("django_http_requests_total_by_method_total", `method="GET"`, 4) +
				counterOf("django_http_responses_total_by_status_total", `status="200"`, 4) +
				counterOf("django_http_responses_total_by_status_view_method_total", `method="GET",status="200",view="home"`, 4) +
				hist("django_http_requests_latency_seconds_by_view_method", `method="GET",view="home"`, 4, s, "0.1", "1") +
				hist("django_db_query_duration_seconds", `alias="default"`, 7, s, "0.1", "1"),
			"django-prometheus", "4 x GET home 200\n4 took 0.5 s, up to 1 s: GET home", false,
		},
		"otel before 1.21, python": {
			hist("http_server_duration_milliseconds", `http_method="POST",http_status_code="201",http_target="/x"`, 4, 1000, "5", "1000"),
			"opentelemetry-old", "4 x POST /x 201\n4 took 0.5 s, up to 1 s: POST /x", false,
		},
		"otel in UTF-8": {
			`# TYPE "http.server.request.duration" histogram` + "\n# UNIT \"http.server.request.duration\" s\n" +
				`{"http.server.request.duration_bucket","http.request.method"="GET","http.route"="/x","http.response.status_code"="200",le="1"} 4` + "\n" +
				`{"http.server.request.duration_bucket","http.request.method"="GET","http.route"="/x","http.response.status_code"="200",le="+Inf"} 4` + "\n" +
				`{"http.server.request.duration_sum","http.request.method"="GET","http.route"="/x","http.response.status_code"="200"} 0.5` + "\n" +
				`{"http.server.request.duration_count","http.request.method"="GET","http.route"="/x","http.response.status_code"="200"} 4` + "\n" +
				"# TYPE \"http.server.active_requests\" gauge\n{\"http.server.active_requests\"} 2\n",
			"opentelemetry", "4 x GET /x 200\n4 took 0.5 s, up to 1 s: GET /x", true,
		},
		"spring": {
			summaryOf("http_server_requests_seconds", `exception="none",method="GET",outcome="SUCCESS",status="200",uri="/x",`, 4) +
				"# TYPE http_server_requests_seconds_max gauge\nhttp_server_requests_seconds_max{uri=\"/x\",} 0.2\n" +
				"# TYPE http_server_requests_active_seconds summary\nhttp_server_requests_active_seconds_active_count{} 2\nhttp_server_requests_active_seconds_duration_sum{} 0.1\n",
			"micrometer", "4 x GET /x 200\n4 took 0.5 s, up to 0 s: GET /x", true,
		},
		"fastify": {
			hist("http_request_duration_seconds", `method="GET",route="/x",status_code="200"`, 4, s, "0.05", "10") +
				summaryOf("http_request_summary_seconds", `method="GET",route="/x",status_code="200"`, 4),
			"fastify-metrics", "4 x GET /x 200\n4 took 0.5 s, up to 10 s: GET /x", false,
		},
	}
}

func otherLibraryPages() map[string]dialectPage {
	const s = 1
	return map[string]dialectPage{
		"prometheus-net": {
			counterOf("http_requests_received_total", `action="",code="200",controller="",endpoint="/x",method="GET"`, 4) +
				hist("http_request_duration_seconds", `action="",code="200",controller="",endpoint="/x",method="GET"`, 4, s, "0.001", "32.768") +
				"# TYPE http_requests_in_progress gauge\nhttp_requests_in_progress{method=\"GET\"} 0\n",
			"prometheus-net", "4 x GET /x 200\n4 took 0.5 s, up to 32.768 s: GET /x", true,
		},
		"go-http-metrics": {
			hist("http_request_duration_seconds", `code="2xx",handler="/x",method="GET",service=""`, 4, s, "0.005", "10") +
				"# TYPE http_requests_inflight gauge\nhttp_requests_inflight{handler=\"/x\",service=\"\"} 0\n",
			"go-http-metrics", "4 x GET /x 2xx\n4 took 0.5 s, up to 10 s: GET /x", true,
		},
		"echo": {
			counterOf("shop_requests_total", `code="200",host="a:1",method="GET",url="/x"`, 4) +
				hist("shop_request_duration_seconds", `code="200",host="a:1",method="GET",url="/x"`, 4, s, "0.005", "10") +
				hist("shop_response_size_bytes", `code="200",host="a:1",method="GET",url="/x"`, 4, s, "1024", "2048"),
			"echoprometheus", "4 x GET /x 200\n4 took 0.5 s, up to 10 s: GET /x", false,
		},
		"chi": {
			counterOf("http_requests_total", `client_aborted="false",endpoint="GET /x/{id}",host="a",proto="HTTP/1.1",status="200"`, 3) +
				counterOf("http_requests_total", `client_aborted="false",endpoint="<no-match>",host="a",proto="HTTP/1.1",status="404"`, 1) +
				hist("http_request_duration_seconds", `endpoint="GET /x/{id}",status="200"`, 3, s, "0.1", "10"),
			"go-chi/metrics", "1 x  <no-match> 404\n3 x GET /x/{id} 200\n3 took 0.5 s, up to 10 s: GET /x/{id}", false,
		},
		"rails": {
			counterOf("ruby_http_requests_total", `action="index",controller="users",status="200"`, 4) +
				summaryOf("ruby_http_request_duration_seconds", `action="index",controller="users"`, 4) +
				summaryOf("ruby_http_request_sql_duration_seconds", `action="index",controller="users"`, 4),
			"prometheus_exporter (Ruby)", "4 x  users|index 200\n4 took 0.5 s, up to 0 s:  users|index", false,
		},
		"yabeda": {
			counterOf("rails_requests_total", `action="index",controller="users",format="html",method="get",status="200"`, 4) +
				hist("rails_request_duration_seconds", `action="index",controller="users",format="html",method="get",status="200"`, 4, s, "0.005", "600") +
				hist("rails_db_runtime_seconds", `action="index",controller="users"`, 4, s, "0.005", "600"),
			"yabeda-rails", "4 x GET users|index 200\n4 took 0.5 s, up to 600 s: GET users|index", false,
		},
	}
}

func proxyPages() map[string]dialectPage {
	const s, ms = 1, 1000
	return map[string]dialectPage{
		"traefik services only": {
			counterOf("traefik_service_requests_total", `code="200",method="GET",protocol="http",service="a@file"`, 4) +
				hist("traefik_service_request_duration_seconds", `code="200",method="GET",protocol="http",service="a@file"`, 4, s, "0.1", "5"),
			"traefik", "4 x GET a@file 200\n4 took 0.5 s, up to 5 s: GET a@file", false,
		},
		"nginx-vts": {
			counterOf("nginx_vts_server_requests_total", `code="2xx",host="a.example"`, 4) +
				"nginx_vts_server_requests_total{code=\"2xx\",host=\"*\"} 4\n" +
				hist("nginx_vts_server_request_duration_seconds", `host="a.example"`, 4, s, "0.005", "10"),
			"nginx-vts", "4 x  a.example 2xx\n4 took 0.5 s, up to 10 s:  a.example", false,
		},
		"ingress-nginx": {
			counterOf("nginx_ingress_controller_requests", `ingress="i",method="GET",path="/x",status="200"`, 4) +
				hist("nginx_ingress_controller_request_duration_seconds", `ingress="i",method="GET",path="/x",status="200"`, 4, s, "0.005", "10") +
				hist("nginx_ingress_controller_response_duration_seconds", `ingress="i",method="GET",path="/x",status="200"`, 4, s, "0.005", "5"),
			"ingress-nginx", "4 x GET /x 200\n4 took 0.5 s, up to 10 s: GET /x", false,
		},
		"envoy": {
			counterOf("envoy_cluster_upstream_rq_xx", `envoy_cluster_name="c",envoy_response_code_class="2"`, 9) +
				counterOf("envoy_http_downstream_rq_xx", `envoy_http_conn_manager_prefix="http",envoy_response_code_class="5"`, 4) +
				"envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix=\"admin\",envoy_response_code_class=\"2\"} 7\n" +
				hist("envoy_http_downstream_rq_time", `envoy_http_conn_manager_prefix="http"`, 4, ms, "0.5", "3600000") +
				"# TYPE envoy_http_downstream_rq_active gauge\nenvoy_http_downstream_rq_active{envoy_http_conn_manager_prefix=\"http\"} 1\n",
			"envoy", "4 x  http 5\n4 took 0.5 s, up to 3600 s:  http", true,
		},
		"istio": {
			counterOf("istio_requests_total", `destination_service_name="a",reporter="destination",response_code="200"`, 4) +
				"istio_requests_total{destination_service_name=\"b\",reporter=\"source\",response_code=\"200\"} 9\n" +
				hist("istio_request_duration_milliseconds", `destination_service_name="a",reporter="destination",response_code="200"`, 4, ms, "1", "10000"),
			"istio", "4 x  a 200\n4 took 0.5 s, up to 10 s:  a", false,
		},
		"haproxy": {
			counterOf("haproxy_frontend_http_responses_total", `code="2xx",proxy="web"`, 4) +
				"haproxy_frontend_http_responses_total{code=\"2xx\",proxy=\"stats\"} 5\n" +
				counterOf("haproxy_backend_http_responses_total", `code="2xx",proxy="app"`, 4),
			"haproxy", "4 x  web 2xx", false,
		},
		"kong 2": {
			counterOf("kong_http_status", `code="200",route="r",service="s"`, 4) +
				hist("kong_latency", `route="r",service="s",type="kong"`, 4, ms, "1", "1000") +
				strings.SplitN(hist("kong_latency", `route="r",service="s",type="request"`, 4, ms, "1", "60000"), "\n", 2)[1],
			"kong", "4 x  r 200\n4 took 0.5 s, up to 60 s:  r", false,
		},
		"apiserver": {
			counterOf("apiserver_request_total", `code="200",resource="pods",verb="GET"`, 4) +
				"apiserver_request_total{code=\"200\",resource=\"pods\",verb=\"WATCH\"} 9\n" +
				hist("apiserver_request_duration_seconds", `resource="pods",verb="GET"`, 4, s, "0.005", "60"),
			"kube-apiserver", "4 x GET pods 200\n4 took 0.5 s, up to 60 s: GET pods", false,
		},
	}
}

// unknownPages are of no library in particular, with what misleads.
func unknownPages() map[string]dialectPage {
	const s, ms, us = 1, 1000, 1000000
	return map[string]dialectPage{
		"milliseconds named seconds": {
			hist("http_request_duration_seconds", `method="GET",route="/x",code="200"`, 4, ms, "5", "5000"),
			"", "4 x GET /x 200\n4 took 0.5 s, up to 5 s: GET /x", false,
		},
		"no unit, milliseconds by the ladder": {
			hist("http_request_duration", `method="GET",route="/x",code="200"`, 4, ms, "5", "5000"),
			"", "4 x GET /x 200\n4 took 0.5 s, up to 5 s: GET /x", false,
		},
		"no unit, seconds by the ladder": {
			hist("http_request_latency", `method="GET",route="/x",code="200"`, 4, s, "0.005", "30"),
			"", "4 x GET /x 200\n4 took 0.5 s, up to 30 s: GET /x", false,
		},
		"unit by # UNIT": {
			"# UNIT http_request_duration ms\n" + hist("http_request_duration", `method="GET",route="/x",code="200"`, 4, ms, "5", "50"),
			"", "4 x GET /x 200\n4 took 0.5 s, up to 0.05 s: GET /x", false,
		},
		"microseconds": {
			hist("http_request_duration_us", `verb="get",uri="/x",rc_code="200"`, 4, us, "100", "10000"),
			"", "4 x GET /x 200\n4 took 0.5 s, up to 0.01 s: GET /x", false,
		},
		"client beside server": {
			hist("http_client_requests_seconds", `method="GET",uri="/other",status="200"`, 40, s, "0.1", "1") +
				counterOf("outbound_http_requests_total", `method="GET",path="/other",status="200"`, 40) +
				hist("myapp_request_seconds", `method="GET",path="/x",status="200"`, 4, s, "0.1", "1"),
			"", "4 x GET /x 200\n4 took 0.5 s, up to 1 s: GET /x", false,
		},
		"counter with the status, histogram with the route": {
			counterOf("api_requests_total", `method="GET",path="/x",status="500"`, 4) +
				hist("api_request_duration_seconds", `path="/x"`, 4, s, "0.1", "1"),
			"", "4 x  /x 500\n4 took 0.5 s, up to 1 s:  /x", false,
		},
		"counter without the route": {
			counterOf("api_requests_total", `status="500"`, 4) +
				hist("api_request_duration_seconds", `path="/x",status="500"`, 4, s, "0.1", "1"),
			"", "4 x  /x 500\n4 took 0.5 s, up to 1 s:  /x", false,
		},
		"named after nothing, but labelled": {
			counterOf("shop_calls_total", `action="GET",where="/x",result_code="500"`, 4) +
				counterOf("shop_lookups_total", `code="200"`, 40) +
				hist("shop_calls_seconds", `action="GET",where="/x",result_code="500"`, 4, s, "0.1", "1"),
			"", "4 x GET /x 500\n4 took 0.5 s, up to 1 s: GET /x", false,
		},
		"a gauge named like a counter": {
			"# TYPE http_requests_total gauge\nhttp_requests_total{status=\"200\"} 4\n",
			"", "", false,
		},
		"cache and rate limit only": {
			counterOf("cache_requests_total", `cache="l1",result="hit"`, 4) +
				counterOf("ratelimit_decisions_total", `decision="denied",endpoint="/orders",tier="guest"`, 4),
			"", "", false,
		},
		"port is no status": {
			hist("http_request_duration_seconds", `server_port="443",path="/x",method="GET"`, 4, s, "0.1", "1"),
			"", "4 x GET /x \n4 took 0.5 s, up to 1 s: GET /x", false,
		},
	}
}
