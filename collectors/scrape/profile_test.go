package scrape

import (
	"strconv"
	"strings"
	"testing"
)

const (
	plainCounter = "# TYPE http_requests_total counter\nhttp_requests_total{route=\"/a\",status=\"200\"} 5\n"
	plainHist    = "# TYPE http_request_duration_seconds histogram\n" +
		"http_request_duration_seconds_bucket{route=\"/a\",le=\"1\"} 5\nhttp_request_duration_seconds_bucket{route=\"/a\",le=\"+Inf\"} 5\n" +
		"http_request_duration_seconds_sum{route=\"/a\"} 1\nhttp_request_duration_seconds_count{route=\"/a\"} 5\n"
	betterCounter = "# TYPE shop_http_server_requests_total counter\nshop_http_server_requests_total{method=\"GET\",route=\"/a\",status=\"200\"} 900\n"
	nothing       = "# TYPE go_goroutines gauge\ngo_goroutines 7\n"
)

// TestMappingStays wants the families that count the requests to stay the same
// from page to page: others have other totals, which would look like a burst.
func TestMappingStays(t *testing.T) {
	tests := map[string]struct {
		pages []string
		want  string // counter and duration of each page
	}{
		"the same":                {[]string{plainCounter, plainCounter}, "http_requests_total, | http_requests_total,"},
		"a better one comes":      {[]string{plainCounter, plainCounter + betterCounter}, "http_requests_total, | http_requests_total,"},
		"a histogram comes":       {[]string{plainCounter, plainCounter + plainHist}, "http_requests_total, | http_requests_total,http_request_duration_seconds"},
		"a counter comes":         {[]string{plainHist, plainHist + plainCounter}, ",http_request_duration_seconds | http_requests_total,http_request_duration_seconds"},
		"the counter is away":     {[]string{plainCounter + plainHist, plainHist, plainCounter + plainHist}, "http_requests_total,http_request_duration_seconds | ,http_request_duration_seconds | http_requests_total,http_request_duration_seconds"},
		"all are away for a time": {[]string{plainCounter, nothing, plainCounter}, "http_requests_total, | , | http_requests_total,"},
		"another service":         {[]string{plainCounter, nothing, betterCounter}, "http_requests_total, | , | shop_http_server_requests_total,"},
		"none at first":           {[]string{nothing, plainCounter + plainHist}, ", | http_requests_total,http_request_duration_seconds"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := NewReader("t", Limits{})
			var got []string
			for _, page := range tt.pages {
				h := readPage(t, r, page)
				got = append(got, h.Page.Counter.String()+","+h.Page.Duration.String())
			}
			if all := strings.Join(got, " | "); all != tt.want {
				t.Errorf("got  %s\nwant %s", all, tt.want)
			}
		})
	}
}

// TestNotes reads pages of which a part cannot be used, and one of which all can.
func TestNotes(t *testing.T) {
	summary := "# TYPE http_request_duration_seconds summary\nhttp_request_duration_seconds_sum{route=\"/a\"} 1\nhttp_request_duration_seconds_count{route=\"/a\"} 5\n"
	tests := map[string]struct{ page, want string }{
		"nothing":      {plainCounter + plainHist, ""},
		"bad line":     {plainCounter + plainHist + "x y\n\n# c\nz\n", "2 bad lines left out, the first is line 8: the value is not a number: x y"},
		"one bad line": {plainCounter + plainHist + "x y", "1 bad line left out"},
		"no requests":  {nothing, "no HTTP request metrics on this page"},
		"no durations": {plainCounter, "the page has no request durations"},
		"summary":      {summary, "http_request_duration_seconds is a summary: averages only"},
		"NaN bucket":   {plainCounter + strings.Replace(plainHist, "\"1\"} 5", "\"1\"} NaN", 1), "1 histogram of http_request_duration_seconds left out"},
		"no sum":       {plainCounter + strings.Replace(plainHist, "_seconds_sum", "_seconds_other", 1), "1 histogram of http_request_duration_seconds left out"},
		"terminal":     {plainCounter + plainHist + "\x1b[2J y\n", "no metric name: ^[[2J y"},
		"huge ladder":  {plainCounter + hist("http_request_duration_seconds", `route="/a"`, 5, 1, longLadder()...), "more than 1000 buckets"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := NewReader("t", Limits{})
			h := readPage(t, r, tt.page)
			var all []string
			for _, n := range r.Notes() {
				all = append(all, n.What.String())
			}
			if got := strings.Join(all, "; "); !strings.Contains(got, tt.want) || (tt.want == "") != (got == "") {
				t.Errorf("notes %q, want %q", got, tt.want)
			}
			if name == "NaN bucket" && (len(h.Durations) != 0 || len(h.Requests) != 1) {
				t.Errorf("durations %+v, requests %+v", h.Durations, h.Requests)
			}
		})
	}
}

func longLadder() []string {
	bounds := make([]string, maxBounds+1)
	for i := range bounds {
		bounds[i] = strconv.Itoa(i)
	}
	return bounds
}

// TestTruncatedOpenMetrics tells a page without its end mark.
func TestTruncatedOpenMetrics(t *testing.T) {
	for page, want := range map[string]int{plainCounter + plainHist: 1, plainCounter + plainHist + "# EOF\n": 0} {
		r := NewReader("t", Limits{})
		h, err := r.Read(strings.NewReader(page), "application/openmetrics-text; version=1.0.0")
		if err != nil || h.Page.Format != "openmetrics" || len(r.Notes()) != want {
			t.Errorf("%+v, %v, notes %v", h, err, r.Notes())
		}
	}
}

// TestUnknownIsNotZero reads a page that says nothing of what a reading may hold.
func TestUnknownIsNotZero(t *testing.T) {
	h := readPage(t, NewReader("t", Limits{}), nothing)
	if h.StartTime.OK || h.InFlight.OK || h.Process.CPUSeconds.OK || h.Process.RSSBytes.OK || h.Process.OpenFDs.OK {
		t.Errorf("%+v", h)
	}
	two := "process_start_time_seconds{pid=\"1\"} 5\nprocess_start_time_seconds{pid=\"2\"} 6\n"
	if h := readPage(t, NewReader("t", Limits{}), two); h.StartTime.OK {
		t.Errorf("two processes, one start time: %+v", h.StartTime)
	}
}
