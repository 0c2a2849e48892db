package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// loadServer answers /ok at once, /slow after 30 ms, /bad with 500 each time,
// /limited with 429 each time, and counts.
func loadServer(t *testing.T) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var n atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) { n.Add(1); _, _ = io.WriteString(w, "hello") })
	mux.HandleFunc("/slow", func(http.ResponseWriter, *http.Request) { n.Add(1); time.Sleep(30 * time.Millisecond) })
	mux.HandleFunc("/bad", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	mux.HandleFunc("/limited", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s, &n
}

// written is a file of that content.
func written(t *testing.T, name, content string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestLoadUsage(t *testing.T) {
	const secret, local = "S3cr3tPW", "http://127.0.0.1:1/"
	report := written(t, "report.json", `{"schema":"apitop.load/1","mode":"closed","scenario":"url"}`)
	tests := map[string]struct {
		args []string
		want string
	}{
		"no target":          {nil, "give a URL"},
		"two targets":        {[]string{local, local}, "one URL"},
		"no URL":             {[]string{"ftp://u:" + secret + "@127.0.0.1/"}, "cannot use the URL"},
		"bad port":           {[]string{"http://u:" + secret + "@127.0.0.1:port/"}, "cannot use the URL"},
		"remote":             {[]string{"http://u:" + secret + "@192.0.2.7/"}, "--allow-remote"},
		"rate":               {[]string{local, "--rate", "fast"}, "200/s"},
		"no rate":            {[]string{local, "--rate", "0"}, "--rate 0"},
		"stages":             {[]string{local, "--stages", "30s"}, "30s:0-200"},
		"stages and rate":    {[]string{local, "--stages", "3s:5", "--rate", "5"}, "do not go together"},
		"too long":           {[]string{local, "--for", "25h"}, "at most 24h"},
		"no time":            {[]string{local, "--for", "0s"}, "--for"},
		"arrivals":           {[]string{local, "--arrivals", "bursty"}, "constant or poisson"},
		"objective":          {[]string{local, "--slo", "p95<200"}, "with its unit"},
		"unknown route":      {[]string{local, "--slo", "/orders.p95<1s"}, "there are GET /"},
		"abort without":      {[]string{local, "--abort-on-fail"}, "--slo"},
		"search without":     {[]string{local, "--find-max"}, "--slo"},
		"search of rps":      {[]string{local, "--find-max", "--slo", "rps>10"}, "else than rps"},
		"users as shares":    {[]string{local, "--users", "guest=60%,basic=40%"}, "--tiers guest=60%,basic=40%"},
		"users and rate":     {[]string{local, "--users", "3", "--rate", "5"}, "do not go together"},
		"requests alone":     {[]string{local, "--requests", "3"}, "--users"},
		"tiers":              {[]string{local, "--tiers", "guest=60%"}, "add up to 60"},
		"no tiers":           {[]string{local, "--tiers", "guest=100%"}, "nothing is known of tiers"},
		"unknown tier":       {[]string{local, "--scenario", "demo", "--tiers", "vip=100%"}, "there are guest, basic, premium, admin"},
		"no keys":            {[]string{local, "--keys", "uniform:5"}, "placeholder {key}"},
		"keys":               {[]string{local, "--keys", "zipf"}, "zipf:0.99:1000"},
		"format":             {[]string{local, "--format", "xml"}, "use table or json"},
		"header":             {[]string{local, "--header", secret}, "'Name: value'"},
		"method of scenario": {[]string{local, "--scenario", "demo", "--method", "PUT"}, "do not go together"},
		"no scenario file":   {[]string{local, "--scenario", "/nowhere.yaml"}, "no such file"},
		"no report":          {[]string{local, "--compare", "/nowhere.json"}, "no such file"},
		"another test":       {[]string{local, "--compare", report}, "closed loop"},
		"no folder":          {[]string{local, "--json", "/nowhere/x.json"}, "no such file"},
		"tolerance":          {[]string{local, "--tolerance", "0.1"}, "percent"},
		"theme":              {[]string{local, "--theme", "pink"}, "unknown theme"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out, errs, code := execute(t, append([]string{"load"}, tt.args...)...)
			if code != exitUsage || !strings.Contains(errs, tt.want) {
				t.Errorf("exit %d, %q; want exit 2 and %q", code, errs, tt.want)
			}
			if strings.Count(errs, "\n") != 1 || len(out) > 0 {
				t.Errorf("want one line on stderr and nothing on stdout, got %q and %q", errs, out)
			}
			if strings.Contains(errs, secret) {
				t.Errorf("a secret is printed: %q", errs)
			}
		})
	}
}

// TestLoadExitCodes runs short tests against a real server.
func TestLoadExitCodes(t *testing.T) {
	s, _ := loadServer(t)
	tests := map[string]struct {
		args []string
		code int
		want string // on stderr
	}{
		"no objective":     {[]string{"/ok"}, exitOK, ""},
		"kept":             {[]string{"/ok", "--slo", "p50<500ms", "--slo", "errors<1%", "--slo", "/ok.rps>10"}, exitOK, ""},
		"broken":           {[]string{"/slow", "--slo", "p50<20ms", "--slo", "errors<1%"}, exitBroken, "broken: p50<20ms"},
		"too few requests": {[]string{"/ok", "--slo", "p99.9<1s"}, exitUnmeasured, "could not judge p99.9<1s"},
		"broken and few":   {[]string{"/bad", "--slo", "p99.9<1s", "--slo", "errors<1%"}, exitBroken, "errors<1%"},
		"429 is no error":  {[]string{"/limited", "--slo", "errors<1%"}, exitOK, ""},
		"429 if asked":     {[]string{"/limited", "--slo", "throttled<50%"}, exitBroken, "throttled"},
		"nothing answered": {[]string{"/bad"}, exitUnmeasured, "no request was answered well"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"load", s.URL + tt.args[0], "--rate", "100", "--for", "600ms"}, tt.args[1:]...)
			out, errs, code := execute(t, args...)
			if code != tt.code || !strings.Contains(errs, tt.want) {
				t.Errorf("exit %d, want %d and %q: %s\n%s", code, tt.code, tt.want, errs, out)
			}
			if !strings.Contains(string(out), "due to end of answer") {
				t.Errorf("the report is missing:\n%s", out)
			}
		})
	}
}

