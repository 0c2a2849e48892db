package scrape

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/web"
)

func TestParseTarget(t *testing.T) {
	tests := map[string]struct{ url, name, dial, want string }{
		"usual":          {"http://localhost:8000/metrics", "localhost:8000", "localhost:8000", "http://localhost:8000/metrics"},
		"no path":        {"http://localhost:8000", "localhost:8000", "localhost:8000", "http://localhost:8000/metrics"},
		"slash":          {"http://localhost:8000/", "localhost:8000", "localhost:8000", "http://localhost:8000/metrics"},
		"no scheme":      {"localhost:8000", "localhost:8000", "localhost:8000", "http://localhost:8000/metrics"},
		"spaces":         {" http://a:1/metrics\n", "a:1", "a:1", "http://a:1/metrics"},
		"capitals":       {"HTTP://a:1/metrics", "a:1", "a:1", "http://a:1/metrics"},
		"path":           {"http://a:1/actuator/prometheus", "a:1/actuator/prometheus", "a:1", "http://a:1/actuator/prometheus"},
		"query":          {"http://a:1/metrics?scope=b", "a:1", "a:1", "http://a:1/metrics?scope=b"},
		"fragment":       {"http://a:1/metrics#x", "a:1", "a:1", "http://a:1/metrics"},
		"https":          {"https://api.example/metrics", "api.example", "api.example:443", "https://api.example/metrics"},
		"http port":      {"http://api.example/metrics", "api.example", "api.example:80", "http://api.example/metrics"},
		"ipv6":           {"http://[::1]:8000/metrics", "[::1]:8000", "[::1]:8000", "http://[::1]:8000/metrics"},
		"user":           {"http://bob:S3cr3tPW@a:1/metrics", "a:1", "a:1", "http://a:1/metrics"},
		"user no scheme": {"bob:S3cr3tPW@a:1", "a:1", "a:1", "http://a:1/metrics"},
		"user only":      {"http://S3cr3tPW@a:1/metrics", "a:1", "a:1", "http://a:1/metrics"},
		"two ats":        {"http://bob:x@S3cr3tPW@a:1/metrics", "a:1", "a:1", "http://a:1/metrics"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parseTarget(tt.url)
			if err != nil {
				t.Fatal(err)
			}
			if got.name != tt.name || got.hostPort() != tt.dial || got.url.String() != tt.want {
				t.Errorf("name %q, dial %q, URL %q; want %+v", got.name, got.hostPort(), got.url, tt)
			}
		})
	}
}

// canary stands where a secret may stand; no error and no way of printing may
// hold it.
const canary = "S3cr3tPW"

func TestBadURLs(t *testing.T) {
	tests := map[string]struct{ url, want string }{
		"empty":         {"", "it has no host"},
		"scheme":        {"ftp://bob:S3cr3tPW@a", "it is neither http nor https"},
		"redis":         {"redis://:S3cr3tPW@localhost:6379", "it is neither http nor https"},
		"secret scheme": {"S3cr3tPW://a", "it is neither http nor https"},
		"slash":         {"http://bob:x/S3cr3tPW@a:1/metrics", "there is an @ behind the host"},
		"slash port":    {"http://bob:1/S3cr3tPW@a:1/metrics", "there is an @ behind the host"},
		"hash":          {"http://bob:1#S3cr3tPW@a:1/metrics", "there is an @ behind the host"},
		"question":      {"http://bob:1?S3cr3tPW@a:1/metrics", "there is an @ behind the host"},
		"escape":        {"http://bob:%S3cr3tPW@a:1/metrics", "a % in it is not followed"},
		"escape host":   {"http://a%S3cr3tPW/metrics", "a % in it is not followed"},
		"space":         {"http://bob:S3cr3t PWS3cr3tPW@a/metrics", "it does not read as an address"},
		"control":       {"http://bob:\x01S3cr3tPW@a/metrics", "it does not read as an address"},
		"newline":       {"http://bob:S3cr3tPW\n@a/metrics", "it does not read as an address"},
		"host":          {"http://S3cr3tPW|x/metrics", "a character that is not allowed"},
		"no host":       {"http://bob:S3cr3tPW@/metrics", "it has no host"},
		"port word":     {"http://a:S3cr3tPW/metrics", "it does not read as an address"},
		"port zero":     {"http://bob:S3cr3tPW@a:0/metrics", "the port is not a number from 1 to 65535"},
		"port large":    {"http://bob:S3cr3tPW@a:70000/metrics", "the port is not a number from 1 to 65535"},
		"port empty":    {"http://bob:S3cr3tPW@a:/metrics", "the port is not a number from 1 to 65535"},
		"ipv6":          {"http://bob:S3cr3tPW@[::1/metrics", "it does not read as an address"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := New(Config{URL: tt.url})
			if err == nil {
				t.Fatalf("no error, source %v", c.Source())
			}
			if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "write it as http://host:port/metrics") {
				t.Errorf("error %q, want %q and how to write it", err, tt.want)
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
