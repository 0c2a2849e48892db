package redisconn

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

// scripted answers every line that a RESP array begins with the next text, the
// last one for ever; an empty text closes the connection.
func scripted(t *testing.T, answers ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			answer(conn, answers)
		}
	}()
	return "redis://" + l.Addr().String()
}

func answer(conn net.Conn, answers []string) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	for r, i := bufio.NewReader(conn), 0; ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		if line[0] != '*' {
			continue
		}
		text := answers[min(i, len(answers)-1)]
		i++
		if text == "" {
			return
		}
		_, _ = io.WriteString(conn, text+"\r\n")
	}
}

func TestFailures(t *testing.T) {
	const hello = "*2\r\n$7\r\nversion\r\n$5\r\n6.2.0"
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "redis://" + l.Addr().String()
	_ = l.Close()
	tests := map[string]struct {
		url  string
		kind snapshot.FailureKind
		what string
	}{
		"refused":        {closed, snapshot.Unreachable, "connection refused"},
		"no such host":   {"redis://does-not-exist.invalid", snapshot.Unreachable, "the host name is not known"},
		"no socket":      {"unix:///nonexistent", snapshot.Unreachable, "there is no such socket"},
		"HTTP":           {"redis://" + strings.TrimPrefix(web.URL, "http://"), snapshot.Unsupported, "answers as HTTP, not Redis"},
		"old HTTP":       {scripted(t, "<!DOCTYPE HTML>"), snapshot.Unsupported, "answers as HTTP, not Redis"},
		"TLS":            {scripted(t, "\x15\x03\x01"), snapshot.Unreachable, "the server speaks TLS"},
		"SSH":            {scripted(t, "SSH-2.0-OpenSSH"), snapshot.Unsupported, "answers, but not as Redis"},
		"closes":         {scripted(t, ""), snapshot.Unreachable, "the connection was closed"},
		"wants password": {scripted(t, "-NOAUTH HELLO must be called"), snapshot.Denied, "the server wants a password"},
		"NOAUTH later":   {scripted(t, "-ERR unknown command 'HELLO'", "-ERR unknown subcommand", "-NOAUTH Authentication required."), snapshot.Denied, "the server wants a password"},
		"WRONGPASS":      {strings.Replace(scripted(t, "-WRONGPASS invalid username-password pair"), "//", "//u:"+canary+"@", 1), snapshot.Denied, "wrong user or password"},
		"old server":     {strings.Replace(scripted(t, "-ERR unknown command 'HELLO'", "-ERR invalid password"), "//", "//:"+canary+"@", 1), snapshot.Denied, "wrong user or password"},
		"no password":    {strings.Replace(scripted(t, "-ERR unknown command 'HELLO'", "-ERR Client sent AUTH, but no password is set"), "//", "//:"+canary+"@", 1), snapshot.Denied, "wrong user or password"},
		"loading":        {scripted(t, hello, "+OK", "-LOADING Redis is loading the dataset in memory"), snapshot.NoData, "the server is loading its data"},
		"lost master":    {scripted(t, hello, "+OK", "-MASTERDOWN Link with MASTER is down"), snapshot.NoData, "a replica that lost its master and does not answer"},
		"too many":       {scripted(t, "-ERR max number of clients reached"), snapshot.Unreachable, "the server has as many clients as it allows"},
		"protected":      {scripted(t, "-DENIED Redis is running in protected mode"), snapshot.Denied, "the server is in protected mode and talks to its own host only"},
		"no database":    {scripted(t, hello, "-ERR DB index is out of range") + "/7", snapshot.Unsupported, "the server has no such database"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := open(t, tt.url)
			_, err := c.Do(t.Context(), []string{"ping"}, []string{"dbsize"})
			f := snapshot.FailureOf(err)
			if f == nil || f.Kind != tt.kind || f.What.String() != tt.what || f.Fix == "" {
				t.Errorf("got %+v, want kind %q, what %q and a fix", f, tt.kind, tt.what)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("the password is in %q", err)
			}
		})
	}
}

