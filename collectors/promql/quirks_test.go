package promql

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

// quirk is what a server does otherwise than Prometheus, and must be got on with.
type quirk struct {
	path   string
	web    web.Settings
	before func(w http.ResponseWriter, r *http.Request) bool
	note   string
}

// only lets through what the condition holds for, and refuses all else.
func only(code int, condition func(r *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		no := !condition(r)
		if no {
			w.WriteHeader(code)
		}
		return no
	}
}

// saying answers the queries that begin so with this text.
func saying(begins, text string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.Form.Get("query"), begins) {
			return false
		}
		fmt.Fprint(w, text)
		return true
	}
}

func underPath(prefix string) func(*http.Request) bool {
	return func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, prefix) }
}

func byGet(r *http.Request) bool { return r.Method == http.MethodGet }

func quirks() map[string]quirk {
	requests := usual()["sum by (route,method,status) (rate(http_requests_total"]
	return map[string]quirk{
		"a prefix":            {path: "/prometheus/", before: only(404, underPath("/prometheus/api/v1/"))},
		"the path of the API": {path: "/select/0/prometheus/api/v1/query", before: only(404, underPath("/select/0/prometheus/api/v1/"))},
		"a tenant": {
			web:    web.Settings{Headers: map[string]safe.Secret[string]{"X-Scope-OrgID": safe.Hide("team-a")}},
			before: only(401, func(r *http.Request) bool { return r.Header.Get("X-Scope-OrgID") == "team-a" }),
		},
		"parameters": {path: "?dedup=true&partial_response=false", before: only(400, func(r *http.Request) bool {
			return r.Form.Get("dedup") == "true" && r.Form.Get("partial_response") == "false"
		})},
		"GET alone, 405": {before: only(405, byGet)},
		"GET alone, 403": {before: only(403, byGet)},
		"GET alone, 501": {before: only(501, byGet)},
		"no metadata":    {before: only(404, func(r *http.Request) bool { return !strings.HasSuffix(r.URL.Path, "/metadata") })},
		"empty metadata": {before: func(w http.ResponseWriter, r *http.Request) bool {
			empty := strings.HasSuffix(r.URL.Path, "/metadata")
			if empty {
				fmt.Fprint(w, `{"status":"success","data":{}}`)
			}
			return empty
		}},
		"warnings": {
			before: saying("sum(http_requests_in_flight", `{"status":"success","warnings":["no StoreAPIs matched"],"data":`+vector(one("", 7))+`}`),
			note:   "the server warns: no StoreAPIs matched",
		},
		"infos": {
			before: saying("sum by (route,method,status)", `{"status":"success","infos":["metric might not be a counter"],"data":`+requests+`}`),
			note:   "the server warns: metric might not be a counter",
		},
	}
}

func TestQuirks(t *testing.T) {
	for name, tt := range quirks() {
		t.Run(name, func(t *testing.T) {
			f := &fake{before: tt.before}
			c := open(t, Config{URL: f.start(t) + tt.path, Match: `job="demo"`, Web: tt.web})
			if r := collect(t, c); len(r.Requests) != 3 || len(r.Durations) != 2 || r.InFlight.V != 7 {
				t.Errorf("got %+v", r)
			}
			if tt.note != "" && !slices.ContainsFunc(c.Notes(), func(n snapshot.Note) bool { return n.What.Raw() == tt.note }) {
				t.Errorf("notes %v", c.Notes())
			}
			if strings.HasPrefix(name, "GET alone") {
				if posts := count(f.verbs, http.MethodPost); posts > maxConnections {
					t.Errorf("POST was tried %d times", posts)
				}
			}
		})
	}
}

func count(list []string, s string) (n int) {
	for _, x := range list {
		if x == s {
			n++
		}
	}
	return n
}

func TestFailures(t *testing.T) {
	status := func(code int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}
	}
	problem := func(code int, kind, text string) http.HandlerFunc {
		return status(code, "application/json", fmt.Sprintf(`{"status":"error","errorType":%q,"error":%q}`, kind, text))
	}
	tests := map[string]struct {
		answer    http.HandlerFunc
		kind      snapshot.FailureKind
		what, fix string
	}{
		"bad data":        {problem(400, "bad_data", "parse error: x"), snapshot.Unsupported, "does not take the query: parse error: x", "--match"},
		"too many":        {problem(422, "execution", "query processing would load too many samples into memory"), snapshot.Unsupported, "too many samples", fixLoad},
		"VictoriaMetrics": {problem(422, "422", "cannot select more than -search.maxSamplesPerQuery"), snapshot.Unsupported, "cannot run the query", fixLoad},
		"a timeout":       {problem(503, "timeout", "query timed out in expression evaluation"), snapshot.Unreachable, "gave the query up", fixLoad},
		"not ready":       {problem(503, "unavailable", "TSDB not ready"), snapshot.Unreachable, "is not ready: TSDB not ready", "started"},
		"limited":         {problem(429, "too_many_requests", "too many outstanding requests"), snapshot.Denied, "limits the queries", "raise"},
		"an error":        {problem(500, "internal", "expanding series"), snapshot.Unsupported, "answers with an error: expanding series", "log"},
		"no tenant":       {status(401, "text/plain", "no org id\n"), snapshot.Denied, "no tenant was named", "X-Scope-OrgID"},
		"401":             {status(401, "text/html", "<html>"), snapshot.Denied, "401 Unauthorized", "authorization in the config"},
		"403":             {status(403, "text/html", "<html>"), snapshot.Denied, "403 Forbidden", "let this host"},
		"404":             {status(404, "text/plain", "404 page not found"), snapshot.Unsupported, "404 Not Found", "/prometheus"},
		"a web page":      {status(200, "text/html", "<!DOCTYPE html>"), snapshot.Unsupported, "with a web page", "/select/0/prometheus"},
		"other JSON":      {status(200, "application/json", `{"ok":true}`), snapshot.Unsupported, "something else", "prefix"},
		"half an answer":  {status(200, "application/json", `{"status":"success","data":{"resultType":"vector","result":[`), snapshot.Unsupported, "something else", "prefix"},
		"a gateway":       {status(502, "text/html", "<html>"), snapshot.Unreachable, "502 Bad Gateway", "behind the proxy"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.example/?next=secret", http.StatusFound)
		}, snapshot.Unsupported, "302 Found -> login.example", "not followed"},
		"too large": {func(w http.ResponseWriter, _ *http.Request) {
			chunk := []byte(strings.Repeat(" ", 1<<20))
			for range maxBodyBytes/len(chunk) + 1 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, snapshot.Unsupported, "larger than 32 MiB", "narrow --match"},
		"a broken answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{")
		}, snapshot.Unreachable, "closed the connection", "server runs"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := fails(t, tt.answer)
			if f.Kind != tt.kind || !strings.Contains(f.What.Raw(), tt.what) || !strings.Contains(f.Fix, tt.fix) {
				t.Errorf("got %s: %v", f.Kind, f)
			}
		})
	}
}
