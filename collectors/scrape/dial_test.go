package scrape

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/web"
)

// TestDial: the connection goes to an address, the request and the certificate
// by the name.
func TestDial(t *testing.T) {
	hosts := make(chan string, 100)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hosts <- r.Host
		fmt.Fprint(w, "# TYPE a_total counter\na_total 1\n")
	}))
	t.Cleanup(server.Close)
	addr := server.Listener.Addr().String()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	tests := map[string]struct{ url, dial, want string }{
		"by name":      {"https://example.com/metrics", addr, ""},
		"another name": {"https://example.org/metrics", addr, "is for another host"},
		"refused":      {"https://example.com/metrics", "127.0.0.1:1", "connection refused by 127.0.0.1:1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := New(Config{URL: tt.url, Dial: tt.dial, Target: "api", Timeout: 5 * time.Second, Web: web.Settings{TLS: web.TLS{CA: ca}}})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, err = c.Collect(t.Context())
			if (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if err == nil && <-hosts != "example.com" {
				t.Error("another host was asked for")
			}
		})
	}
	proxy := web.Settings{ProxyURL: safe.Hide("http://127.0.0.1:1")}
	if _, err := New(Config{URL: "http://a", Dial: addr, Web: proxy}); err == nil {
		t.Error("an address and a proxy are accepted together")
	}
}
