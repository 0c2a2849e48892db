package scrape

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestPin fixes parts of the mapping of one page, which without a pin is read
// by its http_ families.
func TestPin(t *testing.T) {
	page := plainCounter + plainHist +
		counterOf("shop_calls_total", `where="/b",how="GET",end="500"`, 70) +
		hist("shop_calls_took", `where="/b",how="GET"`, 70, 1000, "5", "50")
	tests := map[string]struct {
		pin   Pin
		want  string // counter, duration, labels, unit
		notes string
	}{
		"nothing":  {Pin{}, "http_requests_total http_request_duration_seconds route=route status=status seconds", ""},
		"counter":  {Pin{Counter: "shop_calls_total"}, "shop_calls_total shop_calls_took route=where method=how seconds", ""},
		"duration": {Pin{Duration: "shop_calls_took"}, "shop_calls_total shop_calls_took route=where method=how seconds", ""},
		"status":   {Pin{Counter: "shop_calls_total", Status: "end"}, "shop_calls_total shop_calls_took route=where method=how status=end seconds", ""},
		"unit":     {Pin{Counter: "shop_calls_total", Unit: "ms"}, "shop_calls_total shop_calls_took route=where method=how milliseconds", ""},
		"routes":   {Pin{Counter: "shop_calls_total", Route: []string{"how", "where"}}, "shop_calls_total shop_calls_took route=how|where method=how seconds", ""},
		"count":    {Pin{Counter: "http_request_duration_seconds_count"}, " http_request_duration_seconds route=route seconds", ""},
		"misspelt": {
			Pin{Counter: "shop_call_total"}, "http_requests_total http_request_duration_seconds route=route status=status seconds",
			"pinned family shop_call_total is not on the page: did you mean shop_calls_total?",
		},
		"no duration": {
			Pin{Duration: "shop_calls_total"}, "http_requests_total http_request_duration_seconds route=route status=status seconds",
			"pinned family shop_calls_total is no histogram or summary: did you mean shop_calls_took?",
		},
		"label": {
			Pin{Status: "statsu"}, "http_requests_total http_request_duration_seconds route=route seconds",
			"pinned label statsu is on no series that was read: did you mean status?",
		},
		"unknown unit": {
			Pin{Unit: "parsecs"}, "http_requests_total http_request_duration_seconds route=route status=status seconds",
			`pinned unit "parsecs" is none: seconds, ms, us or ns`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := NewReader("t", Limits{})
			r.Pin(tt.pin)
			h := readPage(t, r, page)
			p := h.Page
			if got := fmt.Sprint(p.Counter, " ", p.Duration, " ", p.Labels, " ", p.Unit); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			var notes []string
			for _, n := range r.Notes() {
				notes = append(notes, n.What.String())
			}
			if got := strings.Join(notes, "; "); got != tt.notes {
				t.Errorf("notes %q, want %q", got, tt.notes)
			}
		})
	}
}

// TestPinComes reads a page whose pinned family comes later: it is taken then,
// and the requests of before are no growth.
func TestPinComes(t *testing.T) {
	r := NewReader("t", Limits{})
	r.Pin(Pin{Counter: "shop_calls_total"})
	first := readPage(t, r, plainCounter)
	second := readPage(t, r, plainCounter+counterOf("shop_calls_total", `where="/b"`, 70))
	if first.Page.Counter.Raw() != "http_requests_total" || second.Page.Counter.Raw() != "shop_calls_total" || len(r.Notes()) != 1 {
		t.Errorf("%s, then %s, notes %v", first.Page.Counter, second.Page.Counter, r.Notes())
	}
}

// TestMappingShown wants the mapping with names as on the page, what was left
// out, and a reason for each decision.
func TestMappingShown(t *testing.T) {
	page := strings.ReplaceAll(plainHist, `route=`, `"http.route"=`) + summaryOf("http_request_summary_seconds", `route="/a"`, 5)
	r := NewReader("t", Limits{})
	if m, ok := r.Mapping(); ok {
		t.Errorf("before any page: %+v", m)
	}
	h := readPage(t, r, page)
	m, ok := r.Mapping()
	if !ok || m.Counter != "" || m.Duration != "http_request_duration_seconds" || m.PerSecond != 1 ||
		!slices.Equal(m.Times.Route, []string{"http.route"}) || !slices.Equal(m.Counts.Route, m.Times.Route) ||
		!slices.Equal(m.Ignored, []string{"http_request_summary_seconds"}) || len(h.Page.Ignored) != 1 {
		t.Errorf("%+v, %v; page %+v", m, ok, h.Page)
	}
	want := []string{
		"http_request_duration_seconds: its count is the requests, with route http_route, by its labels and name",
		"http_request_duration_seconds: histogram of durations in seconds, with route http_route",
		"http_request_summary_seconds counts the same requests: left out",
	}
	if !slices.Equal(m.Why, want) {
		t.Errorf("why:\n%s", strings.Join(m.Why, "\n"))
	}
	readPage(t, r, nothing)
	if m, ok := r.Mapping(); ok {
		t.Errorf("nothing is on the page any more: %+v", m)
	}
}

// TestLeftOut wants a reason for each family that looks like requests and was
// not taken.
func TestLeftOut(t *testing.T) {
	page := plainCounter + counterOf("shop_http_requests_total", `route="/b",status="200",method="GET"`, 70) +
		counterOf("grpc_server_handled_total", `grpc_service="a",grpc_method="b",grpc_code="OK"`, 9) +
		counterOf("http_client_requests_total", `route="/b",status="200"`, 70)
	r := NewReader("t", Limits{})
	readPage(t, r, page)
	m, _ := r.Mapping()
	want := []string{
		"http_requests_total left out: it counts other requests, or says less of them",
		"grpc_server_handled_total left out: remote procedure calls beside HTTP",
	}
	if m.Counter != "shop_http_requests_total" || len(m.Why) != 3 || !slices.Equal(m.Why[1:], want) {
		t.Errorf("%s:\n%s", m.Counter, strings.Join(m.Why, "\n"))
	}
}
