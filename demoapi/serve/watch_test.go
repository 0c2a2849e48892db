package serve

import (
	"net"
	"os/exec"
	"strings"
	"testing"
)

func TestWatchLine(t *testing.T) {
	const metrics = "http://127.0.0.1:8000/metrics"
	tests := map[string]struct {
		t    Target
		want string
	}{
		"all": {
			Target{metrics, "unix:///tmp/apitop-demo-1/redis/s", "postgres://apitop@/postgres?host=%2Ftmp%2Fpg&port=5432&sslmode=disable", 42},
			"apitop " + metrics + " --redis unix:///tmp/apitop-demo-1/redis/s" +
				" --postgres 'postgres://apitop@/postgres?host=%2Ftmp%2Fpg&port=5432&sslmode=disable' --pid 42",
		},
		"only metrics":         {Target{MetricsURL: metrics}, "apitop " + metrics},
		"key=value":            {Target{MetricsURL: metrics, PostgresDSN: "host=/tmp user=me"}, "apitop " + metrics + " --postgres 'host=/tmp user=me'"},
		"quote in a word":      {Target{MetricsURL: metrics, PostgresDSN: "user='me x'"}, "apitop " + metrics + ` --postgres 'user='\''me x'\'''`},
		"password":             {Target{MetricsURL: metrics, RedisURL: "redis://:S3cr3tPW@h"}, "apitop " + metrics + " --redis '<as given>'"},
		"password with at":     {Target{MetricsURL: metrics, RedisURL: "redis://me:S3cr3tPW@x@h"}, "apitop " + metrics + " --redis '<as given>'"},
		"password in capitals": {Target{MetricsURL: metrics, PostgresDSN: "host=h PASSWORD=S3cr3tPW"}, "apitop " + metrics + " --postgres '<as given>'"},
		"password parameter":   {Target{MetricsURL: metrics, PostgresDSN: "postgres://h/d?Password=S3cr3tPW"}, "apitop " + metrics + " --postgres '<as given>'"},
		"unreadable":           {Target{MetricsURL: metrics, RedisURL: "redis://h:S3cr3tPW\x7f"}, "apitop " + metrics + " --redis '<as given>'"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.t.WatchLine(); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// FuzzQuote lets a shell read what quote wrote.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a", "a b", "it's", `\`, "$HOME", "`id`", "a\nb", "'", "~", "*", "-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, word string) {
		if strings.ContainsRune(word, 0) {
			t.Skip("no argument can hold it")
		}
		out, err := exec.Command("/bin/sh", "-c", "printf %s "+quote(word)+".").Output()
		if err != nil || string(out) != word+"." {
			t.Errorf("quote(%q) = %q reads as %q (%v)", word, quote(word), out, err)
		}
	})
}

func TestListen(t *testing.T) {
	ln, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	addr := ln.Addr().String()
	if _, err := Listen(t.Context(), addr); err == nil || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), "another program listens there") {
		t.Errorf("taken: %v", err)
	}
	if _, err := Listen(t.Context(), "192.0.2.1:80"); err == nil || !strings.Contains(err.Error(), "no such address") {
		t.Errorf("foreign: %v", err)
	}
	if _, err := Listen(t.Context(), "127.0.0.1"); err == nil {
		t.Error("without a port")
	}
}

func TestBaseURL(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:80": "http://127.0.0.1:80", "0.0.0.0:8000": "http://127.0.0.1:8000",
		"[::]:8000": "http://127.0.0.1:8000", "[::1]:8000": "http://[::1]:8000",
	} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := BaseURL(tcp); got != want {
			t.Errorf("BaseURL(%s) = %s, want %s", addr, got, want)
		}
	}
}
