package main

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"apitop/demoapi/serve"
)

// TestMain serves the hidden child modes: the demo starts this binary again.
func TestMain(m *testing.M) {
	if handled, code := serve.Child(os.Args[1:]); handled {
		os.Exit(code)
	}
	code := m.Run()
	if name, err := binary(); err == nil {
		_ = os.RemoveAll(strings.TrimSuffix(name, "/apitop")) // a temporary folder
	}
	os.Exit(code)
}

// execute runs one command line in this process, with an empty environment.
func execute(t *testing.T, args ...string) (stdout []byte, stderr string, code int) {
	t.Helper()
	return executeIn(t, nil, args...)
}

func executeIn(t *testing.T, env map[string]string, args ...string) (stdout []byte, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	p := process{getenv: func(k string) string { return env[k] }, stdin: os.Stdin, stdout: &out, stderr: &errs, terminal: os.Stdout}
	code = run(t.Context(), p, args)
	return out.Bytes(), errs.String(), code
}

func TestWrongUsage(t *testing.T) {
	const secret = "S3cr3tPW"
	tests := map[string]struct {
		args []string
		want string
	}{
		"unknown flag":     {[]string{"--nonsense"}, "unknown flag"},
		"unknown format":   {[]string{"once", "--format", "xml"}, "use table or json"},
		"interval":         {[]string{"once", "--interval", "1ms"}, "--interval"},
		"pid":              {[]string{"once", "--pid", "-1"}, "--pid"},
		"theme":            {[]string{"--theme", "pink"}, "unknown theme"},
		"bad redis URL":    {[]string{"once", "--no-host", "--redis", "redis://:" + secret + "@host:port/"}, "redis"},
		"bad postgres DSN": {[]string{"once", "--no-host", "--postgres", "postgres://u:" + secret + "@host:port/db"}, "postgres"},
		"bad metrics URL":  {[]string{"once", "--no-host", "ftp://u:" + secret + "@host/metrics"}, "metrics"},
		"files and URLs":   {[]string{"once", "commands_test.go", "http://localhost:1/metrics"}, "cannot be mixed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out, errs, code := execute(t, tt.args...)
			if code != exitUsage || !strings.Contains(errs, tt.want) {
				t.Errorf("exit %d, %q; want exit 2 and %q", code, errs, tt.want)
			}
			if strings.Count(errs, "\n") != 1 || len(out) > 0 {
				t.Errorf("want one line on stderr and nothing on stdout, got %q and %q", errs, out)
			}
			if strings.Contains(errs, secret) {
				t.Errorf("a password is printed: %q", errs)
			}
		})
	}
}

