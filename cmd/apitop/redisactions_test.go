package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"apitop/collectors/redisconn"
	"apitop/collectors/redisconn/redistest"
	"apitop/tui/screen"
)

// actions opens a watched server with those settings.
func actions(t *testing.T, srv *redistest.Server, set func(*Config)) screen.Redis {
	t.Helper()
	dir := t.TempDir()
	c := Config{Redis: srv.URL(), NoHost: true, Interval: time.Second, Env: func(string) string { return "" }, LogFile: filepath.Join(dir, "log", "apitop.log")}
	set(&c)
	w, err := c.open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return c.redisActions(process{getenv: c.Env}, w)
}

// writesSeen are the commands that change something and that the server ran.
func writesSeen(srv *redistest.Server) []string {
	var list []string
	for line := range strings.SplitSeq(srv.Do("INFO", "commandstats"), "\r\n") {
		name, _, _ := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":")
		if slices.Contains([]string{"del", "unlink", "pexpire", "expire", "persist", "set", "rename", "flushall"}, name) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// TestNothingIsWrittenWithoutTheFlag: screens have no way to.
func TestNothingIsWrittenWithoutTheFlag(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("ZADD", "rate_limit:7:/orders", "1", "a")
	srv.Do("CONFIG", "RESETSTAT")
	r := actions(t, srv, func(*Config) {})
	if r.Writes() || r.Delete != nil || r.SetTTL != nil || r.Unblock != nil {
		t.Fatal("keys may be changed")
	}
	if s, err := r.Slots(t.Context(), "rate_limit:7:/orders"); err != nil || len(s.Ages) != 1 {
		t.Errorf("slots %+v, error %v", s, err)
	}
	if got := writesSeen(srv); len(got) != 0 || srv.Do("EXISTS", "rate_limit:7:/orders") != "1" {
		t.Errorf("the server ran %v", got)
	}
}

// actionCase is a change, and all that comes of it.
type actionCase struct {
	keys  []string // that there are before
	write func() screen.Write
	shown []string
	seen  []string
	left  string // of the keys
	fails string
	lines []string // parts of the log's lines
}

func actionCases(r screen.Redis) map[string]actionCase {
	return map[string]actionCase{
		"delete": {
			[]string{"k"}, func() screen.Write { return r.Delete("k") }, []string{"UNLINK k"}, []string{"unlink"}, "0", "",
			[]string{"step=intent by=", "command=UNLINK key=k\n", "step=result by=", "key=k result=1\n"},
		},
		"delete what is gone": {
			nil, func() screen.Write { return r.Delete("k") }, []string{"UNLINK k"}, []string{"unlink"}, "0", "no such key",
			[]string{"step=intent", "result=0\n"},
		},
		"a lifetime": {
			[]string{"k"}, func() screen.Write { return r.SetTTL("k", time.Minute) }, []string{"PEXPIRE k 60000"}, []string{"pexpire"}, "1", "",
			[]string{"command=PEXPIRE key=k milliseconds=60000\n", "result=1\n"},
		},
		"for ever, as before": {
			[]string{"k"}, func() screen.Write { return r.SetTTL("k", 0) }, []string{"PERSIST k"}, []string{"persist"}, "1", "never expired",
			[]string{"command=PERSIST key=k\n", "result=0\n"},
		},
		"unblock": {
			[]string{"rate_limit:7:/orders"}, func() screen.Write { return r.Unblock("apitop-demo", "rate_limit:7:/orders") },
			[]string{"UNLINK rate_limit:7:/orders"}, []string{"unlink"}, "0", "", []string{"key=rate_limit:7:/orders\n", "result=1\n"},
		},
		"unblock, two keys": {
			[]string{"login:alice", "login:alice:timer"}, func() screen.Write { return r.Unblock("laravel", "login:alice") },
			[]string{"UNLINK login:alice", "UNLINK login:alice:timer"}, []string{"unlink"}, "0", "",
			[]string{"key=login:alice\n", "key=login:alice result=1\n", "key=login:alice:timer\n", "key=login:alice:timer result=1\n"},
		},
		"a name that attacks": {
			[]string{"a b\x1b[2J\n\"\u202e"}, func() screen.Write { return r.Delete("a b\x1b[2J\n\"\u202e") }, nil, []string{"unlink"}, "0", "",
			[]string{`key="a b\x1b[2J\n\"\u202e"` + "\n"},
		},
	}
}

func TestRedisActions(t *testing.T) {
	srv := redistest.Start(t)
	log := filepath.Join(t.TempDir(), "deep", "apitop.log")
	r := actions(t, srv, func(c *Config) { c.AllowWrites, c.LogFile = true, log })
	for name, tt := range actionCases(r) {
		t.Run(name, func(t *testing.T) {
			for _, k := range tt.keys {
				srv.Do("SET", k, "v")
			}
			srv.Do("CONFIG", "RESETSTAT")
			_ = os.Remove(log)
			w := tt.write()
			if tt.shown != nil && !slices.Equal(w.Commands, tt.shown) || w.Log != log || w.Server == "" || strings.ContainsAny(strings.Join(w.Commands, ""), "\x1b\n\u202e") {
				t.Errorf("shown %q on %s, noted in %s", w.Commands, w.Server, w.Log)
			}
			if got := writesSeen(srv); len(got) != 0 {
				t.Fatalf("%v ran before anybody agreed", got)
			}
			err := w.Run(t.Context())
			if tt.fails == "" && err != nil || tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)) {
				t.Errorf("error %v, want %q", err, tt.fails)
			}
			if got := writesSeen(srv); !slices.Equal(got, tt.seen) {
				t.Errorf("the server ran %v, want %v", got, tt.seen)
			}
			if n := srv.Do(append([]string{"EXISTS"}, append(tt.keys, "none")...)...); n != tt.left {
				t.Errorf("%s keys are left, want %s", n, tt.left)
			}
			srv.Do("DEL", "k")
			checkLog(t, log, tt.lines)
		})
	}
}

