package scrape

import (
	"testing"

	"apitop/collectors/snapshot"
)

// TestInFlight: the gauges of requests being served, library by library.
func TestInFlight(t *testing.T) {
	tests := map[string]struct {
		page string
		want snapshot.Value
	}{
		"none":            {plainCounter, snapshot.Value{}},
		"fastapi":         {metrics(`gauge http_requests_inprogress{method="GET",handler="/a"} 2`, `gauge http_requests_inprogress{method="GET",handler="/b"} 1`), snapshot.Known(3)},
		"starlette":       {metrics(`gauge starlette_requests_in_progress{method="GET",app_name="x"} 2`), snapshot.Known(2)},
		"opentelemetry":   {metrics(`gauge http_server_active_requests{http_request_method="GET"} 2`), snapshot.Known(2)},
		"in utf-8":        {"# TYPE \"http.server.active_requests\" gauge\n{\"http.server.active_requests\",\"http.request.method\"=\"GET\"} 4\n", snapshot.Known(4)},
		"the client's":    {metrics(`gauge http_client_active_requests{http_request_method="GET"} 2`), snapshot.Value{}},
		"spring boot 3":   {metrics(`gauge http_server_requests_active_seconds_max{uri="/a"} 9`, `summary http_server_requests_active_seconds_active_count{uri="/a"} 2`), snapshot.Known(2)},
		"prometheus-net":  {metrics(`gauge http_requests_in_progress{method="GET"} 2`), snapshot.Known(2)},
		"go-http-metrics": {metrics(`gauge http_requests_inflight{handler="/a",service="s"} 2`), snapshot.Known(2)},
		"fiber":           {metrics(`gauge http_requests_in_progress_total{method="GET"} 2`), snapshot.Known(2)},
		"user-named":      {metrics("gauge in_flight_requests 2"), snapshot.Known(2)},
		"axum":            {metrics(`gauge axum_http_requests_pending{endpoint="/a"} 2`), snapshot.Known(2)},
		"caddy, nested": {metrics(`gauge caddy_http_requests_in_flight{handler="subroute",server="a"} 2`, `gauge caddy_http_requests_in_flight{handler="file_server",server="a"} 1`,
			`gauge caddy_http_requests_in_flight{handler="subroute",server="b"} 5`), snapshot.Known(7)},
		"traefik": {metrics(`counter traefik_service_requests_total{service="s",code="200",method="GET"} 5`, `gauge traefik_open_connections{entrypoint="web",protocol="http"} 6`, `gauge traefik_open_connections{service="s",protocol="http"} 3`), snapshot.Known(3)},
		"traefik, entry points": {metrics(`counter traefik_entrypoint_requests_total{entrypoint="web",code="200",method="GET"} 5`, `gauge traefik_open_connections{entrypoint="web",protocol="http"} 6`, `gauge traefik_open_connections{service="s",protocol="http"} 3`),
			snapshot.Known(6)},
		"nginx-vts":     {metrics(`gauge nginx_vts_main_connections{status="active"} 3`, `gauge nginx_vts_main_connections{status="waiting"} 30`), snapshot.Known(3)},
		"ingress-nginx": {metrics(`gauge nginx_ingress_controller_nginx_process_connections{state="active"} 3`, `gauge nginx_ingress_controller_nginx_process_connections{state="reading"} 1`), snapshot.Known(3)},
		"envoy": {metrics(`counter envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix="ingress",envoy_response_code_class="2"} 5`, `gauge envoy_http_downstream_rq_active{envoy_http_conn_manager_prefix="ingress"} 3`,
			`gauge envoy_http_downstream_rq_active{envoy_http_conn_manager_prefix="admin"} 1`, `gauge envoy_cluster_upstream_rq_active{envoy_cluster_name="c"} 3`), snapshot.Known(3)},
		"haproxy": {metrics(`counter haproxy_frontend_http_responses_total{proxy="web",code="2xx"} 5`, `gauge haproxy_frontend_current_sessions{proxy="web"} 3`, `gauge haproxy_frontend_current_sessions{proxy="stats"} 1`, `gauge haproxy_backend_current_sessions{proxy="app"} 2`),
			snapshot.Known(3)},
		"haproxy, back ends": {metrics(`counter haproxy_backend_http_responses_total{proxy="app",code="2xx"} 5`, `gauge haproxy_frontend_current_sessions{proxy="web"} 3`, `gauge haproxy_backend_current_sessions{proxy="app"} 2`), snapshot.Known(2)},
		"kong":               {metrics(`gauge kong_nginx_connections_total{state="active"} 3`, `gauge kong_nginx_connections_total{state="accepted"} 900`), snapshot.Known(3)},
		"apisix":             {metrics(`gauge apisix_nginx_http_current_connections{state="active"} 3`, `gauge apisix_nginx_http_current_connections{state="total"} 900`), snapshot.Known(3)},
		"puma":               {metrics("gauge ruby_puma_busy_threads 3"), snapshot.Known(3)},
		"a counter is none":  {metrics("counter requests_in_flight_total 3"), snapshot.Value{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := readPage(t, NewReader("t", Limits{}), tt.page).InFlight; got != tt.want {
				t.Errorf("in flight %+v, want %+v", got, tt.want)
			}
		})
	}
}