func TestMetricsURL(t *testing.T) {
	for in, want := range map[string]string{
		"localhost:8000":              "http://localhost:8000/metrics",
		":8000":                       "http://localhost:8000/metrics",
		"http://h:1/metrics":          "http://h:1/metrics",
		"https://h":                   "https://h/metrics",
		"h/actuator/prometheus":       "http://h/actuator/prometheus",
		"http://h:1/metrics?name[]=a": "http://h:1/metrics?name[]=a",
	} {
		if got := metricsURL(in); got != want {
			t.Errorf("metricsURL(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	env := map[string]string{"APITOP_METRICS": "localhost:1 localhost:2", "REDIS_URL": "redis://r", "PGHOST": "/run/pg"}
	get := func(k string) string { return env[k] }
	c := Config{Interval: 1e9}
	if err := c.complete(&pflag.FlagSet{}, nil, get); err != nil {
		t.Fatal(err)
	}
	if len(c.Metrics) != 2 || c.Redis != "redis://r" || c.Postgres != "host=/run/pg" {
		t.Errorf("from the environment: %+v", c)
	}
	c = Config{Interval: 1e9}
	if err := c.complete(&pflag.FlagSet{}, []string{"localhost:3"}, get); err != nil {
		t.Fatal(err)
	}
	if len(c.Metrics) != 1 || c.Redis != "" {
		t.Errorf("a given source must turn the environment off: %+v", c)
	}
}

// TestOnceWithAFailingSource: what works is printed, the exit code tells.
func TestOnceWithAFailingSource(t *testing.T) {
	url := page(t)
	out, errs, code := execute(t, "once", url, "--redis", "redis://"+freeAddr(t), "--no-host", "--for", "1s", "--format", "json")
	if code != exitUnmeasured {
		t.Fatalf("exit %d, %s", code, errs)
	}
	var doc struct {
		HTTP    struct{ Requests *float64 }
		Sources []struct {
			Kind, State string
			Error       *string
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.HTTP.Requests == nil {
		t.Error("the working source gave nothing")
	}
	for _, s := range doc.Sources {
		if failed := s.Kind == "redis"; failed != (s.State == "failed") || failed != (s.Error != nil) {
			t.Errorf("source %+v", s)
		}
	}
}

func TestOnceTable(t *testing.T) {
	out, errs, code := execute(t, "once", page(t), "--no-host", "--for", "1s")
	if code != exitOK || !strings.Contains(string(out), "/products") {
		t.Errorf("exit %d, %s\n%s", code, errs, out)
	}
}

func TestTitleHoldsNoSecret(t *testing.T) {
	c := Config{Metrics: []string{"http://user:S3cr3tPW@host:8000/metrics"}}
	if got := title(&c); got != "host:8000" {
		t.Errorf("title = %q", got)
	}
}

func TestDiscoverFindsAMetricsPage(t *testing.T) {
	s := httptest.NewServer(steady(time.Now()))
	defer s.Close()
	if !servesMetrics(t.Context(), s.URL+"/metrics") {
		t.Error("a metrics page was not recognised")
	}
	if servesMetrics(t.Context(), "http://"+freeAddr(t)+"/metrics") {
		t.Error("a closed port answers")
	}
}

// TestOnceOnOneFile gives the totals since the process started.
func TestOnceOnOneFile(t *testing.T) {
	file := t.TempDir() + "/page.prom"
	if err := os.WriteFile(file, []byte("# TYPE http_requests_total counter\nhttp_requests_total{method=\"GET\",route=\"/a\",status=\"500\"} 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := execute(t, "once", "--format", "json", file)
	var doc struct {
		HTTP struct {
			Requests, RPS *float64
			ErrorRatio    *float64 `json:"error_ratio"`
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil || code != exitOK {
		t.Fatalf("exit %d, %v, %s", code, err, errs)
	}
	if doc.HTTP.Requests == nil || *doc.HTTP.Requests != 7 || *doc.HTTP.ErrorRatio != 1 || doc.HTTP.RPS != nil {
		t.Errorf("got %s", out)
	}
}

// TestOnceOnRubbish says what is wrong with the file and exits with 3.
func TestOnceOnRubbish(t *testing.T) {
	for name, content := range map[string]string{"empty": "", "html": "<!DOCTYPE html><html></html>", "json": `{"a":1}`} {
		t.Run(name, func(t *testing.T) {
			file := t.TempDir() + "/page"
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			out, _, code := execute(t, "once", "--format", "json", file)
			var doc struct {
				Sources []struct{ State, Error string }
			}
			if err := json.Unmarshal(out, &doc); err != nil || code != exitUnmeasured {
				t.Fatalf("exit %d, %v", code, err)
			}
			if len(doc.Sources) != 1 || doc.Sources[0].State != "failed" || doc.Sources[0].Error == "" {
				t.Errorf("sources = %+v", doc.Sources)
			}
		})
	}
}

// TestCompletions: shells are offered the words that a flag takes, files where it
// takes one, and no files elsewhere.
func TestCompletions(t *testing.T) {
	const noFiles, files = ":4", ":0"
	tests := map[string]struct {
		args []string
		want []string
	}{
		"format":       {[]string{"once", "--format", ""}, []string{"table", "json", noFiles}},
		"doctor":       {[]string{"doctor", "--format", ""}, []string{"table", "json", noFiles}},
		"theme":        {[]string{"--theme", ""}, []string{"dark", "plain", noFiles}},
		"fault":        {[]string{"demo", "--fault", ""}, []string{"n-plus-one", noFiles}},
		"URL":          {[]string{"--redis", ""}, []string{noFiles}},
		"config":       {[]string{"--config", ""}, []string{files}},
		"password":     {[]string{"--redis-password-file", ""}, []string{files}},
		"saved page":   {[]string{"once", ""}, []string{files}},
		"command":      {[]string{"do"}, []string{"doctor", noFiles}},
		"one of two":   {[]string{"once", "--by"}, []string{"--by-instance", noFiles}},
		"shell script": {[]string{"comp"}, []string{"completion"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out, errs, code := execute(t, append([]string{"__complete"}, tt.args...)...)
			for _, want := range tt.want {
				if !strings.Contains("\n"+string(out), "\n"+want) || code != exitOK {
					t.Errorf("exit %d, %s; %q is missing in %q", code, errs, want, out)
				}
			}
		})
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out, errs, code := execute(t, "completion", shell); code != exitOK || len(out) < 1000 {
			t.Errorf("%s: exit %d, %s", shell, code, errs)
		}
	}
}
