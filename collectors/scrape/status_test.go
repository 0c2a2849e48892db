package scrape

import (
	"regexp"
	"strings"
	"testing"
)

// TestStatus reads what services write for the end of a request. What says that
// the server failed must be what PromQL is asked for, too.
func TestStatus(t *testing.T) {
	tests := map[statusKind]map[string]string{
		plainStatus: {
			"200": "200", "5xx": "5xx", "4XX": "4xx", "2": "2", "503": "503", "": "", "0": "0", "UNKNOWN": "UNKNOWN", "600": "600", "total": "total",
		},
		wordStatus: {
			"success": "2xx", "OK": "200", "CLIENT_ERROR": "4xx", "SERVER_ERROR": "5xx", "error": "5xx", "Failed": "5xx", "timeout": "5xx",
			"NOT_FOUND": "404", "Not Found": "404", "InternalServerError": "500", "Internal Server Error": "500", "bad_gateway": "502",
			"BAD-GATEWAY": "502", "true": "2xx", "false": "5xx", "UNKNOWN": "UNKNOWN", "errors_are_here": "errors_are_here", "500": "500",
		},
		grpcStatus: {
			"OK": "200", "0": "200", "NotFound": "404", "NOT_FOUND": "404", "5": "404", "Internal": "500", "13": "500", "DeadlineExceeded": "504",
			"DEADLINE_EXCEEDED": "504", "4": "504", "Unavailable": "503", "Unknown": "500", "2": "500", "DATA_LOSS": "500", "Unimplemented": "501",
			"Canceled": "499", "CANCELLED": "499", "1": "499", "ResourceExhausted": "429", "16": "401", "17": "17", "success": "success",
		},
		trueIsError: {"true": "5xx", "False": "2xx", "1": "5xx", "0": "2xx", "maybe": "maybe"},
	}
	for kind, values := range tests {
		asked := regexp.MustCompile("^(?:" + kind.failures() + ")$")
		for value, want := range values {
			got := kind.read(value)
			if got != want {
				t.Errorf("kind %d: %q is %q, want %q", kind, value, got, want)
			}
			if failed := strings.HasPrefix(got, "5"); asked.MatchString(value) != failed {
				t.Errorf("kind %d: %q is %q, but asked for by PromQL: %v", kind, value, got, !failed)
			}
		}
	}
}

// TestLabelsSeries reads the labels of a series that came another way.
func TestLabelsSeries(t *testing.T) {
	values := map[string]string{"svc": "shop", "rpc": "Get", "code": "NotFound", "at": "post /a"}
	value := func(label string) string {
		if label == "" {
			t.Error("asked for a label without a name")
		}
		return values[label]
	}
	tests := map[string]struct {
		labels Labels
		want   string
	}{
		"two":      {Labels{Route: []string{"svc", "rpc"}, Status: "code", kind: grpcStatus}, " shop|Get 404"},
		"method":   {Labels{Route: []string{"at"}}, "POST /a "},
		"absent":   {Labels{Route: []string{"x", "y"}, Status: "z", Method: "w"}, "  "},
		"no label": {Labels{}, "  "},
	}
	for name, tt := range tests {
		s := tt.labels.Series("id", value)
		if got := s.Method.Raw() + " " + s.Route.Raw() + " " + s.Status.Raw(); got != tt.want || s.ID != "id" {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
