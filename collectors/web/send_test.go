package web

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"apitop/collectors/safe"
)

// TestSend: what goes along with a request goes along when it is redirected, its
// body too, and credentials of the settings beat those of the address.
func TestSend(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/near", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/page")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s by %s tenant %s", r.Method, body, user, r.Header.Get("X-Scope-OrgID"))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	tests := map[string]struct {
		method, path string
		auth         *BasicAuth
		want         string
	}{
		"direct":            {http.MethodGet, "/page", nil, "GET  by bob tenant a"},
		"redirected":        {http.MethodGet, "/near", nil, "GET  by bob tenant a"},
		"redirected body":   {http.MethodPost, "/near", nil, "POST q=1 by bob tenant a"},
		"settings go first": {http.MethodGet, "/near", &BasicAuth{Username: "eve"}, "GET  by eve tenant a"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a, err := ParseAddress("bob:x@" + server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			c, err := Settings{FollowRedirects: true, BasicAuth: tt.auth, Headers: map[string]safe.Secret[string]{"X-Scope-OrgID": safe.Hide("a")}}.Open()
			if err != nil {
				t.Fatal(err)
			}
			form := ""
			if tt.method == http.MethodPost {
				form = "q=1"
			}
			req, err := http.NewRequestWithContext(t.Context(), tt.method, a.URL.JoinPath(tt.path).String(), strings.NewReader(form))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := c.Send(req, a, http.DefaultTransport)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); err != nil || string(body) != tt.want {
				t.Errorf("%q, %v; want %q", body, err, tt.want)
			}
		})
	}
}
