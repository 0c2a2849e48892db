package scrape

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

func TestParseTarget(t *testing.T) {
	tests := map[string]struct{ url, name, dial, want string }{
		"usual":     {"http://localhost:8000/metrics", "localhost:8000", "localhost:8000", "http://localhost:8000/metrics"},
		"no path":   {"http://localhost:8000", "localhost:8000", "localhost:8000", "http://localhost:8000/metrics"},
		"slash":     {"http://localhost:8000/", "localhost:8000", "localhost:8000", "http://localhost:8000/metrics"},
		"no scheme": {"localhost:8000", "localhost:8000", "localhost:8000", "http://localhost:8000/metrics"},
		"path":      {"http://a:1/actuator/prometheus", "a:1/actuator/prometheus", "a:1", "http://a:1/actuator/prometheus"},
		"query":     {"http://a:1/metrics?scope=b", "a:1", "a:1", "http://a:1/metrics?scope=b"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parseTarget(tt.url)
			if err != nil {
				t.Fatal(err)
			}
			if got.name != tt.name || got.HostPort() != tt.dial || got.URL.String() != tt.want {
				t.Errorf("name %q, dial %q, URL %q; want %+v", got.name, got.HostPort(), got.URL, tt)
			}
		})
	}
}

// canary stands where a secret may stand; no error and no way of printing may
// hold it.
const canary = "S3cr3tPW"

func TestBadURLs(t *testing.T) {
	for name, url := range map[string]string{
		"empty": "", "scheme": "redis://:S3cr3tPW@localhost:6379", "slash": "http://bob:x/S3cr3tPW@a:1/metrics", "port": "http://bob:S3cr3tPW@a:0/metrics",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(Config{URL: url})
			checkFailure(t, err, snapshot.Unsupported, "the metrics address cannot be used: ")
			if err != nil && !strings.Contains(err.Error(), "write it as http://host:port/metrics") {
				t.Errorf("%v does not say how to write it", err)
			}
			noCanary(t, err)
		})
	}
}

// noCanary prints v in every way and looks for the secret.
func noCanary(t *testing.T, v any) {
	t.Helper()
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "v", v)
	text := fmt.Sprintf("%v %+v %#v %s %q", v, v, v, v, v) + logged.String()
	if strings.Contains(text, canary) || strings.Contains(text, "Ym9iOlMzY3IzdFBX") { // bob:S3cr3tPW in base64
		i := max(strings.Index(text, canary), 0)
		t.Errorf("%T leaks the secret: ...%s", v, text[max(0, i-60):min(len(text), i+20)])
	}
}

// TestNoSecretIsPrinted prints what holds a password in every way.
func TestNoSecretIsPrinted(t *testing.T) {
	cfg := Config{
		URL: "http://bob:S3cr3tPW@" + answer(t, says("HTTP/1.1 500 S3cr3tPW\r\n\r\nS3cr3tPW")) + "/metrics?token=S3cr3tPW",
		Web: web.Settings{Authorization: &web.Authorization{Credentials: safe.Hide(canary)}},
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	_, err = c.Collect(ctx)
	if err == nil {
		t.Fatal("no error")
	}
	for _, v := range []any{cfg, &cfg, c, c.Source(), c.target, err} {
		noCanary(t, v)
	}
}
