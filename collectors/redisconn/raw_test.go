package redisconn

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

func raw(t *testing.T, c *Conn, proto int) *Raw {
	t.Helper()
	r, err := c.Raw(t.Context(), proto)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// TestRawMonitor streams what others do, with the login of the address.
func TestRawMonitor(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("ACL", "SETUSER", "mon", "on", ">pw", "~*", "+@all")
	c := open(t, "unix://mon:pw@"+srv.Sock+"?db=3")
	r := raw(t, c, 2)
	if reply, err := r.ask(t.Context(), "monitor"); err != nil || reply != "OK" {
		t.Fatalf("MONITOR: %v, %v", reply, err)
	}
	if list := srv.Do("CLIENT", "LIST"); !strings.Contains(list, "name=apitop") || !strings.Contains(list, "user=mon") || !strings.Contains(list, "db=3") {
		t.Errorf("who we are: %s", list)
	}
	srv.Do("SET", "key", strings.Repeat("v", 100_000))
	srv.Do("GET", "key")
	r.SetDeadline(time.Now().Add(5 * time.Second))
	for _, want := range []string{`"SET" "key" "vvv`, `"GET" "key"`} {
		line, cut, err := r.ReadLine(200)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(line), want) || len(line) > 200 || cut != strings.Contains(want, "vvv") {
			t.Errorf("line %q, cut %v; want %s", line, cut, want)
		}
	}
	r.SetDeadline(time.Now().Add(20 * time.Millisecond))
	if _, _, err := r.ReadLine(200); snapshot.FailureOf(err) == nil {
		t.Errorf("nothing to read: %v", err)
	}
}

// TestRawTracking gets the names of changed keys pushed.
func TestRawTracking(t *testing.T) {
	srv := redistest.Start(t, "--requirepass", "S3cr3tPW")
	c := open(t, "unix://:S3cr3tPW@"+srv.Sock)
	r := raw(t, c, 3)
	if reply, err := r.ask(t.Context(), "client", "tracking", "on", "bcast", "prefix", "rate:"); err != nil || reply != "OK" {
		t.Fatalf("CLIENT TRACKING: %v, %v", reply, err)
	}
	other := raw(t, c, 2)
	for _, words := range [][]string{{"set", "rate:1", "x"}, {"monitor2"}, {"config", "get", "requirepass"}} {
		if err := other.Send(t.Context(), words...); !isRefusal(err) {
			t.Errorf("%v: %v, want a refusal", words, err)
		}
	}
	write(t, srv, "S3cr3tPW", "SET", "rate:1", "x")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	got, err := r.ReadReply(ctx)
	if want := (Push{"invalidate", []any{"rate:1"}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := r.ReadReply(ctx); snapshot.FailureOf(err) == nil {
		t.Errorf("a cancelled wait: %v", err)
	}
}

// write sends one command to a server that wants a password.
func write(t *testing.T, srv *redistest.Server, password string, words ...string) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "unix", srv.Sock)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("AUTH " + password + "\r\n" + strings.Join(words, " ") + "\r\n")); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	for range 2 {
		if line, err := in.ReadString('\n'); err != nil || line != "+OK\r\n" {
			t.Fatalf("%q, %v", line, err)
		}
	}
}

