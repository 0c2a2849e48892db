package demoapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"apitop/demoapi"
	"apitop/demoapi/cache"
	"apitop/demoapi/limit"
	"apitop/demoapi/middleware"
	"apitop/demoapi/queue"
	"apitop/demoapi/rdb"
	"apitop/demoapi/store"
	"apitop/demoapi/store/storetest"
)

// serving starts a shop behind Serve, with its bounds of connections, and
// returns its address and an admin's token, for whom no limit gets in the way.
func serving(t *testing.T) (s *shop, addr, auth string) {
	t.Helper()
	s = newShop(t, parts{})
	l, _ := listen(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.api.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s, l.Addr().String(), "Authorization: Bearer " + s.api.Token(1, limit.Admin) + "\r\n"
}

// raw sends bytes as they are and returns what comes back. After half it closes
// its side of the connection, as a client that has lied about its body's length.
func raw(t *testing.T, addr, request string, half bool) reply {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	// The server may refuse and close before it has read everything.
	_, _ = io.WriteString(c, request)
	if half {
		_ = c.(*net.TCPConn).CloseWrite()
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%.80q: no answer: %v", request, err)
	}
	body, _ := io.ReadAll(resp.Body) // cut off where the connection was closed
	_ = resp.Body.Close()
	return reply{resp.StatusCode, resp.Header, string(body)}
}

// post is a JSON request, complete but for the end of its headers.
func post(path, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: %d\r\nAUTH\r\n%s", path, len(body), body)
}

func getting(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: shop\r\nAUTH\r\n" }

// sent is a request and the status it gets; the line AUTH stands for a token.
type sent struct {
	request string
	status  int
}

func search(body string) string { return post("/products/search", body) }

// hostileBodies are bodies that no honest client sends.
func hostileBodies() map[string]sent {
	return map[string]sent{
		"nothing":        {search(""), 400},
		"truncated":      {search(`{"query":"oa`), 400},
		"trailing":       {search(`{"query":"oak"}x`), 400},
		"deep":           {search(`{"query":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "}"), 400},
		"deeper":         {search(strings.Repeat("[", 30_000)), 400},
		"NUL":            {search("\x00"), 400},
		"NUL in a text":  {search(`{"query":"oak` + "\x00" + `"}`), 400},
		"a bare text":    {search(`"oak"`), 422},
		"null":           {search(`null`), 422},
		"wrong type":     {search(`{"query":{"a":1}}`), 422},
		"number too big": {search(`{"query":"oak","limit":9223372036854775808}`), 422},
		"exponent":       {search(`{"query":"oak","limit":1e99}`), 422},
		"fraction":       {search(`{"query":"oak","limit":1.5}`), 422},
		"not UTF-8":      {search("{\"query\":\"\xff\xfe\"}"), 422},
		"name not UTF-8": {post("/auth/login", "{\"username\":\"\xff\",\"password\":\"x\"}"), 401},
		"order of text":  {post("/orders", `{"items":"all"}`), 422},
		"order below 0":  {post("/orders", `{"items":[{"product_id":1,"quantity":-1}]}`), 422},
		"order too big":  {post("/orders", `{"items":[{"product_id":1,"quantity":9223372036854775807}]}`), 422},
		"order of a lot": {post("/orders", `{"items":[`+strings.Repeat(`{"product_id":1,"quantity":1},`, 2000)+`{}]}`), 422},
		"10 MB":          {search(`{"query":"` + strings.Repeat("x", 10<<20) + `"}`), 413},
		"10 MB chunked": {"POST /products/search HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nAUTH\r\n" +
			strings.Repeat("10000\r\n"+strings.Repeat(" ", 1<<16)+"\r\n", 160) + "0\r\n\r\n", 413},
	}
}

// hostile are all requests that no honest client sends.
func hostile() map[string]sent {
	all := hostileBodies()
	maps.Copy(all, map[string]sent{
		"unknown path": {getting("/nothing"), 404}, "deeper path": {getting("/products/1/2"), 404}, "no path": {"GET * HTTP/1.1\r\nHost: shop\r\n\r\n", 404},
		"percent": {getting("/products/1%"), 400}, "bad percent": {getting("/products/%zz"), 400},
		"query no query": {getting("/products?limit=%zz"), 400}, "query semicolon": {getting("/products?limit=1;after=2"), 400},
		"limit twice": {getting("/products?limit=1&limit=2"), 422}, "page of letters": {getting("/products?after=abc"), 422},
		"page below": {getting("/products?after=-1"), 422}, "page too long": {getting("/products?limit=101"), 422},
		"page huge": {getting("/products?after=99999999999999999999999"), 422}, "category 0": {getting("/products?category=0"), 422},
		"length too long":  {"POST /products/search HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 100\r\nAUTH\r\n{\"query\":\"oak\"}", 400},
		"length too short": {"POST /products/search HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 5\r\nAUTH\r\n{\"query\":\"oak\"}", 400},
		"length below 0":   {"POST /products/search HTTP/1.1\r\nHost: shop\r\nContent-Length: -1\r\n\r\n", 400},
		"two lengths":      {"POST /products/search HTTP/1.1\r\nHost: shop\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
		"chunk no chunk":   {"POST /products/search HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nAUTH\r\nzz\r\n", 400},
		"no host":          {"GET /products HTTP/1.1\r\n\r\n", 400},
		"header no header": {"GET /products HTTP/1.1\r\nHost: shop\r\nx\r\n\r\n", 400},
		"header flood":     {"GET /products HTTP/1.1\r\nHost: shop\r\n" + strings.Repeat("A: b\r\n", 10_000) + "\r\n", 431},
		"endless header":   {"GET /products HTTP/1.1\r\nHost: shop\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", 431},
		"endless path":     {"GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: shop\r\n\r\n", 431},
		"empty token":      {"GET /products HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer \r\n\r\n", 401},
		"no token":         {"GET /products HTTP/1.1\r\nHost: shop\r\nAuthorization: \xff\xfe\r\n\r\n", 401},
		"long token":       {"GET /products HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer " + strings.Repeat("1.", 4000) + "\r\n\r\n", 401},
		"huge token":       {"GET /products HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer " + strings.Repeat("x", 1<<16) + "\r\n\r\n", 431},
	})
	for _, id := range []string{"0", "-1", "1e99", "9223372036854775808", "1%00", "%00", "%2e", "1.0", "0x1", "%F0%9F%92%A5", "%ff", "NaN", strings.Repeat("9", 5000)} {
		all["id "+id[:min(len(id), 20)]] = sent{getting("/products/" + id), 422}
	}
	for _, method := range []string{"DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "BREW", "get", "PROPFIND"} {
		all["method "+method] = sent{method + " /products HTTP/1.1\r\nHost: shop\r\nAUTH\r\n", 405}
	}
	return all
}

// TestHostileRequests: whatever is sent, the answer is a problem of the
// client's, in our words, and the API goes on.
func TestHostileRequests(t *testing.T) {
	s, addr, auth := serving(t)
	for name, tt := range hostile() {
		got := raw(t, addr, strings.Replace(tt.request, "AUTH\r\n", auth+"\r\n", 1), name == "length too long")
		if got.status != tt.status {
			t.Errorf("%s: %d %.300s, want %d", name, got.status, got.body, tt.status)
		}
		for _, inside := range []string{"goroutine", ".go:", "panic", "json:", "strconv", "/src/"} {
			if strings.Contains(got.body, inside) {
				t.Errorf("%s: the answer shows our insides: %s", name, got.body)
			}
		}
		// What is no HTTP does not reach us: net/http answers in plain text.
		if got.header.Get("X-Request-Id") != "" {
			got.problem(t)
		} else if got.header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if page := s.page(); strings.Contains(page, `status="5`) {
		t.Error("some were taken for our fault")
	}
	if got := s.do("GET", "/products/1", "", "X-Client-Id", "after"); got.status != 200 {
		t.Errorf("after all that: %+v", got)
	}
}

// TestPathTricks: however a path is written, it is a route's or it is not.
func TestPathTricks(t *testing.T) {
	_, addr, auth := serving(t)
	for path, want := range map[string]string{
		"/products/%34%32": `"id":42`, "/products//42": "/products/42", "/products/./42": "/products/42", "/x/../products/42": "/products/42",
		"//products": "/products", "/products/%2e%2e": "", "/products/42/..": "", "/products/42%2f": "422", "/products/42/?x=%00": `"id":42`,
	} {
		got := raw(t, addr, strings.Replace(getting(path), "AUTH\r\n", auth+"\r\n", 1), false)
		if got.status >= 500 || !strings.Contains(got.header.Get("Location")+got.body, want) {
			t.Errorf("%s: %+v, want %s", path, got, want)
		}
	}
}

// TestTokens: only our own, valid ones are taken.
func TestTokens(t *testing.T) {
	s := newShop(t, parts{config: demoapi.Config{Secret: []byte("0123456789abcdef"), TokenLife: time.Hour}})
	other, err := middleware.NewSigner([]byte("fedcba9876543210"), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	forged, _ := other.Sign(middleware.Claims{UserID: 1, Tier: limit.Admin})
	short, err := middleware.NewSigner([]byte("0123456789abcdef"), time.Nanosecond)
	if err != nil {
		t.Fatal(err)
	}
	expired, _ := short.Sign(middleware.Claims{UserID: 1, Tier: limit.Admin})
	good := s.api.Token(1, limit.Admin)
	for name, tt := range map[string]struct {
		token  string
		status int
	}{
		"good": {good, 200}, "of another secret": {forged, 401}, "expired": {expired, 401}, "cut": {good[:len(good)-1], 401},
		"longer": {good + "A", 401}, "another user": {"2" + good[1:], 401}, "nothing": {"....", 401}, "Unicode": {"\u2028", 401},
	} {
		if got := s.do("GET", "/users/me", "", "Authorization", "Bearer "+tt.token); got.status != tt.status {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestSlowHeaders: who sends a request byte by byte is cut off, and holds up
// nobody meanwhile.
func TestSlowHeaders(t *testing.T) {
	t.Parallel() // it waits most of the time
	s, addr, _ := serving(t)
	start := time.Now()
	ended := make(chan error, 20)
	for range cap(ended) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer c.Close()
			go func() {
				for _, b := range []byte("GET /products HTTP/1.1\r\nHost: " + strings.Repeat("x", 1000)) {
					if _, err := c.Write([]byte{b}); err != nil {
						return
					}
					time.Sleep(50 * time.Millisecond)
				}
			}()
			_ = c.SetReadDeadline(start.Add(30 * time.Second))
			_, err := io.Copy(io.Discard, c)
			ended <- err
		}()
	}
	if got := s.do("GET", "/products/1", ""); got.status != 200 {
		t.Errorf("meanwhile: %+v", got)
	}
	for range cap(ended) {
		if err := <-ended; errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 25*time.Second {
			t.Fatalf("still connected after %v: %v", time.Since(start), err)
		}
	}
}

// TestSlowBody: a body that does not come is the client's fault.
func TestSlowBody(t *testing.T) {
	s := newShop(t, parts{})
	srv := httptest.NewUnstartedServer(s.api)
	srv.Config.ReadTimeout = 100 * time.Millisecond
	srv.Start()
	defer srv.Close()
	c, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST /products/search HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusRequestTimeout || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
}

// FuzzRequests: no path, query or body makes a failure of ours.
func FuzzRequests(f *testing.F) {
	for _, tt := range hostile() {
		if body, ok := strings.CutPrefix(tt.request, "POST /products/search"); ok && len(body) < 1000 {
			_, body, _ = strings.Cut(body, "\r\nAUTH\r\n")
			f.Add(uint8(0), "", body)
		}
	}
	f.Add(uint8(1), "", `{"items":[{"product_id":7,"quantity":1}]}`)
	f.Add(uint8(2), "", `{"username":"basic1","password":"x"}`)
	f.Add(uint8(3), "category=3&after=1&limit=2", "")
	f.Add(uint8(4), "42", "")
	m, err := store.NewMemory(storetest.Seed())
	if err != nil {
		f.Fatal(err)
	}
	client, err := rdb.Open("redis://" + miniredis.RunT(f).Addr())
	if err != nil {
		f.Fatal(err)
	}
	c := cache.New(client, cache.Config{Redis: rdb.Options{Timeout: 10 * time.Second}, NotFound: store.ErrNotFound})
	f.Cleanup(func() { c.Close(); _ = client.Close() })
	// With so much room the queue is never full, whatever is ordered.
	api, err := demoapi.New(demoapi.Config{Log: slog.DiscardHandler, Queue: queue.Config{Capacity: 1 << 20, Workers: 1000}}, m, c, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = api.Close(context.Background()) })
	token := "Bearer " + api.Token(1, limit.Admin)
	f.Fuzz(func(t *testing.T, which uint8, text, body string) {
		targets := []struct{ method, path, query string }{
			{"POST", "/products/search", ""}, {"POST", "/orders", ""}, {"POST", "/auth/login", ""},
			{"GET", "/products", text}, {"GET", "/products/" + text, ""}, {"GET", "/orders/" + text, ""}, {"GET", "/" + text, ""},
		}
		to := targets[int(which)%len(targets)]
		r := httptest.NewRequest(to.method, "/", strings.NewReader(body))
		r.URL.Path, r.URL.RawQuery = to.path, to.query
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", token)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		kind := w.Header().Get("Content-Type")
		if w.Code >= 500 || w.Code >= 400 && kind != "application/problem+json" {
			t.Errorf("%+v %q: %d %s %s", to, body, w.Code, kind, w.Body)
		}
		if w.Code >= 400 && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%+v %q: %q is no JSON", to, body, w.Body)
		}
	})
}
