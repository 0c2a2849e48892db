package redisconn

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

// notebook is where a test's writes are noted.
type notebook struct {
	lines []string
	fail  string // beginning of the lines that cannot be noted
}

func (n *notebook) note(w Written) error {
	line := strings.Join(w.Command, " ") + " intent"
	if w.Done {
		line = fmt.Sprintf("%s result %s %v", strings.Join(w.Command, " "), w.Reply, w.Err != nil)
	}
	if n.fail != "" && strings.Contains(line, n.fail) {
		return errors.New("disk full")
	}
	n.lines = append(n.lines, line)
	return nil
}

func writer(t *testing.T, srv *redistest.Server, url string) (*Writer, *notebook) {
	t.Helper()
	target, err := Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	server, n := OpenServer(target), new(notebook)
	t.Cleanup(func() { _ = server.Close() })
	if _, err := server.Nodes(t.Context()); err != nil { // asks whether it is a cluster
		t.Fatal(err)
	}
	srv.Do("CONFIG", "RESETSTAT")
	return NewWriter(server, n.note), n
}

// ran are the commands that the server has run since, without the greeting.
func ran(srv *redistest.Server) []string {
	return slices.DeleteFunc(commandstats(srv), func(c string) bool {
		return handshake(c) || c == "config|resetstat"
	})
}

func TestWriter(t *testing.T) {
	srv := redistest.Start(t)
	gone, ever := []string{"-2"}, []string{"-1"}
	tests := map[string]struct {
		command []string
		changed bool
		sent    []string
		left    []string // what TTL says then
	}{
		"remove":               {Remove("k"), true, []string{"unlink"}, gone},
		"remove what is not":   {Remove("other"), false, []string{"unlink"}, []string{"59", "60"}},
		"a lifetime":           {Lifetime("k", 90*time.Second), true, []string{"pexpire"}, []string{"89", "90"}},
		"for ever":             {Lifetime("k", 0), true, []string{"persist"}, ever},
		"lifetime of no key":   {Lifetime("other", time.Hour), false, []string{"pexpire"}, []string{"59", "60"}},
		"a name with anything": {Remove("a b\r\nFLUSHALL\r\n"), false, []string{"unlink"}, []string{"59", "60"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			srv.Do("SET", "k", "v", "EX", "60")
			w, n := writer(t, srv, srv.URL())
			changed, err := w.Do(t.Context(), tt.command)
			if err != nil || changed != tt.changed {
				t.Fatalf("changed %v, error %v", changed, err)
			}
			if got := ran(srv); !slices.Equal(got, tt.sent) {
				t.Errorf("the server ran %v, want %v", got, tt.sent)
			}
			if len(n.lines) != 2 || !strings.HasSuffix(n.lines[0], "intent") || !strings.HasSuffix(n.lines[1], "false") {
				t.Errorf("noted %q", n.lines)
			}
			if got := srv.Do("TTL", "k"); !slices.Contains(tt.left, got) {
				t.Errorf("TTL %s, want one of %q", got, tt.left)
			}
		})
	}
}

// TestWriterRefuses: nothing else than the change of one key gets through, by Do
// or by the client under it, and nothing is sent for it.
func TestWriterRefuses(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("SET", "k", "v")
	w, n := writer(t, srv, srv.URL())
	forbidden := [][]string{
		{}, {"flushall"}, {"unlink"}, {"unlink", "k", "other"}, {"del", "k", "other"}, {"set", "k", "x"}, {"expire", "k", "0"},
		{"pexpire", "k", "0"}, {"pexpire", "k", "-1"}, {"pexpire", "k", "x"}, {"pexpire", "k", "5", "nx"}, {"persist", "k", "x"},
		{"eval", "return 1", "0"}, {"config", "set", "save", ""}, {"rename", "k", "x"}, {"get", "k"}, {"info"},
	}
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: srv.Sock, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { _ = client.Close() })
	client.AddHook(writeGuard{})
	for _, words := range forbidden {
		if _, err := w.Do(t.Context(), words); !isRefusal(err) {
			t.Errorf("%q: %v, want a refusal", words, err)
		}
		args := make([]any, len(words))
		for i := range words {
			args[i] = words[i]
		}
		if len(args) == 0 {
			continue
		}
		if err := client.Do(t.Context(), args...).Err(); !isRefusal(err) {
			t.Errorf("%q by the client: %v, want a refusal", words, err)
		}
		pipe := client.Pipeline()
		pipe.Do(t.Context(), "unlink", "nothing")
		pipe.Do(t.Context(), args...)
		if _, err := pipe.Exec(t.Context()); !isRefusal(err) {
			t.Errorf("%q in a pipeline: %v, want a refusal", words, err)
		}
	}
	if got := ran(srv); len(got) != 0 || len(n.lines) != 0 || srv.Do("GET", "k") != "v" {
		t.Errorf("the server ran %v; noted %q", got, n.lines)
	}
}

