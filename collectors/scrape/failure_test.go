package scrape

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

// answer is a server that answers each connection with the same bytes, whatever
// it is sent, and closes it.
func answer(t testing.TB, handle func(net.Conn)) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			handle(conn)
			conn.Close()
		}
	}()
	return l.Addr().String()
}

// says answers a request with text.
func says(text string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, text)
	}
}

// likePostgres closes on what is no startup packet, and answers an SSLRequest.
func likePostgres(conn net.Conn) {
	b := make([]byte, 4096)
	n, _ := conn.Read(b)
	if bytes.Equal(b[:n], []byte{0, 0, 0, 8, 4, 210, 22, 47}) {
		_, _ = conn.Write([]byte("N"))
	}
}

// likeRedis drops an HTTP request as an attack, and wants a password.
func likeRedis(conn net.Conn) {
	b := make([]byte, 4096)
	n, _ := conn.Read(b)
	if string(b[:n]) == "PING\r\n" {
		_, _ = io.WriteString(conn, "-NOAUTH Authentication required.\r\n")
	}
}

// page answers with a status and a body.
func page(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}
}

// TestAnswers is what people see when an HTTP server answers with something else.
func TestAnswers(t *testing.T) {
	html := "<!DOCTYPE html>\n<html><body>Welcome</body></html>"
	manyHeaders := func(w http.ResponseWriter, _ *http.Request) {
		for i := range 5000 {
			w.Header().Set(fmt.Sprintf("X-Header-%d", i), "value of a header that nobody reads")
		}
	}
	tests := map[string]struct {
		handler http.HandlerFunc
		kind    snapshot.FailureKind
		want    string // HOST is the server's address
	}{
		"401":          {page(401, "", ""), snapshot.Denied, "HOST answers 401 Unauthorized: give user and password in the URL"},
		"403":          {page(403, "", ""), snapshot.Denied, "HOST answers 403 Forbidden: let this host"},
		"404":          {page(404, "", ""), snapshot.Unsupported, "HOST answers 404 Not Found: check the path: /metrics, /actuator/prometheus"},
		"429":          {page(429, "", ""), snapshot.Denied, "HOST answers 429 Too Many Requests"},
		"500":          {page(500, "", "S3cr3tPW"), snapshot.Unsupported, "HOST answers 500 Internal Server Error: see the service's log"},
		"503":          {page(503, "", ""), snapshot.Unreachable, "HOST answers 503 Service Unavailable"},
		"204":          {page(204, "", ""), snapshot.Unsupported, "HOST answers 204 No Content"},
		"odd status":   {page(599, "", ""), snapshot.Unsupported, "HOST answers 599: "},
		"redirect":     {redirect("https://u:S3cr3tPW@login.example:8443/S3cr3tPW?x=S3cr3tPW"), snapshot.Unsupported, "HOST answers 302 Found -> login.example:8443: redirects are not followed"},
		"redirect bad": {redirect("http://[S3cr3tPW"), snapshot.Unsupported, "302 Found -> an unreadable address"},
		"redirect own": {redirect("/login"), snapshot.Unsupported, "302 Found -> HOST"},
		"HTML":         {page(200, "text/html", html), snapshot.Unsupported, "the page is HTML, not metrics: point --metrics at"},
		"HTML as text": {page(200, "text/plain; version=0.0.4", html), snapshot.Unsupported, "the page is HTML, not metrics"},
		"XML":          {page(200, "text/xml", "<?xml version='1.0'?><a/>"), snapshot.Unsupported, "the page is XML, not metrics"},
		"JSON":         {page(200, "application/json", `{"status": "ok"}`), snapshot.Unsupported, "the page is JSON, not metrics"},
		"JSON list":    {page(200, "application/json", `[1]`), snapshot.Unsupported, "the page is JSON, not metrics"},
		"words":        {page(200, "text/plain", "OK"), snapshot.Unsupported, "the page is text without samples (no value: OK), not metrics"},
		"binary":       {page(200, "application/octet-stream", "\x00\x01"), snapshot.Unsupported, "the page is binary data, not metrics"},
		"OM protobuf":  {page(200, "application/openmetrics-protobuf", "x"), snapshot.Unsupported, "OpenMetrics protobuf, which cannot be read"},
		"prototext":    {page(200, "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text", "x"), snapshot.Unsupported, "protobuf in a text encoding"},
		"bad protobuf": {page(200, "application/vnd.google.protobuf;encoding=delimited", "\x02\xff\xff"), snapshot.Unsupported, "protobuf message 1 cannot be read"},
		"empty":        {page(200, "text/plain", ""), snapshot.NoData, "the page is empty: no metrics on it"},
		"headers":      {manyHeaders, snapshot.Unsupported, "HOST sends more than 64 KiB of headers"},
		"cut off":      {page(200, "text/plain", "x 1\n"), "", ""}, // control: this one works
		"cut body": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "x 1\n")
		}, snapshot.Unreachable, "the page broke off after 4 bytes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(tt.handler)
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.Start()
			defer server.Close()
			_, _, err := collect(t, Config{URL: server.URL, Timeout: 4 * time.Second})
			checkFailure(t, err, tt.kind, strings.ReplaceAll(tt.want, "HOST", strings.TrimPrefix(server.URL, "http://")))
		})
	}
}

