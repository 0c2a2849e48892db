package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"apitop/collectors/redislive"
)

// configFile writes a configuration that only we may read.
func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// completed is the Config of a command line of the dashboard.
func completed(t *testing.T, env map[string]string, args ...string) (*Config, error) {
	t.Helper()
	c := &Config{}
	f := pflag.NewFlagSet("apitop", pflag.ContinueOnError)
	c.addSources(f)
	c.addPace(f)
	c.addTheme(f)
	c.addConfig(f)
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	return c, c.complete(f, f.Args(), func(k string) string { return env[k] })
}

// TestPrecedence: flags beat the environment, which beats the file.
func TestPrecedence(t *testing.T) {
	file := configFile(t, `
interval: 2s
theme: dark
no_host: true
pid: 7
metrics: ["http://file:1/metrics", "file:2"]
redis: {url: "redis://file", password_file: /file/password}
postgres: postgres://file/db
`)
	env := map[string]string{"APITOP_METRICS": "env:1", "REDIS_URL": "redis://env", "DATABASE_URL": "postgres://env/db"}
	type want struct {
		metrics, redis, password, postgres string
		interval                           time.Duration
		theme                              string
		pid                                int
	}
	fromFile := want{"[http://file:1/metrics http://file:2/metrics]", "redis://file", "/file/password", "postgres://file/db", 2 * time.Second, "dark", 7}
	tests := map[string]struct {
		env  map[string]string
		args []string
		want want
	}{
		"file alone":     {nil, nil, fromFile},
		"env for all":    {env, nil, want{"[http://env:1/metrics]", "redis://env", "", "postgres://env/db", 2 * time.Second, "dark", 7}},
		"env for one":    {map[string]string{"REDIS_URL": "redis://env"}, nil, want{fromFile.metrics, "redis://env", "", fromFile.postgres, 2 * time.Second, "dark", 7}},
		"PGHOST":         {map[string]string{"PGHOST": "env"}, nil, want{fromFile.metrics, fromFile.redis, fromFile.password, "host=env", 2 * time.Second, "dark", 7}},
		"flag":           {env, []string{"--redis", "redis://flag"}, want{"[]", "redis://flag", "", "", 2 * time.Second, "dark", 7}},
		"argument":       {env, []string{"flag:1", "--metrics", "flag:2"}, want{"[http://flag:1/metrics http://flag:2/metrics]", "", "", "", 2 * time.Second, "dark", 7}},
		"other flags":    {nil, []string{"--interval", "3s", "--theme", "light", "--pid", "9"}, want{fromFile.metrics, fromFile.redis, fromFile.password, fromFile.postgres, 3 * time.Second, "light", 9}},
		"flags as usual": {nil, []string{"--interval", "1s", "--theme", "default", "--pid", "0"}, want{fromFile.metrics, fromFile.redis, fromFile.password, fromFile.postgres, time.Second, "default", 0}},
		"password flag":  {nil, []string{"--redis-password-file", "/flag"}, want{fromFile.metrics, fromFile.redis, "/flag", fromFile.postgres, 2 * time.Second, "dark", 7}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := completed(t, tt.env, append([]string{"--config", file}, tt.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			got := want{fmt.Sprint(c.Metrics), c.Redis, c.RedisPassword, c.Postgres, c.Interval, c.Theme, c.PID}
			if got != tt.want || !c.NoHost {
				t.Errorf("got  %+v, no host %v\nwant %+v", got, c.NoHost, tt.want)
			}
		})
	}
	if c, err := completed(t, nil, "--config", file, "--no-host=false"); err != nil || c.NoHost {
		t.Errorf("--no-host=false: %v", err)
	}
}

// TestDefaultConfig finds the file in the usual place.
func TestDefaultConfig(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "apitop"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "apitop", "config.yaml")
	if err := os.WriteFile(path, []byte("interval: 5s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := completed(t, map[string]string{"XDG_CONFIG_HOME": dir})
	if err != nil || c.Interval != 5*time.Second {
		t.Errorf("%v, interval %v", err, c.Interval)
	}
	if err := os.WriteFile(path, []byte("interval: 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errs, code := executeIn(t, map[string]string{"XDG_CONFIG_HOME": dir}, "once", "localhost:1")
	if code != exitUsage || !strings.Contains(errs, path+":1:11: interval: want a duration") {
		t.Errorf("exit %d, %s", code, errs)
	}
}

// TestConfigErrors: exit 2, one line with file, line, column and key, and never
// a secret. All of them are found before anything is connected to.
func TestConfigErrors(t *testing.T) {
	const secret = "S3cr3tPW"
	tests := map[string]struct{ text, at, want string }{
		"unknown key":   {"metrics:\n- url: http://u:S3cr3tPW@h\n  basic_aut: {username: S3cr3tPW}", "3:3", "did you mean basic_auth?"},
		"metrics URL":   {"metrics:\n- name: a\n  url: http://u:S3cr3tPW@h:port", "3:3: metrics[0].url", "the metrics address cannot be used"},
		"bare URL":      {"metrics:\n- ftp://u:S3cr3tPW@h", "2:3: metrics[0].url", "neither http nor https"},
		"redis URL":     {"redis: redis://:S3cr3tPW@host:port", "1:1: redis", "redis address: bad port"},
		"redis in keys": {"redis:\n  url: http://:S3cr3tPW@h", "2:3: redis.url", "redis address: want redis://"},
		"postgres DSN":  {"theme: dark\npostgres: postgres://u:S3cr3tPW@host:port/db", "2:1: postgres", ""},
		"file":          {"theme: dark\nfile_sd_files: [targets.txt]", "2:17: file_sd_files[0].path", "must end in .json"},
		"name":          {"dns:\n- url: ftp://u:S3cr3tPW@h", "2:3: dns[0].url", "neither http nor https"},
		"name as page":  {"metrics:\n- dns+ftp://u:S3cr3tPW@h", "2:3: metrics[0].url", "neither http nor https"},
		"prometheus":    {"prometheus_config: {path: /no/such/prometheus.yml}", "1:21: prometheus_config.path", "no such file"},
		"server":        {"prometheus: {url: 'http://u:S3cr3tPW@h:port', match: 'job=\"a\"'}", "1:14: prometheus.url", "cannot be used"},
		"two ways":      {"metrics: [a]\nprometheus: {url: a, match: 'job=\"a\"'}", "2:14: prometheus.url", "not both"},
		"interval":      {"interval: 1ms", "1:1: interval", "use 100ms to 1m"},
		"theme":         {"theme: S3cr3tPW", "1:1: theme", "want one of default, dark"},
		"pid":           {"pid: -4", "1:1: pid", "a process id is positive"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := configFile(t, tt.text)
			out, errs, code := execute(t, "once", "--no-host", "--config", path)
			if code != exitUsage || !strings.HasPrefix(errs, "apitop: "+path+":"+tt.at) || !strings.Contains(errs, tt.want) {
				t.Errorf("exit %d, %q; want exit 2, %s and %q", code, errs, tt.at, tt.want)
			}
			if strings.Count(errs, "\n") != 1 || len(out) > 0 || strings.Contains(errs, secret) {
				t.Errorf("want one line without secrets, got %q and %q", errs, out)
			}
		})
	}
	if _, errs, code := execute(t, "once", "--config", "/no/such/config.yaml"); code != exitUsage || !strings.Contains(errs, "/no/such/config.yaml: no such file") {
		t.Errorf("exit %d, %s", code, errs)
	}
}

// TestSettingsOfAPage: the file's settings for a URL count wherever the URL comes
// from.
func TestSettingsOfAPage(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer S3cr3tPW" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte("# TYPE http_requests_total counter\nhttp_requests_total{route=\"/a\",status=\"200\"} 1\n"))
	}))
	defer s.Close()
	host := strings.TrimPrefix(s.URL, "http://")
	path := configFile(t, "metrics:\n- url: "+s.URL+"/metrics\n  name: shop\n  authorization: {credentials: S3cr3tPW}\n")
	for name, args := range map[string][]string{"from the file": nil, "from the command line": {host}} {
		out, errs, code := execute(t, append([]string{"once", "--no-host", "--for", "300ms", "--interval", "100ms", "--config", path}, args...)...)
		if code != exitOK || !strings.Contains(string(out), "metrics shop") || strings.Contains(string(out)+errs, "S3cr3tPW") {
			t.Errorf("%s: exit %d, %s\n%s", name, code, errs, out)
		}
	}
	if out, _, code := execute(t, "once", "--no-host", "--for", "300ms", "--interval", "100ms", host); code != exitUnmeasured || !strings.Contains(string(out), "401") {
		t.Errorf("without the file: exit %d, %s", code, out)
	}
}