// TestLoadJSON holds the report to the names of the contract, and to null for
// what is not known.
func TestLoadJSON(t *testing.T) {
	s, _ := loadServer(t)
	file := filepath.Join(t.TempDir(), "report.json")
	url := strings.Replace(s.URL, "http://", "http://user:S3cr3tPW@", 1)
	out, errs, code := execute(t, "load", url+"/ok?key=S3cr3tPW", "--rate", "100", "--for", "500ms", "--warmup", "200ms",
		"--slo", "p50<1s", "--slo", "p99<1s", "--format", "json", "--json", file)
	if code != exitUnmeasured { // of the p99
		t.Fatalf("exit %d: %s", code, errs)
	}
	written, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(written, out) {
		t.Errorf("the file differs from stdout: %v", err)
	}
	if strings.Contains(string(out)+errs, "S3cr3tPW") {
		t.Error("a secret is printed")
	}
	var doc map[string]any
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"schema", "intended_rps", "sent_rps", "requests", "ok", "errors", "throttled", "late", "dropped", "generator_limited",
		"response", "service", "status", "routes", "slo",
	} {
		if _, ok := doc[key]; !ok {
			t.Errorf("no %q in %v", key, slices.Sorted(maps.Keys(doc)))
		}
	}
	if doc["schema"] != "apitop.load/1" || doc["requests"] != 50.0 || doc["status"].(map[string]any)["200"] != 50.0 {
		t.Errorf("schema %v, requests %v, status %v", doc["schema"], doc["requests"], doc["status"])
	}
	for _, span := range []string{"response", "service"} {
		l := doc[span].(map[string]any)
		for _, key := range []string{"p95_seconds", "p99_seconds"} { // 50 samples
			if v, ok := l[key]; !ok || v != nil {
				t.Errorf("%s of 50 requests is %v, want null", key, v)
			}
		}
		if l["p50_seconds"] == nil || l["max_seconds"] == nil {
			t.Errorf("%s: %v", span, l)
		}
	}
	slo := doc["slo"].([]any)
	kept, open := slo[0].(map[string]any), slo[1].(map[string]any)
	if kept["expr"] != "p50<1s" || kept["pass"] != true || kept["value"] == nil || open["pass"] != nil || open["value"] != nil {
		t.Errorf("slo = %v", slo)
	}
}

// TestLoadSends checks what arrives: method, body, headers, and nothing taken
// for a placeholder.
func TestLoadSends(t *testing.T) {
	const body = `{"query":"{viewer}","user":"{user}"}`
	var wrong atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPut || string(got) != body || r.Header.Get("X-Key") != "a{b}c" || r.URL.RequestURI() != "/p%20q?x=%7By%7D" {
			wrong.Add(1)
		}
	}))
	defer s.Close()
	out, errs, code := execute(t, "load", s.URL+"/p%20q?x=%7By%7D", "--method", "PUT", "--body", body, "--header", "X-Key: a{b}c",
		"--rate", "50", "--for", "300ms", "--slo", "errors<1%", "--slo", "rps>10")
	if code != exitOK || wrong.Load() > 0 {
		t.Errorf("exit %d, %d requests arrived otherwise: %s\n%s", code, wrong.Load(), errs, out)
	}
}

