package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// canary stands where a secret may stand; no error may hold it.
const canary = "S3cr3tPW"

func write(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad(t *testing.T) {
	path := write(t, `
interval: 2s
theme: dark
no_host: true
pid: 42
metrics:
- http://localhost:8000/metrics
- url: https://api.example
  name: api
  basic_auth: {username: apitop, password_file: secrets/password}
  tls_config: {server_name: api.internal}
  headers: {X-Scope-OrgID: 7}
  follow_redirects: true
  mapping: {requests: calls_total, duration: latency_ms, route: op, status: result, method: verb, unit: milliseconds}
  limits: {body_bytes: 16MiB, series: 1000}
file_sd_files: [targets/*.json]
dns: ["http://api.internal:8000/metrics"]
prometheus_config: {path: /etc/prometheus/prometheus.yml, jobs: [api]}
prometheus: {url: "http://prometheus:9090", match: 'job="api"'}
redis: {url: "redis://localhost", password_file: /run/secrets/redis}
postgres: postgres://apitop@localhost/app
`, 0o644)
	f, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	api := f.Metrics[1]
	for what, ok := range map[string]bool{
		"settings":   f.Interval == 2*time.Second && f.Theme == "dark" && f.NoHost && f.PID == 42,
		"bare url":   f.Metrics[0].URL.Reveal() == "http://localhost:8000/metrics",
		"name":       api.Name == "api" && api.URL.Reveal() == "https://api.example",
		"relative":   api.BasicAuth.PasswordFile == dir+"/secrets/password" && f.FileSD[0].Path == dir+"/targets/*.json",
		"absolute":   f.Redis.PasswordFile == "/run/secrets/redis" && f.PrometheusConfig.Path == "/etc/prometheus/prometheus.yml",
		"tls":        api.TLS.ServerName == "api.internal" && api.FollowRedirects,
		"header":     api.Headers["X-Scope-OrgID"].Reveal() == "7",
		"mapping":    fmt.Sprint(*api.Mapping) == "{calls_total latency_ms [op] result verb milliseconds}",
		"limits":     api.Limits == Limits{BodyBytes: 16 << 20, Series: 1000},
		"dns":        f.DNS[0].URL.Reveal() == "http://api.internal:8000/metrics",
		"jobs":       fmt.Sprint(f.PrometheusConfig.Jobs) == "[api]",
		"prometheus": f.Prometheus.URL.Reveal() == "http://prometheus:9090" && f.Prometheus.Match == `job="api"`,
		"redis":      f.Redis.URL.Reveal() == "redis://localhost",
		"postgres":   f.Postgres.Reveal() == "postgres://apitop@localhost/app",
		"sources":    f.HasSources(),
		"where":      f.Where("metrics[1].mapping.unit") == path+":14:99: metrics[1].mapping.unit",
		"where else": f.Where("metrics[1].tls_config.ca_file") == path+":11:3: metrics[1].tls_config.ca_file",
	} {
		if !ok {
			t.Errorf("%s: %+v, %s", what, f, f.Where("metrics[1].mapping.unit"))
		}
	}
	page, at, ok := f.Page("https://api.example/metrics", func(s string) string { return s + "/metrics" })
	if !ok || page.Name != "api" || at != "metrics[1]" {
		t.Errorf("page %v at %s, %v", page, at, ok)
	}
}

func TestEmptyFiles(t *testing.T) {
	for name, text := range map[string]string{"nothing": "", "comment": "# nothing\n", "marker": "---\n", "null": "metrics:\nredis:\n", "braces": "{}"} {
		f, err := Load(write(t, text, 0o644))
		if err != nil || f.HasSources() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestShared: settings that several pages have in common are written once.
func TestShared(t *testing.T) {
	f, err := Load(write(t, `
metrics:
- &first
  url: http://a:1
  basic_auth: &login {username: bob, password_file: /x}
  limits: {series: 5}
- <<: *first
  url: http://b:1
- url: http://c:1
  basic_auth: *login
`, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"http://a:1 5", "http://b:1 5", "http://c:1 0"} {
		m := f.Metrics[i]
		if got := fmt.Sprint(m.URL.Reveal(), " ", m.Limits.Series); got != want || m.BasicAuth.Username != "bob" {
			t.Errorf("page %d: %s, %+v; want %s", i, got, m.BasicAuth, want)
		}
	}
}

// faulty are files with a fault, where it is (line:column) and what is said.
var faulty = map[string]struct{ text, at, want string }{
	"unknown key":         {"intervall: 1s", "1:1", "unknown key intervall: did you mean interval? (allowed: dns, file_sd_files, interval, "},
	"unknown inside":      {"metrics:\n- url: x\n  basic_auth:\n    username: a\n    pasword: S3cr3tPW\n", "5:5", "metrics[0].basic_auth: unknown key pasword: did you mean password? (allowed: password, password_file, username, username_file)"},
	"far from all":        {"xyzzy: 1", "1:1", "unknown key xyzzy (allowed:"},
	"secret as key":       {"redis: {redis://:S3cr3tPW@h: }", "1:9", "redis: unknown key (allowed: duty, hotkeys, monitor, password_file, tls_config, tracking, url)"},
	"secret in its place": {"metrics:\n- url: x\n  basic_auth: {username: a, password: , S3cr3tPW}", "3:41", "unknown key (allowed"},
	"given twice":         {"interval: 1s\ninterval: 2s", "2:1", "interval: it is given twice"},
	"not a duration":      {"interval: S3cr3tPW", "1:11", "interval: want a duration such as 1s"},
	"number as duration":  {"interval: 5", "1:11", "want a duration"},
	"not a number":        {"pid: S3cr3tPW", "1:6", "pid: want a whole number"},
	"negative":            {"pid: -1", "1:1", "pid: a process id is positive"},
	"not a bool":          {"no_host: yes please S3cr3tPW", "1:10", "no_host: want true or false"},
	"text for a mapping":  {"metrics:\n- url: x\n  tls_config: S3cr3tPW", "3:15", "metrics[0].tls_config: want keys and values"},
	"list for a text":     {"theme: [S3cr3tPW]", "1:8", "theme: want a text"},
	"list for a secret":   {"postgres: [S3cr3tPW]", "1:11", "postgres: want a text"},
	"mapping for a list":  {"metrics: {url: S3cr3tPW}", "1:10", "metrics: want a list"},
	"root is a list":      {"- a", "1:1", "want keys and values"},
	"root is a text":      {"S3cr3tPW", "1:1", "want keys and values"},
	"no url":              {"metrics:\n- name: a", "2:3", "metrics[0]: it has no url"},
	"same address":        {"metrics:\n- http://u:S3cr3tPW@h\n- {name: x, url: 'http://u:S3cr3tPW@h'}", "3:13", "metrics[1].url: another page has this address"},
	"same name":           {"metrics:\n- {url: a, name: x}\n- {url: b, name: x}", "3:12", "metrics[1].name: another page has this name"},
	"size":                {"metrics:\n- {url: a, limits: {body_bytes: S3cr3tPW}}", "2:33", "want a size such as 64MiB"},
	"negative series":     {"metrics:\n- {url: a, limits: {series: -5}}", "2:21", "metrics[0].limits.series: want a positive number"},
	"unit":                {"metrics:\n- url: a\n  mapping: {unit: fortnights}", "3:13", "metrics[0].mapping.unit: want one of seconds, milliseconds"},
	"web setting":         {"metrics:\n- url: a\n  basic_auth: {username: a, password: S3cr3tPW, password_file: x}", "3:49", "metrics[0].basic_auth.password_file: give either it or password"},
	"no such file":        {"metrics:\n- url: a\n  tls_config:\n    ca_file: /no/such/ca.pem", "4:5", "metrics[0].tls_config.ca_file: /no/such/ca.pem: no such file"},
	"proxy":               {"metrics:\n- {url: a, proxy_url: 'http://u:S3cr3tPW@h:port'}", "2:12", "metrics[0].proxy_url: it is no URL"},
	"prometheus":          {"prometheus: {match: a}", "1:1", "prometheus: it has no url"},
	"prometheus unit":     {"prometheus: {url: a, mapping: {unit: x}}", "1:32", "prometheus.mapping.unit: want one of seconds"},
	"prometheus setting":  {"prometheus: {url: a, authorization: {type: x}}", "1:22", "prometheus.authorization: it has no credentials"},
	"redis":               {"redis: {password_file: x}", "1:1", "redis: it has no url"},
	"redis CA":            {"redis: {url: 'rediss://h', tls_config: {ca_file: /no/such/ca.pem}}", "1:41", "redis.tls_config.ca_file: /no/such/ca.pem: no such file"},
	"redis key alone":     {"redis: {url: 'rediss://h', tls_config: {key: S3cr3tPW}}", "1:28", "redis.tls_config: key_file needs cert_file"},
	"no path":             {"file_sd_files: [{mapping: {unit: seconds}}]", "1:17", "file_sd_files[0]: it has no path"},
	"syntax":              {"interval: 1s\n  theme: S3cr3tPW: x\n", "2:3", "this is no YAML"},
	"tab":                 {"metrics:\n\t- S3cr3tPW\n", "2:2", "this is no YAML"},
	"unclosed":            {"interval: [S3cr3tPW", "1:1", "this is no YAML"},
	"unclosed text":       {"a: 1\npostgres: \"S3cr3tPW\n", "2:1", "this is no YAML"},
	"star":                {"postgres: *S3cr3tPW", "1:1", "a value that starts with * refers to another: put quotes around it"},
	"two documents":       {"interval: 1s\n---\ntheme: dark\n", "2:1", "a second document"},
	"not text":            {"\x00\x01S3cr3tPW", "1:1", "this is no YAML"},
	"complex key":         {"? [a, S3cr3tPW]\n: 1", "1:3", "want a word as key"},
	"deep":                {"theme: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "1:8", "want a text"},
	"deep lists":          {"metrics: " + strings.Repeat("[", 50) + "a" + strings.Repeat("]", 50), "1:11", "want keys and values"},
	"bad port":            {"metrics:\n- url: a\n  headers: {accept: S3cr3tPW}", "3:3", "metrics[0].headers: Accept cannot be set"},
}

func TestErrors(t *testing.T) {
	for name, tt := range faulty {
		t.Run(name, func(t *testing.T) {
			path := write(t, tt.text, 0o600)
			_, err := Load(path)
			if err == nil {
				t.Fatal("no error")
			}
			if e, ok := errors.AsType[*Error](err); !ok || !strings.HasPrefix(err.Error(), path+":"+tt.at+": ") ||
				!strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v (%+v)\nwant %s: %s", err, e, tt.at, tt.want)
			}
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, canary) || strings.Contains(err.Error(), "\n") {
				t.Errorf("a secret or a line end is in %q", text)
			}
		})
	}
}

// TestBombs: a few lines that stand for millions cost nothing.
func TestBombs(t *testing.T) {
	var laughs strings.Builder
	laughs.WriteString("x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n")
	for i := 1; i < 20; i++ {
		fmt.Fprintf(&laughs, "x%d: &x%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*x%d, ", i-1), 10), ", "))
	}
	merges := "metrics:\n- &a {url: x}\n" + strings.Repeat("- {<<: [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]}\n", 20_000)
	for name, text := range map[string]string{
		"aliases":     "metrics:\n- url: x\n  mapping: {route: " + "&x [a" + strings.Repeat(", *y", 10) + "]}\n",
		"laughs":      laughs.String(),
		"merges":      merges,
		"itself":      "metrics: &a\n- *a\n",
		"merges self": "metrics:\n- &a\n  <<: *a\n",
		"large":       "# " + strings.Repeat("x", maxFileBytes),
		"many":        "metrics:\n" + strings.Repeat("- x\n", 100_000),
	} {
		began := time.Now()
		if _, err := Load(write(t, text, 0o600)); err == nil {
			t.Errorf("%s is accepted", name)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

func TestSecretsInOpenFiles(t *testing.T) {
	tests := map[string]struct {
		text string
		at   string // line:column of the secret; empty: there is none
	}{
		"none":           {"metrics: [http://a:1]\nredis: redis://h\npostgres: postgres://apitop@h/db", ""},
		"file":           {"metrics: [{url: a, basic_auth: {username: a, password_file: x}}]", ""},
		"tenant":         {"metrics: [{url: a, headers: {X-Scope-OrgID: t}}]", ""},
		"password":       {"theme: dark\nmetrics: [{url: a, basic_auth: {username: a, password: x}}]", "2:46"},
		"token":          {"metrics: [{url: a, authorization: {credentials: x}}]", "1:36"},
		"older":          {"metrics: [{url: a, bearer_token: x}]", "1:20"},
		"header":         {"metrics: [{url: a, headers: {X-Api-Key: x}}]", "1:30"},
		"header values":  {"metrics: [{url: a, http_headers: {Cookie: {values: [x]}}}]", "1:53"},
		"header secrets": {"metrics: [{url: a, http_headers: {A: {secrets: [x]}}}]", "1:49"},
		"key in Redis":   {"limiters: [{name: a, key: '^a:b@(?P<id>.+)$'}]", ""},
		"header files":   {"metrics: [{url: a, http_headers: {Cookie: {files: [x]}}}]", ""},
		"url":            {"metrics: ['http://u:p@h']", "1:11"},
		"redis":          {"redis: redis://:p@h", "1:1"},
		"redis alone":    {"redis: redis://p@h", "1:1"},
		"postgres":       {"postgres: postgres://u:p@h/db", "1:1"},
		"pairs":          {"postgres: host=h PASSWORD = p", "1:1"},
		"query":          {"postgres: postgres://h/db?password=p", "1:1"},
		"proxy":          {"metrics: [{url: a, proxy_url: 'http://u:p@h:1'}]", "1:20"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := write(t, tt.text, 0o640)
			_, err := Load(path)
			if tt.at == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), path+":"+tt.at) || !strings.HasSuffix(err.Error(), "(mode 0640): chmod 600 "+path) {
				t.Errorf("got %v, want %s", err, tt.at)
			}
			if err := os.Chmod(path, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(path); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDefaultPath(t *testing.T) {
	tests := map[string]struct {
		env  map[string]string
		want string
	}{
		"xdg":          {map[string]string{"XDG_CONFIG_HOME": "/x", "HOME": "/h"}, "/x/apitop/config.yaml"},
		"home":         {map[string]string{"HOME": "/h"}, "/h/.config/apitop/config.yaml"},
		"relative xdg": {map[string]string{"XDG_CONFIG_HOME": "x", "HOME": "/h"}, "/h/.config/apitop/config.yaml"},
		"nothing":      {nil, ""},
	}
	for name, tt := range tests {
		if got := DefaultPath(func(k string) string { return tt.env[k] }); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	home := t.TempDir()
	getenv := func(k string) string { return map[string]string{"HOME": home}[k] }
	if f, err := LoadDefault(getenv); err != nil || f.HasSources() {
		t.Errorf("no file: %v", err)
	}
	if _, err := Load(home + "/none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a named file that is not there: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("metrics:\n- url: a\n  basic_auth: {username: a}\n")
	f.Add("a: &a [*a]\n<<: *a")
	f.Fuzz(func(t *testing.T, text string) {
		if file, err := Load(write(t, text, 0o600)); err == nil {
			_ = file.Where("metrics[0].url")
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("more than a line: %q", err)
		}
	})
}
