package middleware_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"apitop/demoapi/metrics"
	"apitop/demoapi/middleware"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs one request through the chain and a handler.
func serve(r *http.Request, h http.HandlerFunc, all ...middleware.Middleware) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	middleware.Chain(all...)(h).ServeHTTP(w, r)
	return w
}

func get(path string) *http.Request { return httptest.NewRequest("GET", path, nil) }

func problem(t *testing.T, w *httptest.ResponseRecorder) middleware.Problem {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q, want a problem", got)
	}
	var p middleware.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("%v in %q", err, w.Body)
	}
	if p.Status != w.Code || p.Title == "" {
		t.Errorf("problem %+v in an answer of status %d", p, w.Code)
	}
	return p
}

func TestChainOrder(t *testing.T) {
	var order []string
	step := func(name string) middleware.Middleware {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				order = append(order, name)
				next.ServeHTTP(w, r)
			})
		}
	}
	serve(get("/"), func(http.ResponseWriter, *http.Request) { order = append(order, "handler") }, step("outer"), step("inner"))
	if want := []string{"outer", "inner", "handler"}; !slices.Equal(order, want) {
		t.Errorf("order %q, want %q", order, want)
	}
}

func TestRequestID(t *testing.T) {
	tests := map[string]struct {
		sent string
		kept bool
	}{
		"none":      {"", false},
		"plain":     {"req-1.A_b", true},
		"longest":   {strings.Repeat("a", 64), true},
		"too long":  {strings.Repeat("a", 65), false},
		"line feed": {"a\nb", false},
		"space":     {"a b", false},
		"not ASCII": {"ä", false},
	}
	for name, tt := range tests {
		r := get("/")
		r.Header.Set("X-Request-Id", tt.sent)
		var seen string
		w := serve(r, func(_ http.ResponseWriter, r *http.Request) { seen = middleware.InfoFrom(r.Context()).RequestID }, middleware.RequestID())
		if seen == "" || w.Header().Get("X-Request-Id") != seen || (seen == tt.sent) != tt.kept {
			t.Errorf("%s: id %q, sent back %q, want it kept: %v", name, seen, w.Header().Get("X-Request-Id"), tt.kept)
		}
	}
}

// requests records what Observe reports.
type requests struct {
	began int
	ended []string
}

func (o *requests) RequestBegan() { o.began++ }
func (o *requests) RequestEnded(r metrics.Request) {
	o.ended = append(o.ended, r.Method+" "+r.Route+" "+http.StatusText(r.Status))
	if r.Took < 0 || r.ID == "" {
		o.ended = append(o.ended, "negative time or no id")
	}
}

func TestObserve(t *testing.T) {
	tests := map[string]struct {
		method  string
		handler http.HandlerFunc
		want    string
		bytes   int64
	}{
		"explicit status": {"GET", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); _, _ = w.Write([]byte("abc")) }, "GET  Not Found", 3},
		"only a body":     {"POST", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("abcd")) }, "POST  OK", 4},
		"nothing at all":  {"GET", func(http.ResponseWriter, *http.Request) {}, "GET  OK", 0},
		"invented method": {"BREW", func(http.ResponseWriter, *http.Request) {}, "other  OK", 0},
		"1xx first": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusTeapot)
		}, "GET  I'm a teapot", 0},
		"flushed": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				panic(err)
			}
		}, "GET  OK", 0},
	}
	for name, tt := range tests {
		var o requests
		var info *middleware.Info
		look := func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r)
				info = middleware.InfoFrom(r.Context())
			})
		}
		serve(httptest.NewRequest(tt.method, "/", nil), tt.handler, middleware.RequestID(), look, middleware.Observe(&o))
		if o.began != 1 || len(o.ended) != 1 || o.ended[0] != tt.want || info.Bytes != tt.bytes {
			t.Errorf("%s: observed %d, %q and %d bytes, want %q and %d", name, o.began, o.ended, info.Bytes, tt.want, tt.bytes)
		}
	}
}

func TestRecover(t *testing.T) {
	var logged bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&logged, nil))
	var o requests
	w := serve(get("/"), func(http.ResponseWriter, *http.Request) { panic("boom") }, middleware.RequestID(), middleware.Observe(&o), middleware.Recover(log))
	if p := problem(t, w); p.Status != 500 || strings.Contains(w.Body.String(), "boom") || p.RequestID == "" {
		t.Errorf("answer %s", w.Body)
	}
	if !strings.Contains(logged.String(), `"panic":"boom"`) || !strings.Contains(logged.String(), "middleware_test.go") {
		t.Errorf("the log does not say what happened where: %s", logged.String())
	}
	if len(o.ended) != 1 || !strings.HasSuffix(o.ended[0], "Internal Server Error") {
		t.Errorf("observed %q", o.ended)
	}
}

