package demoapi_test

import (
	"fmt"
	"strings"
	"testing"

	"apitop/demoapi/limit"
)

// TestRouteLabels: requests are counted under the route's own path, however it
// was written, and all others under none.
func TestRouteLabels(t *testing.T) {
	tests := map[string]struct{ method, path, route string }{
		"variable":       {"GET", "/products/7", "/products/{id}"},
		"trailing slash": {"GET", "/products/7/", "/products/{id}"},
		"head":           {"HEAD", "/products/7", "/products/{id}"},
		"no id":          {"GET", "/products/search", "/products/{id}"},
		"fixed":          {"POST", "/products/search", "/products/search"},
		"fixed, slash":   {"POST", "/products/search/", "/products/search"},
		"probe":          {"GET", "/health/live", "/health/live"},
		"wrong method":   {"DELETE", "/products/7", ""},
		"unknown":        {"GET", "/nothing", ""},
		"deeper":         {"GET", "/products/7/8", ""},
		"root":           {"GET", "/", ""},
		"method unknown": {"BREW", "/products", ""},
	}
	for name, tt := range tests {
		s := newShop(t, parts{})
		got := s.do(tt.method, tt.path, "")
		method := tt.method
		if method == "BREW" {
			method = "other"
		}
		want := fmt.Sprintf(`http_requests_total{method="%s",route="%s",status="%d"} 1`, method, tt.route, got.status)
		if page := s.page(); !strings.Contains(page, want) {
			t.Errorf("%s: missing %s", name, want)
		}
	}
}

// TestAllow: a path says which methods it has.
func TestAllow(t *testing.T) {
	s := newShop(t, parts{})
	token := s.api.Token(1, limit.Admin)
	for path, want := range map[string]string{
		"/products": "GET, HEAD", "/products/": "GET, HEAD", "/products/7": "GET, HEAD", "/products/search": "GET, HEAD, POST",
		"/orders": "POST", "/orders/7": "GET, HEAD", "/auth/login": "POST", "/health/ready": "GET, HEAD",
	} {
		got := s.do("DELETE", path, "", "Authorization", "Bearer "+token)
		if got.problem(t).Status != 405 || got.header.Get("Allow") != want {
			t.Errorf("%s: %d, Allow %q, want %q", path, got.status, got.header.Get("Allow"), want)
		}
	}
}