// checkFailure wants a failure of a kind whose text begins with want or holds it.
func checkFailure(t *testing.T, err error, kind snapshot.FailureKind, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	f, ok := errors.AsType[*snapshot.Failure](err)
	switch {
	case !ok:
		t.Fatalf("error %v, want a failure with %q", err, want)
	case f.Kind != kind || !strings.Contains(f.Error(), want) || f.Fix == "" && kind != snapshot.Unreachable:
		t.Errorf("%s: %s, want %s: %s", f.Kind, f, kind, want)
	case strings.Contains(fmt.Sprintf("%v %+v %#v", f, f, f), "S3cr3tPW"):
		t.Errorf("the failure leaks: %s", f)
	}
}

// TestForeign is what people see when no HTTP server answers.
func TestForeign(t *testing.T) {
	tlsAlert := "\x15\x03\x01\x00\x02\x02\x46"
	tests := map[string]struct {
		handle func(net.Conn)
		scheme string
		kind   snapshot.FailureKind
		want   string
	}{
		"redis":          {says("-ERR wrong number of arguments for 'get' command\r\n"), "http", snapshot.Unsupported, "HOST answers as Redis, not as metrics: use --redis redis://HOST"},
		"redis denied":   {says("-DENIED Redis is running in protected mode"), "http", snapshot.Unsupported, "HOST answers as Redis"},
		"redis by https": {says("-ERR unknown command\r\n"), "https", snapshot.Unsupported, "HOST answers as Redis"},
		"redis closes":   {likeRedis, "http", snapshot.Unsupported, "HOST answers as Redis, not as metrics: use --redis redis://HOST"},
		"postgres":       {likePostgres, "http", snapshot.Unsupported, "HOST answers as Postgres, not as metrics: use --postgres postgres://HOST"},
		"postgres error": {says("E\x00\x00\x00\x20SFATAL\x00"), "http", snapshot.Unsupported, "HOST answers as Postgres"},
		"mysql":          {says("\x4a\x00\x00\x00\x0a8.0.36\x00"), "http", snapshot.Unsupported, "HOST answers as MySQL"},
		"ssh":            {says("SSH-2.0-OpenSSH_9.2\r\n"), "http", snapshot.Unsupported, "HOST answers as SSH"},
		"grpc":           {says("\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x40\x00"), "http", snapshot.Unsupported, "HOST answers as HTTP/2 without TLS (gRPC)"},
		"tls":            {says(tlsAlert), "http", snapshot.Unsupported, "HOST speaks TLS: use https://"},
		"tls, not http":  {says("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"), "http", snapshot.Unsupported, "HOST speaks TLS: use https://"},
		"http, not tls":  {says("HTTP/1.0 400 Bad Request\r\n\r\n"), "https", snapshot.Unsupported, "HOST speaks plain HTTP: use http://"},
		"no tls":         {says("hello there, this is no TLS"), "https", snapshot.Unsupported, "HOST does not speak TLS"},
		"handshake":      {says(tlsAlert), "https", snapshot.Denied, "HOST refused the TLS handshake"},
		"silent":         {says(""), "http", snapshot.Unreachable, "HOST closed the connection without an answer"},
		"noise":          {says("hello there"), "http", snapshot.Unsupported, "HOST does not answer in HTTP"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			addr := answer(t, tt.handle)
			_, _, err := collect(t, Config{URL: tt.scheme + "://u:S3cr3tPW@" + addr + "/metrics"})
			checkFailure(t, err, tt.kind, strings.ReplaceAll(tt.want, "HOST", addr))
		})
	}
}

