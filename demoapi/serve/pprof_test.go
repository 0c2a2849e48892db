package serve

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestProfiles(t *testing.T) {
	p, err := startProfiles(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]string{
		"/debug/pprof/": "goroutine", "/debug/pprof/goroutine?debug=1": "goroutine profile:", "/debug/pprof/cmdline": "serve",
		"/debug/pprof/heap?debug=1": "heap profile:", "/": "404", "/metrics": "404",
	} {
		resp, err := client.Get("http://" + p.addr + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || !strings.Contains(string(body), want) || (resp.StatusCode == 200) == (want == "404") {
			t.Errorf("%s: %s %.100s %v", path, resp.Status, body, err)
		}
	}
	p.close()
	if resp, err := client.Get("http://" + p.addr + "/debug/pprof/"); err == nil {
		_ = resp.Body.Close()
		t.Error("still answering")
	}
}

func TestProfilesOnlyHere(t *testing.T) {
	for addr, ok := range map[string]bool{
		"127.0.0.1:6060": true, "127.9.9.9:0": true, "[::1]:0": true, "localhost:0": true, "[::ffff:127.0.0.1]:1": true,
		":6060": false, "0.0.0.0:6060": false, "[::]:6060": false, "192.0.2.1:6060": false, "example.com:6060": false, "127.0.0.1": false, "": false,
	} {
		err := CheckLoopback(addr)
		if (err == nil) != ok || err != nil && !errors.Is(err, ErrNotLoopback) {
			t.Errorf("%q: %v", addr, err)
		}
	}
	if _, err := startProfiles(t.Context(), "0.0.0.0:0"); !errors.Is(err, ErrNotLoopback) {
		t.Errorf("%v", err)
	}
}
