package redisconn

import (
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

// TestInfoIsWhole: all sections come, and what we sent is told by name as the
// server counts it.
func TestInfoIsWhole(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("SET", "a", "1")
	c := open(t, srv.URL())
	for range 3 {
		if _, err := c.Do(t.Context(), []string{"type", "a"}, []string{"TYPE", "b"}, []string{"memory", "usage", "a"}, []string{"zcard", "a"}); err != nil {
			t.Fatal(err)
		}
	}
	text, own, err := c.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if own.Hits != 6 || own.Misses != 3 {
		t.Errorf("%d hits, %d misses; want 6, 3", own.Hits, own.Misses)
	}
	for name, want := range map[string]uint64{"type": 6, "memory|usage": 3, "zcard": 3, "info": 0} {
		calls, _, _ := strings.Cut(field(text, "cmdstat_"+name), ",")
		if got := own.ByName[name]; got != want || want > 0 && calls != "calls="+string(rune('0'+want)) {
			t.Errorf("%s: %d times, want %d; the server says %q", name, got, want, calls)
		}
	}
	if field(text, "latency_percentiles_usec_type") == "" || field(text, "errorstat_WRONGTYPE") != "count=3" {
		t.Errorf("sections are missing:\n%s", text)
	}
}

// TestInfoForms: a server that does not know the wide form is asked in the next
// one, once.
func TestInfoForms(t *testing.T) {
	m := miniredis.RunT(t)
	c := open(t, "redis://"+m.Addr())
	for range 3 {
		if text, _, err := c.Info(t.Context()); err != nil || !strings.Contains(text, "connected_clients") {
			t.Fatalf("%v %q", err, text)
		}
	}
	if n := c.guard.names.all()["info"]; n != 5 {
		t.Errorf("INFO was sent %d times, want 2 + 3", n)
	}
}

// TestInfoRefused: INFO that may not be run, or was renamed away, is tried once.
func TestInfoRefused(t *testing.T) {
	denied := redistest.Start(t)
	denied.Do("ACL", "SETUSER", "mon", "on", ">pw", "~*", "+@read", "-@dangerous", "+@connection")
	renamed := redistest.Start(t, "--rename-command", "INFO", "")
	for name, tt := range map[string]struct {
		srv  *redistest.Server
		url  string
		kind snapshot.FailureKind
	}{
		"denied":  {denied, "unix://mon:pw@" + denied.Sock, snapshot.Denied},
		"renamed": {renamed, renamed.URL(), snapshot.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, tt.url)
			for range 30 {
				_, _, err := c.Info(t.Context())
				if f := snapshot.FailureOf(err); f == nil || f.Kind != tt.kind || f.Fix == "" {
					t.Fatalf("%v", err)
				}
			}
			if name == "renamed" {
				return // INFO cannot tell
			}
			if n := field(tt.srv.Do("INFO", "errorstats"), "errorstat_NOPERM"); n != "count=1" {
				t.Errorf("the server refused %s", n)
			}
		})
	}
}