// TestWriterNeedsItsLog: no line, no write; a write whose end is not noted says so.
func TestWriterNeedsItsLog(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("SET", "k", "v")
	w, n := writer(t, srv, srv.URL())
	n.fail = "intent"
	if _, err := w.Do(t.Context(), Remove("k")); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("error %v", err)
	}
	if got := ran(srv); len(got) != 0 {
		t.Errorf("the server ran %v", got)
	}
	n.fail = "result"
	if changed, err := w.Do(t.Context(), Remove("k")); !changed || err == nil || !strings.Contains(err.Error(), "it was done") {
		t.Errorf("changed %v, error %v", changed, err)
	}
}

// TestWriterWithoutUnlink: an old server, or one where it has another name.
func TestWriterWithoutUnlink(t *testing.T) {
	srv := redistest.Start(t, "--rename-command", "UNLINK", "")
	srv.Do("SET", "k", "v")
	w, n := writer(t, srv, srv.URL())
	if changed, err := w.Do(t.Context(), Remove("k")); err != nil || !changed {
		t.Errorf("changed %v, error %v", changed, err)
	}
	if len(n.lines) != 4 || n.lines[2] != "del k intent" || n.lines[3] != "del k result 1 false" {
		t.Errorf("noted %q", n.lines)
	}
}

// TestWriterDenied: the user of the monitor alone may not write; with the rights
// for it, it can.
func TestWriterDenied(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do(append([]string{"ACL", "SETUSER", "mon", "on", ">S3cr3tPW"}, strings.Fields(ACLRules)...)...)
	srv.Do("SET", "k", "v")
	url := strings.Replace(srv.URL(), "unix://", "unix://mon:S3cr3tPW@", 1)
	w, n := writer(t, srv, url)
	_, err := w.Do(t.Context(), Remove("k"))
	f, ok := errors.AsType[*snapshot.Failure](err)
	if !ok || f.Kind != snapshot.Denied || !strings.Contains(f.Fix, WriteRules) || strings.Contains(err.Error(), "S3cr3t") {
		t.Errorf("error %v", err)
	}
	if len(n.lines) != 2 || !strings.HasSuffix(n.lines[1], "true") || strings.Contains(fmt.Sprint(n.lines), "S3cr3t") {
		t.Errorf("noted %q", n.lines)
	}
	srv.Do(append([]string{"ACL", "SETUSER", "mon"}, strings.Fields(WriteRules)...)...)
	for _, c := range [][]string{Lifetime("k", time.Minute), Lifetime("k", 0), Remove("k")} {
		if changed, err := w.Do(t.Context(), c); err != nil || !changed {
			t.Errorf("%q: changed %v, error %v", c, changed, err)
		}
	}
}

// TestWriterUnreachable: a server that is gone is an error in time.
func TestWriterUnreachable(t *testing.T) {
	srv := redistest.Start(t)
	w, n := writer(t, srv, srv.URL())
	srv.Kill()
	if _, err := w.Do(t.Context(), Remove("k")); snapshot.FailureOf(err).Kind != snapshot.Unreachable {
		t.Errorf("error %v", err)
	}
	if len(n.lines) != 2 {
		t.Errorf("noted %q", n.lines)
	}
}

// TestWriterCluster: each key is changed at the master that holds it, whichever
// address was given.
func TestWriterCluster(t *testing.T) {
	c := redistest.StartCluster(t, 3, 0)
	w, n := writer(t, c.Masters[0], c.URL(1))
	for _, m := range c.Masters {
		key := ""
		for i := range 10000 { // one that is this master's own
			key = fmt.Sprint("key", i)
			node, err := w.server.NodeOf(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if node.Name().Raw() == m.Addr {
				break
			}
		}
		m.Do("SET", key, "v")
		if changed, err := w.Do(t.Context(), Remove(key)); err != nil || !changed {
			t.Errorf("%s at %s: changed %v, error %v", key, m.Addr, changed, err)
		}
		if got := m.Do("EXISTS", key); got != "0" {
			t.Errorf("%s is still there", key)
		}
	}
	if len(n.lines) != 6 {
		t.Errorf("noted %q", n.lines)
	}
}