// TestPinnedMapping: what nobody could guess is read as the file says.
func TestPinnedMapping(t *testing.T) {
	var calls atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := 10 * calls.Add(1)
		fmt.Fprintf(w, "# TYPE zork counter\nzork{a=\"/x\",b=\"200\"} %d\nzork{a=\"/x\",b=\"500\"} %d\n# TYPE decoy_requests_total counter\ndecoy_requests_total{route=\"/y\",status=\"200\"} %d\n", n, n, n)
	}))
	defer s.Close()
	path := configFile(t, "metrics:\n- url: "+s.URL+"/metrics\n  mapping: {requests: zork, route: a, status: b}\n")
	out, errs, code := execute(t, "once", "--no-host", "--for", "300ms", "--interval", "100ms", "--format", "json", "--by-instance", "--config", path)
	var doc struct {
		HTTP struct {
			ErrorRatio *float64 `json:"error_ratio"`
			Routes     []struct{ Route string }
			Instances  []struct {
				Name   string
				Routes []struct{ Route string }
			}
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil || code != exitOK {
		t.Fatalf("exit %d, %v, %s", code, err, errs)
	}
	h := doc.HTTP
	if len(h.Routes) != 1 || h.Routes[0].Route != "/x" || h.ErrorRatio == nil || *h.ErrorRatio != 0.5 {
		t.Errorf("got %s", out)
	}
	if len(h.Instances) != 1 || "http://"+h.Instances[0].Name != s.URL || len(h.Instances[0].Routes) != 1 {
		t.Errorf("instances %+v", h.Instances)
	}
}

// TestInstancesInTable lists several instances without being asked.
func TestInstancesInTable(t *testing.T) {
	one, two := page(t), page(t)
	out, errs, code := execute(t, "once", one, two, "--no-host", "--for", "300ms", "--interval", "100ms")
	for _, want := range []string{"INSTANCE", one[len("http://"):len(one)-len("/metrics")] + "  up", two[len("http://"):len(two)-len("/metrics")] + "  up"} {
		if code != exitOK || !strings.Contains(string(out), want) {
			t.Errorf("exit %d, %s; %q is missing in\n%s", code, errs, want, out)
		}
	}
}

// TestSavedPagesByMapping: saved pages are read as the file says of its only page.
func TestSavedPagesByMapping(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.prom")
	if err := os.WriteFile(page, []byte("# TYPE zork counter\nzork{a=\"/x\",b=\"500\"} 4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	one := configFile(t, "metrics:\n- url: http://zork/metrics\n  mapping: {requests: zork, route: a, status: b}\n")
	out, errs, code := execute(t, "once", "--config", one, page)
	if code != exitOK || !strings.Contains(string(out), "/x") || !strings.Contains(string(out), "100%") {
		t.Errorf("exit %d, %s\n%s", code, errs, out)
	}
	two := configFile(t, "metrics: [a, b]")
	if _, errs, code := execute(t, "once", "--config", two, page); code != exitUsage || !strings.Contains(errs, two+":1:1: metrics: saved pages") {
		t.Errorf("exit %d, %s", code, errs)
	}
	if _, errs, code := execute(t, "once", "--config", configFile(t, "theme: dark"), page); code != exitOK {
		t.Errorf("a file without pages: exit %d, %s", code, errs)
	}
}

// TestAllowLive: the file allows something for its own server only.
func TestAllowLive(t *testing.T) {
	file := configFile(t, `redis: {url: "redis://file", monitor: true, tracking: true}`)
	all := redislive.Options{Monitor: true, Hotkeys: true, Tracking: true}
	for name, tt := range map[string]struct {
		args []string
		want redislive.Options
	}{
		"file":          {nil, redislive.Options{Monitor: true, Tracking: true}},
		"another":       {[]string{"--redis", "redis://flag"}, redislive.Options{}},
		"the same":      {[]string{"--redis", "redis://file"}, redislive.Options{Monitor: true, Tracking: true}},
		"flag":          {[]string{"--redis", "redis://flag", "--allow-monitor", "--allow-hotkeys", "--allow-tracking"}, all},
		"flag says no":  {[]string{"--allow-monitor=false"}, redislive.Options{Tracking: true}},
		"flag and file": {[]string{"--allow-hotkeys"}, all},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := completed(t, nil, append([]string{"--config", file}, tt.args...)...)
			if err != nil || c.Live != tt.want {
				t.Errorf("got %+v, %v; want %+v", c.Live, err, tt.want)
			}
		})
	}
}