// TestForeignIsNotBothered sends no second HTTP request to a server of another
// kind, and reads metrics once they are there.
func TestForeignIsNotBothered(t *testing.T) {
	var mu sync.Mutex // guards the next two
	requests, isMetrics := 0, false
	addr := answer(t, func(conn net.Conn) {
		b := make([]byte, 4096)
		n, _ := conn.Read(b)
		mu.Lock()
		defer mu.Unlock()
		http := bytes.HasPrefix(b[:n], []byte("GET "))
		if http {
			requests++
		}
		switch {
		case http && isMetrics:
			_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\nx 1\n")
		case !http && !isMetrics:
			_, _ = io.WriteString(conn, "+PONG\r\n")
		}
	})
	c, _, err := collect(t, Config{URL: addr})
	checkFailure(t, err, snapshot.Unsupported, "answers as Redis")
	_, err = c.Collect(t.Context())
	checkFailure(t, err, snapshot.Unsupported, "answers as Redis")
	mu.Lock()
	if requests != 1 {
		t.Errorf("%d HTTP requests", requests)
	}
	isMetrics = true
	mu.Unlock()
	if _, err := c.Collect(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestUnreachable(t *testing.T) {
	closed := answer(t, says(""))
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := l.Addr().String()
	l.Close()
	selfSigned := httptest.NewUnstartedServer(page(200, "text/plain", "x 1\n"))
	selfSigned.Config.ErrorLog = log.New(io.Discard, "", 0)
	selfSigned.StartTLS()
	defer selfSigned.Close()
	trusted := web.TLS{CA: authorityOf(selfSigned)}
	tests := map[string]struct {
		url, want string
		tls       web.TLS
	}{
		"refused":      {"http://u:S3cr3tPW@" + refused, "connection refused by " + refused + ": see whether the service runs", web.TLS{}},
		"no such host": {"http://u:S3cr3tPW@no-such-host.invalid:8000", "no such host: no-such-host.invalid", web.TLS{}},
		"authority":    {selfSigned.URL, "is signed by an unknown authority: set tls_config.ca_file", web.TLS{}},
		"trusted":      {selfSigned.URL, "", trusted},
		"silent":       {closed, "closed the connection without an answer", web.TLS{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, err := collect(t, Config{URL: tt.url, Web: web.Settings{TLS: tt.tls}})
			if name == "no such host" && err != nil && strings.Contains(err.Error(), "cannot be resolved") {
				return // a machine without DNS
			}
			checkFailure(t, err, snapshot.Unreachable, tt.want)
		})
	}
}

// TestWrongName connects to a server whose certificate is for other names.
func TestWrongName(t *testing.T) {
	server := httptest.NewUnstartedServer(page(200, "text/plain", "x 1\n"))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	settings := web.Settings{TLS: web.TLS{CA: authorityOf(server), ServerName: "other.test"}}
	_, _, err := collect(t, Config{URL: server.URL, Web: settings})
	checkFailure(t, err, snapshot.Unreachable, "is for another host")
	settings.TLS.ServerName = "example.com"
	c, err := New(Config{URL: server.URL, Web: settings})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.web.TLS.Time = func() time.Time { return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) }
	_, err = c.Collect(t.Context())
	checkFailure(t, err, snapshot.Unreachable, "has expired or is not valid yet")
}

// authorityOf is the certificate of a test server, in PEM form.
func authorityOf(s *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

// TestSlow ends a scrape that gets no answer, and one that gets a byte now and
// then, by the timeout.
func TestSlow(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/drip" {
			fmt.Fprint(w, "http_requests_total 1\nx")
			w.(http.Flusher).Flush()
		}
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	for path, want := range map[string]string{
		"/none": "did not answer within ",
		"/drip": "the page did not arrive within ",
	} {
		began := time.Now()
		_, _, err := collect(t, Config{URL: server.URL + path, Timeout: 500 * time.Millisecond})
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%s took %v", path, took)
		}
		checkFailure(t, err, snapshot.Unreachable, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, err := New(Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := c.Collect(ctx); r != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v, %v", r, err)
	}
}
