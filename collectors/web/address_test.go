package web

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	tests := map[string]struct{ raw, want, dial, basic string }{
		"usual":          {"http://localhost:8000/metrics", "http://localhost:8000/metrics", "localhost:8000", ""},
		"no path":        {"http://localhost:8000", "http://localhost:8000", "localhost:8000", ""},
		"no scheme":      {"localhost:8000/x", "http://localhost:8000/x", "localhost:8000", ""},
		"spaces":         {" http://a:1/metrics\n", "http://a:1/metrics", "a:1", ""},
		"capitals":       {"HTTP://a:1/metrics", "http://a:1/metrics", "a:1", ""},
		"query":          {"http://a:1/metrics?scope=b", "http://a:1/metrics?scope=b", "a:1", ""},
		"fragment":       {"http://a:1/metrics#x", "http://a:1/metrics", "a:1", ""},
		"https":          {"https://api.example/metrics", "https://api.example/metrics", "api.example:443", ""},
		"http port":      {"http://api.example/metrics", "http://api.example/metrics", "api.example:80", ""},
		"ipv6":           {"http://[::1]:8000/metrics", "http://[::1]:8000/metrics", "[::1]:8000", ""},
		"user":           {"http://bob:S3cr3tPW@a:1/metrics", "http://a:1/metrics", "a:1", "bob:S3cr3tPW"},
		"user no scheme": {"bob:S3cr3tPW@a:1", "http://a:1", "a:1", "bob:S3cr3tPW"},
		"user only":      {"http://S3cr3tPW@a:1/metrics", "http://a:1/metrics", "a:1", "S3cr3tPW:"},
		"two ats":        {"http://bob:x@S3cr3tPW@a:1/metrics", "http://a:1/metrics", "a:1", "bob:x@S3cr3tPW"},
		"escaped":        {"http://bob:a%2Fb%40c@a:1", "http://a:1", "a:1", "bob:a/b@c"},
		"secret query":   {"http://a:1/metrics?token=S3cr3tPW", "http://a:1/metrics?token=S3cr3tPW", "a:1", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a, err := ParseAddress(tt.raw)
			if err != nil {
				t.Fatal(err)
			}
			if a.URL.String() != tt.want || a.HostPort() != tt.dial || a.Signs() != (tt.basic != "") {
				t.Errorf("URL %s, dial %s, signs %v; want %+v", a.URL, a.HostPort(), a.Signs(), tt)
			}
			if a.Signs() {
				r := request(t)
				a.basic(r)
				user, password, _ := r.BasicAuth()
				if user+":"+password != tt.basic {
					t.Errorf("signs as %s:%s, want %s", user, password, tt.basic)
				}
			}
			noCanary(t, a)
			noCanary(t, &a)
		})
	}
}

func TestBadAddresses(t *testing.T) {
	tests := map[string]struct{ raw, want string }{
		"empty":         {"", "it has no host"},
		"scheme":        {"ftp://bob:S3cr3tPW@a", "it is neither http nor https"},
		"redis":         {"redis://:S3cr3tPW@localhost:6379", "it is neither http nor https"},
		"secret scheme": {"S3cr3tPW://a", "it is neither http nor https"},
		"slash":         {"http://bob:x/S3cr3tPW@a:1/metrics", "there is an @ behind the host"},
		"slash port":    {"http://bob:1/S3cr3tPW@a:1/metrics", "there is an @ behind the host"},
		"hash":          {"http://bob:1#S3cr3tPW@a:1/metrics", "there is an @ behind the host"},
		"question":      {"http://bob:1?S3cr3tPW@a:1/metrics", "there is an @ behind the host"},
		"escape":        {"http://bob:%S3cr3tPW@a:1/metrics", "a % in it is not followed by two hexadecimal digits"},
		"escape host":   {"http://a%S3cr3tPW/metrics", "a % in it is not followed by two hexadecimal digits"},
		"space":         {"http://bob:S3cr3t PWS3cr3tPW@a/metrics", "it does not read as an address"},
		"control":       {"http://bob:\x01S3cr3tPW@a/metrics", "it does not read as an address"},
		"newline":       {"http://bob:S3cr3tPW\n@a/metrics", "it does not read as an address"},
		"host":          {"http://S3cr3tPW|x/metrics", "the host holds a character that is not allowed"},
		"no host":       {"http://bob:S3cr3tPW@/metrics", "it has no host"},
		"port word":     {"http://a:S3cr3tPW/metrics", "it does not read as an address"},
		"port zero":     {"http://bob:S3cr3tPW@a:0/metrics", "the port is not a number from 1 to 65535"},
		"port large":    {"http://bob:S3cr3tPW@a:70000/metrics", "the port is not a number from 1 to 65535"},
		"port empty":    {"http://bob:S3cr3tPW@a:/metrics", "the port is not a number from 1 to 65535"},
		"ipv6":          {"http://bob:S3cr3tPW@[::1/metrics", "it does not read as an address"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ParseAddress(tt.raw)
			if err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// noCanary prints v in every way and looks for the secret.
func noCanary(t *testing.T, v any) {
	t.Helper()
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "v", v)
	if text := fmt.Sprintf("%v %+v %#v %s %q", v, v, v, v, v) + logged.String(); strings.Contains(text, canary) {
		t.Errorf("%T leaks the secret: %s", v, text)
	}
}