// TestLoadCSV has a line a second, whose counts add up.
func TestLoadCSV(t *testing.T) {
	t.Parallel()
	s, n := loadServer(t)
	file := filepath.Join(t.TempDir(), "seconds.csv")
	if _, errs, code := execute(t, "load", s.URL+"/ok", "--rate", "40", "--for", "3s", "--csv", file); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil || len(rows) < 3 || len(rows) > 4 || !slices.Equal(rows[0], csvHead()) {
		t.Fatalf("%v in\n%s", err, raw)
	}
	sum := 0
	for _, row := range rows[1:] {
		var ok int
		if _, err := fmt.Sscan(row[slices.Index(rows[0], "ok")], &ok); err != nil {
			t.Fatal(err)
		}
		sum += ok
	}
	if sum < 70 || int64(sum) > n.Load() {
		t.Errorf("%d answers in the lines, %d in all", sum, n.Load())
	}
}

// TestLoadCourse is the closed loop with the result fields of the course notes.
func TestLoadCourse(t *testing.T) {
	s, n := loadServer(t)
	out, errs, code := execute(t, "load", s.URL+"/ok", "--users", "4", "--requests", "60", "--format", "json")
	var doc struct {
		Mode   string
		Users  int
		RPS    *float64 `json:"intended_rps"`
		Course []map[string]any
	}
	if err := json.Unmarshal(out, &doc); err != nil || code != exitOK {
		t.Fatalf("exit %d, %v: %s", code, err, errs)
	}
	if n.Load() != 240 || doc.Mode != "closed" || doc.Users != 4 || doc.RPS != nil || len(doc.Course) != 1 {
		t.Fatalf("%d requests, %+v", n.Load(), doc)
	}
	c := doc.Course[0]
	for _, key := range []string{
		"total_requests", "total_time", "rps", "avg_response_time", "min_response_time", "max_response_time", "p95_response_time",
		"errors", "error_rate", "status_distribution",
	} {
		if c[key] == nil {
			t.Errorf("no %s in %v", key, c)
		}
	}
	if c["total_requests"] != 240.0 || c["status_distribution"].(map[string]any)["200"] != 240.0 {
		t.Errorf("%v", c)
	}
}

// TestLoadClosedGate judges a closed loop while it runs.
func TestLoadClosedGate(t *testing.T) {
	t.Parallel()
	s, n := loadServer(t)
	out, errs, code := execute(t, "load", s.URL+"/slow", "--users", "2", "--requests", "50", "--slo", "p50<20ms", "--abort-on-fail", "--abort-delay", "1s")
	if code != exitBroken || !strings.Contains(errs, "stopped early") || n.Load() >= 100 {
		t.Errorf("exit %d after %d requests: %s\n%s", code, n.Load(), errs, out)
	}
}

func TestLoadScenarioFile(t *testing.T) {
	t.Parallel()
	s, n := loadServer(t)
	file := written(t, "api.yaml", "name: mine\nrequests:\n  - path: /ok\n    weight: 3\n  - path: /bad\n    weight: 1\n")
	out, errs, code := execute(t, "load", "--scenario", file, s.URL, "--rate", "200", "--for", "1s", "--slo", "/ok.errors<1%", "--slo", "/bad.errors<1%")
	if code != exitBroken || !strings.Contains(errs, "broken: /bad.errors<1%") || n.Load() < 100 {
		t.Errorf("exit %d: %s\n%s", code, errs, out)
	}
	file = written(t, "wrong.yaml", "requests:\n  - pth: /ok\n")
	if _, errs, code := execute(t, "load", "--scenario", file, s.URL); code != exitUsage || !strings.Contains(errs, "pth") || !strings.Contains(errs, "line 2") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// TestLoadNobody: against nobody nothing is run; one line says so.
func TestLoadNobody(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	out, errs, code := execute(t, "load", "http://"+l.Addr().String(), "--for", "20s")
	if code != exitUnmeasured || len(out) > 0 || errs != "apitop: load: nobody listens on "+l.Addr().String()+": start the service, or correct the address\n" {
		t.Errorf("exit %d: %q, %q", code, errs, out)
	}
}