// checkLog looks for parts of the log's lines, in their order, and that only the
// user can read it.
func checkLog(t *testing.T, log string, parts []string) {
	t.Helper()
	raw, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	rest := string(raw)
	for _, p := range parts {
		_, after, found := strings.Cut(rest, p)
		if !found {
			t.Fatalf("%q is missing, or not at its place, in\n%s", p, raw)
		}
		rest = after
	}
	for line := range strings.Lines(string(raw)) {
		if !strings.HasPrefix(line, "time=20") || !strings.Contains(line, "@") || strings.ContainsAny(line, "\x1b\u202e") {
			t.Errorf("the line %q", line)
		}
	}
	if info, err := os.Stat(log); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestLogThatFails: what cannot be noted is not sent.
func TestLogThatFails(t *testing.T) {
	srv := redistest.Start(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, log := range map[string]string{"its folder is a file": filepath.Join(file, "apitop.log"), "it is a folder": t.TempDir(), "nothing is kept": os.DevNull} {
		t.Run(name, func(t *testing.T) {
			srv.Do("SET", "k", "v")
			srv.Do("CONFIG", "RESETSTAT")
			r := actions(t, srv, func(c *Config) { c.AllowWrites, c.LogFile = true, log })
			err := r.Delete("k").Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), "nothing was sent") {
				t.Errorf("error %v", err)
			}
			if got := writesSeen(srv); len(got) != 0 || srv.Do("EXISTS", "k") != "1" {
				t.Errorf("the server ran %v", got)
			}
		})
	}
}

// TestLogKeepsNoPassword: neither the address's password nor anything like it.
func TestLogKeepsNoPassword(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("ACL", "SETUSER", "mon", "on", ">S3cr3tPW", "~*", "+@all")
	log := filepath.Join(t.TempDir(), "apitop.log")
	r := actions(t, srv, func(c *Config) {
		c.AllowWrites, c.LogFile, c.Redis = true, log, strings.Replace(srv.URL(), "unix://", "unix://mon:S3cr3tPW@", 1)
	})
	srv.Do("SET", "k", "v")
	w := r.Delete("k")
	if err := w.Run(t.Context()); err != nil {
		t.Error(err)
	}
	srv.Do("ACL", "SETUSER", "mon", "resetpass", ">other")
	err := w.Run(t.Context())
	raw, _ := os.ReadFile(log)
	if err == nil || strings.Contains(err.Error()+string(raw)+w.Server, "S3cr3t") {
		t.Errorf("error %v, log\n%s", err, raw)
	}
	if n := strings.Count(string(raw), "level=ERROR"); n != 1 {
		t.Errorf("%d failures are noted:\n%s", n, raw)
	}
}

func TestLogPlace(t *testing.T) {
	env := map[string]string{"HOME": "/home/u"}
	get := func(k string) string { return env[k] }
	if got := newAuditLog("", get).path; got != "/home/u/.local/state/apitop/apitop.log" {
		t.Error(got)
	}
	env["XDG_STATE_HOME"] = "/state"
	if got := newAuditLog("", get).path; got != "/state/apitop/apitop.log" {
		t.Error(got)
	}
	if got := newAuditLog("here.log", get).path; got != "here.log" {
		t.Error(got)
	}
	long := auditRecord(redisconn.Written{Command: []string{"unlink", strings.Repeat("x", 1<<20)}}, time.Now())
	if long.NumAttrs() != 6 {
		t.Errorf("%d attributes", long.NumAttrs())
	}
}
