package faults

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestServeHTTP holds who may switch, and how mistakes are answered.
func TestServeHTTP(t *testing.T) {
	const here, json = "127.0.0.1:4711", "application/json"
	tests := map[string]struct {
		method, from, host, kind, body string
		status                         int
		says                           string
	}{
		"list":             {"GET", here, "127.0.0.1:8000", "", "", 200, `"name":"n-plus-one"`},
		"head":             {"HEAD", here, "localhost", "", "", 200, ""},
		"by name":          {"GET", here, "localhost:8000", "", "", 200, `"faults"`},
		"six":              {"GET", "[::1]:4711", "[::1]:8000", "", "", 200, `"faults"`},
		"six without port": {"GET", "[::1]:4711", "[::1]", "", "", 200, `"faults"`},
		"mapped":           {"GET", "[::ffff:127.0.0.1]:4711", "LOCALHOST", "", "", 200, `"faults"`},
		"another machine":  {"GET", "192.0.2.1:4711", "127.0.0.1:8000", "", "", 403, "loopback"},
		"rebinding":        {"GET", here, "evil.example:8000", "", "", 403, "loopback"},
		"rebinding, post":  {"POST", here, "localhost.evil.example", json, `{"drop-index":true}`, 403, ""},
		"no host":          {"GET", here, "", "", "", 403, ""},
		"socket":           {"GET", "@", "localhost", "", "", 403, ""},
		"put":              {"PUT", here, "localhost", json, `{}`, 405, ""},
		"switch":           {"POST", here, "localhost", json, `{"drop-index":true,"slow_query":true}`, 200, `"on":true`},
		"nothing":          {"POST", here, "localhost", json + "; charset=utf-8", `{}`, 200, `"faults"`},
		"a form":           {"POST", here, "localhost", "application/x-www-form-urlencoded", `{"drop-index":true}`, 415, "application/json"},
		"no type":          {"POST", here, "localhost", "", `{"drop-index":true}`, 415, ""},
		"no json":          {"POST", here, "localhost", json, `drop-index`, 400, "JSON object"},
		"a list":           {"POST", here, "localhost", json, `["drop-index"]`, 400, ""},
		"null":             {"POST", here, "localhost", json, `null`, 400, ""},
		"a word":           {"POST", here, "localhost", json, `{"drop-index":"yes"}`, 400, ""},
		"more behind":      {"POST", here, "localhost", json, `{} {}`, 400, ""},
		"cut off":          {"POST", here, "localhost", json, `{"drop-index":tr`, 400, ""},
		"nothing at all":   {"POST", here, "localhost", json, ``, 400, ""},
		"both":             {"POST", here, "localhost", json, `{"drop-index":true,"drop_index":false}`, 400, "both on and off"},
		"said twice":       {"POST", here, "localhost", json, `{"slow-query":true,"slow_query":true}`, 200, `"on":true`},
		"unknown":          {"POST", here, "localhost", json, `{"nope":true,"drop-index":true}`, 422, "n-plus-one, drop-index"},
		"unavailable":      {"POST", here, "localhost", json, `{"eviction":true}`, 409, "install redis-server"},
		"broken":           {"POST", here, "localhost", json, `{"postgres-down":true}`, 503, "no such luck"},
		"long":             {"POST", here, "localhost", json, `{"` + strings.Repeat("x", mostBody) + `":true}`, 413, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, rec := newFaked(t)
			rec.failing("postgres false", errNoLuck)
			r := httptest.NewRequest(tt.method, "/demo/faults", strings.NewReader(tt.body))
			r.RemoteAddr, r.Host = tt.from, tt.host
			r.Header.Set("Content-Type", tt.kind)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if kind := w.Header().Get("Content-Type"); (kind == "application/problem+json") != (tt.status >= 400) {
				t.Errorf("content type %q", kind)
			}
			if on := state(t, s, "drop-index").On; on != (name == "switch") {
				t.Errorf("drop-index is on: %v", on)
			}
		})
	}
}

type luck struct{}

func (luck) Error() string { return "no such luck" }

var errNoLuck = luck{}

// TestForwarded: what a proxy passes on may come from anywhere.
func TestForwarded(t *testing.T) {
	s, _ := newFaked(t)
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"} {
		r := httptest.NewRequest(http.MethodGet, "/demo/faults", nil)
		r.RemoteAddr, r.Host = "127.0.0.1:1", "127.0.0.1"
		r.Header.Set(h, "192.0.2.1")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", h, w.Code)
		}
	}
}

// TestPost switches off before it switches on, and answers with what is.
func TestPost(t *testing.T) {
	s, r := newFaked(t)
	switchTo(t, s, "redis-down", true)
	r.take()
	req := httptest.NewRequest(http.MethodPost, "/demo/faults", strings.NewReader(`{"n-plus-one":true,"redis-down":false,"drop-index":true}`))
	req.RemoteAddr, req.Host = "127.0.0.1:1", "127.0.0.1"
	req.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	done := strings.Join(r.take(), ",")
	if want := "redis true,store {NPlusOne:true SlowQuery:0s},bypass [products],drop,bypass [products search]"; done != want {
		t.Errorf("%s, want %s", done, want)
	}
	var got answer
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.Faults) != len(Names()) {
		t.Fatalf("%v: %s", err, w.Body)
	}
	for _, st := range got.Faults {
		if st.On != (st.Name == "n-plus-one" || st.Name == "drop-index") {
			t.Errorf("%+v", st)
		}
	}
}
