package scrape

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

// TestRedirects: within the host when asked to, and nowhere else; a token never
// reaches another host.
func TestRedirects(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another host was asked, with %v", r.Header)
	}))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/near":
			http.Redirect(w, r, "/page", http.StatusFound)
		case "/far":
			http.Redirect(w, r, other.URL+"/page?token="+canary, http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusMovedPermanently)
		default:
			if r.Header.Get("Authorization") != "Bearer "+canary {
				w.WriteHeader(http.StatusUnauthorized)
			}
			fmt.Fprint(w, "# TYPE http_requests_total counter\nhttp_requests_total{route=\"/a\",status=\"200\"} 1\n")
		}
	}))
	defer server.Close()
	tests := map[string]struct {
		path, want string
		follow     bool
	}{
		"not followed":       {"/near", "answers 302 Found -> " + strings.TrimPrefix(server.URL, "http://") + ": redirects are not followed", false},
		"within the host":    {"/near", "", true},
		"to another host":    {"/far", "answers 302 Found -> " + strings.TrimPrefix(other.URL, "http://") + ": redirects are followed within one host only", true},
		"round in a circle":  {"/round", "go round in a circle", true},
		"without a redirect": {"/page", "", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, h, err := collect(t, Config{URL: server.URL + tt.path, Web: web.Settings{
				FollowRedirects: tt.follow, BearerToken: safe.Hide(canary),
			}})
			if tt.want != "" {
				checkFailure(t, err, snapshot.Unsupported, tt.want)
			} else if err != nil || len(h.Requests) != 1 {
				t.Errorf("%v, %+v", err, h)
			}
			if err != nil {
				noCanary(t, err)
			}
		})
	}
}

// TestUnreadableToken says so without asking the server.
func TestUnreadableToken(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked without a token") }))
	defer server.Close()
	_, _, err := collect(t, Config{URL: server.URL, Web: web.Settings{BearerTokenFile: "/no/such/token"}})
	checkFailure(t, err, snapshot.Denied, "bearer_token_file: /no/such/token: no such file")
}
