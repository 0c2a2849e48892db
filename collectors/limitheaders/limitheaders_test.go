package limitheaders

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask makes a Collector of cfg on a server that answers with h, and asks once.
func ask(t *testing.T, h http.HandlerFunc, cfg Config) (*Collector, error) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	cfg.URL = server.URL + "/products?token=S3cr3tPW"
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	r, err := c.Collect(ctx)
	if r != nil {
		t.Errorf("reading = %v", r)
	}
	return c, err
}

func TestCollect(t *testing.T) {
	limited := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Ratelimit-Limit", "60")
			w.WriteHeader(status)
		}
	}
	silent := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://elsewhere.example/x?S3cr3tPW")
			w.WriteHeader(status)
		}
	}
	tests := map[string]struct {
		answer http.HandlerFunc
		method string
		kind   snapshot.FailureKind // empty: none
		want   string               // in the failure
	}{
		"limited":       {limited(200), "", "", ""},
		"refused":       {limited(429), "", "", ""},
		"not permitted": {silent(401), "", snapshot.Denied, "give credentials"},
		"head":          {silent(405), "", snapshot.NoData, "method: GET"},
		"get":           {silent(200), "GET", snapshot.NoData, "choose a URL that is limited"},
		"redirect":      {silent(302), "", snapshot.Unsupported, "elsewhere.example"},
		"cut":           {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "", snapshot.Unreachable, "ended before an answer"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := ask(t, tt.answer, Config{Method: tt.method})
			if tt.kind == "" {
				if list := c.Policies(); err != nil || len(list) != 1 || list[0].Limit != 60 {
					t.Errorf("policies %v, %v", list, err)
				}
				return
			}
			f, ok := errors.AsType[*snapshot.Failure](err)
			if !ok || f.Kind != tt.kind || !strings.Contains(f.Error(), tt.want) || strings.Contains(f.Error(), "S3cr3tPW") {
				t.Errorf("failure = %+v", err)
			}
		})
	}
}

// TestRequest: what is sent is what the configuration says.
func TestRequest(t *testing.T) {
	var got *http.Request
	c, err := ask(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.Header().Set("Ratelimit-Policy", `"a";q=5;w=1`)
	}, Config{Method: "GET", Every: time.Hour, Web: web.Settings{Headers: map[string]safe.Secret[string]{"X-User": safe.Hide("7")}}})
	if err != nil || got.Method != "GET" || got.Header.Get("X-User") != "7" || got.URL.Path != "/products" {
		t.Errorf("%v, %+v", err, got)
	}
	if c.Rest() != time.Hour || strings.Contains(c.Source().Name.String(), "S3cr3tPW") {
		t.Errorf("rest %v, source %v", c.Rest(), c.Source())
	}
}

// TestKept: what was told stays while the service does not answer.
func TestKept(t *testing.T) {
	told := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if told {
			w.Header().Set("X-Rate-Limit-Limit", "9")
		}
	}))
	c, err := New(Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if _, err := c.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Close()
	_, err = c.Collect(t.Context())
	if f := snapshot.FailureOf(err); f == nil || f.Kind != snapshot.Unreachable || !strings.Contains(f.Error(), "connection refused") {
		t.Errorf("failure = %v", err)
	}
	if list := c.Policies(); len(list) != 1 || list[0].Limit != 9 || c.Rest() != DefaultEvery {
		t.Errorf("policies = %v", list)
	}
}

func TestNewErrors(t *testing.T) {
	for name, cfg := range map[string]Config{
		"scheme":  {URL: "ftp://u:S3cr3tPW@h/"},
		"host":    {URL: "http://"},
		"setting": {URL: "http://h/", Web: web.Settings{TLS: web.TLS{CAFile: "/no/such/file"}}},
	} {
		if _, err := New(cfg); err == nil || strings.Contains(err.Error(), "S3cr3tPW") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