// TestRealLogins checks against a real server what TestFailures plays.
func TestRealLogins(t *testing.T) {
	srv := redistest.Start(t, "--requirepass", canary)
	tests := map[string]struct {
		login string
		ok    bool
		what  string
	}{
		"right":       {":" + canary + "@", true, ""},
		"no colon":    {canary + "@", true, ""},
		"wrong":       {":x" + canary + "@", false, "wrong user or password"},
		"wrong user":  {"u:" + canary + "@", false, "wrong user or password"},
		"no password": {"", false, "the server wants a password"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := open(t, "unix://"+tt.login+srv.Sock)
			_, err := c.Do(t.Context(), []string{"ping"})
			if tt.ok {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if f := snapshot.FailureOf(err); f == nil || f.Kind != snapshot.Denied || f.What.String() != tt.what || strings.Contains(f.Error(), canary) {
				t.Errorf("got %v, want %q", err, tt.what)
			}
		})
	}
	if _, err := open(t, "unix://"+canary+"@"+srv.Sock+"?db=99").Do(t.Context(), []string{"ping"}); err == nil || !strings.Contains(err.Error(), "no such database") {
		t.Errorf("database 99: %v", err)
	}
}

func TestTLS(t *testing.T) {
	cert := selfSigned(t)
	m := miniredis.NewMiniRedis()
	if err := m.StartTLS(&tls.Config{Certificates: []tls.Certificate{cert}}); err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	plain := miniredis.RunT(t)
	tests := map[string]struct{ url, what string }{
		"any certificate":  {"rediss://" + m.Addr() + "?skip_verify=true", ""},
		"unknown signer":   {"rediss://" + m.Addr(), "the server's certificate is signed by an unknown authority"},
		"plain server":     {"rediss://" + plain.Addr(), "the connection was closed"},
		"plain to TLS":     {"redis://" + m.Addr(), "the connection was closed"},
		"plain, as before": {"redis://" + plain.Addr(), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := open(t, tt.url).Do(t.Context(), []string{"ping"})
			switch f := snapshot.FailureOf(err); {
			case tt.what == "" && f != nil:
				t.Error(err)
			case tt.what != "" && (f == nil || f.What.String() != tt.what || f.Fix == ""):
				t.Errorf("got %v, want %q", err, tt.what)
			}
		})
	}
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: k}
}

// TestReplyErrors has the texts of Redis 7.0, 8.6 and Valkey 9.1.
func TestReplyErrors(t *testing.T) {
	tests := map[string]struct {
		text                       string
		denied, keyDenied, unknown bool
	}{
		"7.0 command": {text: "NOPERM this user has no permissions to run the 'memory|usage' command", denied: true},
		"8.6 command": {text: "NOPERM User mon has no permissions to run the 'client|list' command", denied: true},
		"7.0 key":     {text: "NOPERM this user has no permissions to access one of the keys used as arguments", keyDenied: true},
		"8.6 key":     {text: "NOPERM No permissions to access a key", keyDenied: true},
		"unknown":     {text: "ERR unknown command 'MEMORY', with args beginning with: 'usage'", unknown: true},
		"subcommand":  {text: "ERR unknown subcommand 'no-touch'. Try CLIENT HELP.", unknown: true},
		"wrong type":  {text: "WRONGTYPE Operation against a key holding the wrong kind of value"},
		"hostile":     {text: "\x1b[2Jboom \u202e"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := newReplyError(tt.text)
			if e.Denied() != tt.denied || e.KeyDenied() != tt.keyDenied || e.Unknown() != tt.unknown {
				t.Errorf("%q: denied %v, key %v, unknown %v", tt.text, e.Denied(), e.KeyDenied(), e.Unknown())
			}
			if strings.ContainsAny(e.Error(), "\x1b\u202e") || strings.ContainsAny(e.Code, "\x1b") {
				t.Errorf("%q is not safe to draw", e.Error())
			}
		})
	}
}

// TestLastWords: a server that has as many clients as it allows says so and
// closes, often before anything was sent to it.
func TestLastWords(t *testing.T) {
	tests := map[string]struct{ says, want string }{
		"full":     {"-ERR max number of clients reached\r\n", "the server has as many clients as it allows"},
		"nothing":  {"", "the connection was closed"},
		"cut":      {"-ERR max number of cl", "the connection was closed"},
		"no error": {"+OK\r\n", "the connection was closed"},
		"another":  {"-ERR something\r\n", "the connection was closed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			sock := filepath.Join(t.TempDir(), "s")
			l, err := net.Listen("unix", sock)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			closed := make(chan struct{})
			go func() {
				defer close(closed)
				if conn, err := l.Accept(); err == nil {
					_, _ = io.WriteString(conn, tt.says)
					_ = conn.Close()
				}
			}()
			target, err := Parse("unix://" + sock)
			if err != nil {
				t.Fatal(err)
			}
			conn, err := target.dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			<-closed
			_, err = io.WriteString(conn, "*1\r\n$4\r\nPING\r\n")
			if err == nil || !strings.HasPrefix(failure(err).Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