// TestRecoverTooLate: with half an answer out, the connection must break.
func TestRecoverTooLate(t *testing.T) {
	tests := map[string]http.HandlerFunc{
		"panic after writing": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{")); panic("boom") },
		"abort":               func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	for name, h := range tests {
		var o requests
		got := func() (p any) {
			defer func() { p = recover() }()
			serve(get("/"), h, middleware.RequestID(), middleware.Observe(&o), middleware.Recover(slog.New(slog.DiscardHandler)))
			return nil
		}()
		if err, ok := got.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("%s: the server sees %v, want http.ErrAbortHandler", name, got)
		}
		if len(o.ended) != 1 {
			t.Errorf("%s: the request in flight never ends: %q", name, o.ended)
		}
	}
}

func TestLog(t *testing.T) {
	tests := map[string]struct {
		every int
		codes []int
		want  []int // status of the lines
	}{
		"every third":         {3, []int{200, 201, 202, 203, 204, 205}, []int{202, 205}},
		"failures always":     {100, []int{200, 500, 404, 503}, []int{500, 503}},
		"only failures":       {-1, []int{200, 404, 502}, []int{502}},
		"denied are sampled":  {2, []int{429, 429, 429, 429}, []int{429, 429}},
		"each one":            {1, []int{200, 500}, []int{200, 500}},
		"failures do not add": {2, []int{200, 500, 201}, []int{500, 201}},
	}
	for name, tt := range tests {
		var out bytes.Buffer
		log := middleware.Log(slog.New(slog.NewJSONHandler(&out, nil)), tt.every)
		for _, code := range tt.codes {
			handler := func(w http.ResponseWriter, r *http.Request) {
				if code >= 500 {
					middleware.InfoFrom(r.Context()).Err = errors.New("why")
				}
				w.WriteHeader(code)
			}
			serve(get("/secret?token=x"), handler, middleware.RequestID(), log, middleware.Observe(&requests{}))
		}
		var got []int
		for line := range bytes.Lines(out.Bytes()) {
			var l struct {
				Level, Error, Path string
				RequestID          string `json:"request_id"`
				Status             int
			}
			if err := json.Unmarshal(line, &l); err != nil {
				t.Fatal(err)
			}
			got = append(got, l.Status)
			failed := l.Status >= 500
			if l.RequestID == "" || l.Path != "/secret" || (l.Level == "ERROR") != failed || (l.Error == "why") != failed {
				t.Errorf("%s: line %s", name, line)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: lines for %v, want %v", name, got, tt.want)
		}
	}
}

// TestLogOfCacheAndDatabase: a line says where an answer came from.
func TestLogOfCacheAndDatabase(t *testing.T) {
	tests := map[string]struct {
		handler http.HandlerFunc
		want    map[string]any
	}{
		"from the cache": {
			func(_ http.ResponseWriter, r *http.Request) {
				info := middleware.InfoFrom(r.Context())
				info.Cache, info.Layer = "hit", "l1"
			},
			map[string]any{"cache": "hit", "cache_layer": "l1", "db_queries": nil, "db_ms": nil, "tier": "guest", "subject": "guest-192.0.2.1"},
		},
		"from the database": {
			func(_ http.ResponseWriter, r *http.Request) {
				_, done := middleware.DatabaseFrom(r.Context()).Asking(r.Context())
				middleware.DatabaseFrom(r.Context()).Queries.Add(3)
				time.Sleep(time.Millisecond)
				done()
			},
			map[string]any{"cache": nil, "cache_layer": nil, "db_queries": 3.0},
		},
	}
	for name, tt := range tests {
		var out bytes.Buffer
		serve(get("/"), tt.handler, middleware.RequestID(), middleware.Log(slog.New(slog.NewJSONHandler(&out, nil)), 1),
			middleware.Observe(&requests{}), middleware.Identify(signer(t, "")))
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		for field, want := range tt.want {
			if line[field] != want {
				t.Errorf("%s: %s is %v, want %v", name, field, line[field], want)
			}
		}
		if ms, _ := line["db_ms"].(float64); (line["db_queries"] != nil) != (ms >= 1) {
			t.Errorf("%s: %v", name, line)
		}
	}
}

func TestInfoOutsideOfChain(t *testing.T) {
	if info := middleware.InfoFrom(t.Context()); info == nil || *info != (middleware.Info{}) {
		t.Errorf("InfoFrom = %+v, want an empty one", info)
	}
}

func TestAt(t *testing.T) {
	var got string
	serve(get("/x"), func(_ http.ResponseWriter, r *http.Request) { got = middleware.InfoFrom(r.Context()).Route },
		middleware.RequestID(), middleware.At("/products/{id}"))
	if got != "/products/{id}" {
		t.Errorf("route %q", got)
	}
}

// TestRequestIDsDiffer: ids are unique, also across middlewares as in several
// processes.
func TestRequestIDsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		h := middleware.RequestID()(http.NotFoundHandler())
		for range 100 {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, get("/"))
			seen[w.Header().Get("X-Request-Id")] = true
		}
	}
	if len(seen) != 300 {
		t.Errorf("%d different ids of 300 requests", len(seen))
	}
}

// every fails each request of one route.
type every string

func (e every) Inject(route string) bool { return route == string(e) }

func TestInject(t *testing.T) {
	for route, status := range map[string]int{"/a": 500, "/b": 200} {
		var o requests
		w := serve(get("/"), func(http.ResponseWriter, *http.Request) {},
			middleware.RequestID(), middleware.Observe(&o), middleware.At(route), middleware.Inject(every("/a")))
		if w.Code != status {
			t.Errorf("%s: status %d, want %d", route, w.Code, status)
		}
		if status == 500 && problem(t, w).RequestID == "" {
			t.Errorf("%s: %s", route, w.Body)
		}
	}
}

// TestDatabase: what a load does counts, also when the request's context has
// been taken along, and outside of the chain it counts nowhere.
func TestDatabase(t *testing.T) {
	var o asked
	serve(get("/"), func(_ http.ResponseWriter, r *http.Request) {
		later := context.WithoutCancel(r.Context())
		middleware.DatabaseFrom(later).Queries.Add(2)
		middleware.DatabaseFrom(r.Context()).Queries.Add(1)
	}, middleware.RequestID(), middleware.Observe(&o))
	if o != 3 {
		t.Errorf("%d queries, want 3", o)
	}
	if d := middleware.DatabaseFrom(t.Context()); d == nil || d.Queries.Load() != 0 {
		t.Errorf("outside of the chain: %+v", d)
	}
}

// asked is the number of queries of the last request.
type asked int64

func (*asked) RequestBegan()                    {}
func (a *asked) RequestEnded(r metrics.Request) { *a = asked(r.Queries) }