func TestRawRefused(t *testing.T) {
	srv := redistest.Start(t, "--requirepass", "right")
	for name, tt := range map[string]struct {
		url, want string
		proto     int
	}{
		"no password":    {srv.URL(), "the server wants a password", 3},
		"wrong password": {"unix://:wrong@" + srv.Sock, "wrong user or password", 3},
		"wrong, RESP2":   {"unix://:wrong@" + srv.Sock, "wrong user or password", 2},
		"no database":    {"unix://:right@" + srv.Sock + "?db=999", "the server has no such database", 2},
		"no server":      {"unix:///nonexistent/s", "there is no such socket", 2},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, tt.url)
			_, err := c.Raw(t.Context(), tt.proto)
			if f := snapshot.FailureOf(err); f == nil || !strings.HasPrefix(f.What.String(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// rawOf reads from text.
func rawOf(t testing.TB, text []byte) *Raw {
	t.Helper()
	here, there := net.Pipe()
	t.Cleanup(func() { _ = here.Close(); _ = there.Close() })
	return &Raw{conn: here, in: bufio.NewReaderSize(bytes.NewReader(text), 64), guard: new(guard)}
}

func TestReadReply(t *testing.T) {
	long := strings.Repeat("x", mostElement+1)
	tests := map[string]struct {
		text string
		want any
	}{
		"status":     {"+OK\r\n", "OK"},
		"error":      {"-NOPERM no\r\n", newReplyError("NOPERM no")},
		"bulk error": {"!6\r\nERR no\r\n", newReplyError("ERR no")},
		"integer":    {":-7\r\n", int64(-7)},
		"bulk":       {"$5\r\na\r\nbc\r\n", "a\r\nbc"},
		"empty":      {"$0\r\n\r\n", ""},
		"null":       {"$-1\r\n", nil},
		"null list":  {"*-1\r\n", nil},
		"null 3":     {"_\r\n", nil},
		"true":       {"#t\r\n", true},
		"double":     {",1.5\r\n", 1.5},
		"infinite":   {",inf\r\n", nil},
		"big":        {"(3492890328409238509324850943850943825024385\r\n", "3492890328409238509324850943850943825024385"},
		"verbatim":   {"=7\r\ntxt:abc\r\n", "abc"},
		"list":       {"*2\r\n:1\r\n*1\r\n+a\r\n", []any{int64(1), []any{"a"}}},
		"set":        {"~1\r\n+a\r\n", []any{"a"}},
		"map":        {"%1\r\n+a\r\n:1\r\n", []any{"a", int64(1)}},
		"push":       {">1\r\n+a\r\n", Push{"a"}},
		"attribute":  {"|1\r\n+ttl\r\n:1\r\n+a\r\n", "a"},
		"too long":   {"*2\r\n$65537\r\n" + long + "\r\n+a\r\n", []any{Cut{65537}, "a"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := rawOf(t, []byte(tt.text)).ReadReply(t.Context())
			if name == "infinite" {
				if f, ok := got.(float64); !ok || f < 1e300 || err != nil {
					t.Errorf("got %v, %v", got, err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %#v, %v; want %#v", got, err, tt.want)
			}
		})
	}
}

func TestReadReplyErrors(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":        "",
		"empty line":     "\r\n",
		"HTTP":           "HTTP/1.1 400 Bad Request\r\n\r\n",
		"no number":      ":x\r\n",
		"no length":      "$x\r\n",
		"negative":       "$-2\r\n",
		"half":           "$5\r\nab",
		"half a long":    "$99999999\r\nab",
		"endless list":   "*2147483647\r\n",
		"endless map":    "%9223372036854775807\r\n",
		"too deep":       strings.Repeat("*1\r\n", 100) + "+a\r\n",
		"attributes":     strings.Repeat("|0\r\n", 100),
		"long number":    ":" + strings.Repeat("1", 2000) + "\r\n",
		"more than kept": "*100\r\n" + strings.Repeat("$65536\r\n"+strings.Repeat("x", 65536)+"\r\n", 100),
		"unknown kind":   "?3\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := rawOf(t, []byte(text)).ReadReply(t.Context()); snapshot.FailureOf(err) == nil {
				t.Errorf("got %#v, %v; want a failure", got, err)
			}
		})
	}
}

func TestReadLine(t *testing.T) {
	long := strings.Repeat("x", 1000)
	r := rawOf(t, []byte("abcde\r\nabcdef\r\n\nab\n"+long+"\r\nend\r\nno end"))
	for _, want := range []struct {
		line string
		cut  bool
	}{{"abcde", false}, {"abcde", true}, {"", false}, {"ab", false}, {"xxxxx", true}, {"end", false}} {
		line, cut, err := r.ReadLine(5)
		if err != nil || string(line) != want.line || cut != want.cut {
			t.Errorf("got %q, %v, %v; want %q, %v", line, cut, err, want.line, want.cut)
		}
	}
	if _, _, err := r.ReadLine(5); snapshot.FailureOf(err) == nil {
		t.Errorf("a line without an end: %v", err)
	}
}

// FuzzReadReply: whatever is sent, a reply or a failure comes back, and what is
// kept is bounded.
func FuzzReadReply(f *testing.F) {
	for _, s := range []string{"*2\r\n:1\r\n$1\r\na\r\n", "%1\r\n+a\r\n,1\r\n", ">1\r\n#t\r\n", "|1\r\n+a\r\n_\r\n=5\r\ntxt:a\r\n", "!3\r\nERR\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := rawOf(t, text)
		for {
			_, err := r.ReadReply(t.Context())
			if err == nil {
				continue
			}
			if snapshot.FailureOf(err) == nil {
				t.Errorf("%v is no failure", err)
			}
			return
		}
	})
}
