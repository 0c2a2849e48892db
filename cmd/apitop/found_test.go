package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"apitop/collectors"
	"apitop/collectors/snapshot"
)

// pages serves a metrics page that counts how often it was asked for, and only
// who knows the password.
func pages(t *testing.T) (host string, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "S3cr3tPW" || r.URL.Path != "/metrics" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprintf(w, "# TYPE http_requests_total counter\nhttp_requests_total{handler=\"/a\",method=\"GET\",status=\"200\"} %d\n", asked.Add(1)*10)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), asked
}

func file(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOnceFindsTargets: what a prometheus.yml, a file and a name announce is
// read, with the settings that belong to it.
func TestOnceFindsTargets(t *testing.T) {
	one, _ := pages(t)
	two, _ := pages(t)
	port := func(host string) string { _, p, _ := strings.Cut(host, ":"); return p }
	dir := t.TempDir()
	auth := "basic_auth: {username: u, password: S3cr3tPW}"
	prometheus := file(t, filepath.Join(dir, "prometheus.yml"), fmt.Sprintf(
		"scrape_configs:\n- {job_name: api, %s, static_configs: [{targets: [%q]}], file_sd_configs: [{files: [t.json]}]}\n"+
			"- {job_name: node, static_configs: [{targets: ['127.0.0.1:1']}]}\n", auth, one))
	list := file(t, filepath.Join(dir, "t.json"), fmt.Sprintf(`[{"targets": [%q]}]`, two))
	settings := file(t, filepath.Join(dir, "config.yaml"), fmt.Sprintf(
		"file_sd_files: [{path: %q, %s}]\ndns: [{url: 'http://localhost:%s', %s}]\n", list, auth, port(one), auth))
	tests := map[string]struct {
		args []string
		want []string
	}{
		"prometheus.yml": {[]string{"--prometheus-config", prometheus, "--job", "api"}, []string{"metrics " + one, "metrics " + two, "targets config " + prometheus}},
		"file":           {[]string{"--targets-file", list, "--config", settings}, []string{"metrics " + two, "targets file " + list}},
		"DNS":            {[]string{"dns+http://localhost:" + port(one), "--config", settings}, []string{"metrics " + one, "targets dns localhost:" + port(one)}},
		"only the config": {[]string{"--config", settings}, []string{
			"metrics " + one, "metrics " + two, "targets dns localhost:" + port(one), "targets file " + list,
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out, errs, code := execute(t, append([]string{"once", "--no-host", "--format", "json", "--for", "400ms", "--interval", "200ms"}, tt.args...)...)
			var r struct {
				Sources []struct{ Name, State string }
				HTTP    struct{ Requests float64 }
			}
			if err := json.Unmarshal(out, &r); err != nil || code != exitOK {
				t.Fatalf("exit %d, %v, %s\n%s", code, err, errs, out)
			}
			var got []string
			for _, s := range r.Sources {
				got = append(got, s.Name)
			}
			slices.Sort(got)
			slices.Sort(tt.want)
			if !slices.Equal(got, tt.want) {
				t.Errorf("sources %q, want %q", got, tt.want)
			}
			if r.HTTP.Requests == 0 {
				t.Errorf("no requests:\n%s", out)
			}
			if strings.Contains(string(out)+errs, "S3cr3tPW") {
				t.Errorf("a secret is shown:\n%s%s", out, errs)
			}
		})
	}
}

// TestPagesRefuses what cannot be meant.
func TestPagesRefuses(t *testing.T) {
	prometheus := file(t, filepath.Join(t.TempDir(), "prometheus.yml"), "scrape_configs: [{job_name: api}, {job_name: node}]")
	tests := map[string]struct {
		args []string
		want string
	}{
		"several jobs":    {[]string{"--prometheus-config", prometheus}, "choose with --job, once or several times: api, node"},
		"job of nothing":  {[]string{"--job", "api", "localhost:1"}, "--job names a job of --prometheus-config, which is not given"},
		"no file":         {[]string{"--prometheus-config", "/no/such.yml"}, "--prometheus-config: /no/such.yml: no such file"},
		"another file":    {[]string{"--targets-file", "/no/such.txt"}, "--targets-file: /no/such.txt: the name must end in .json, .yml or .yaml"},
		"a broken name":   {[]string{"dns://_a._tcp.test:80"}, "metrics: the DNS address cannot be used: SRV records have their own ports"},
		"a folder of all": {[]string{"--targets-file", "/etc/*/t.yml"}, "only the last element of a path can match several"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, errs, code := execute(t, append([]string{"once", "--no-host", "--for", "200ms"}, tt.args...)...)
			if code != exitUsage || !strings.Contains(errs, tt.want) {
				t.Errorf("exit %d, %s; want %s", code, errs, tt.want)
			}
		})
	}
}

// TestPagesFollows: pages that stay keep their collector, those that are new or
// asked in another way get one, and one that cannot be asked is a source that
// fails.
func TestPagesFollows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.json")
	c := Config{TargetFiles: []string{path}, Interval: time.Second}
	w := &watched{}
	file(t, path, `[{"targets": ["a:1", "b:1"]}]`)
	if err := c.addPages(w); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	step := func(n int, content string) map[string]collectors.Collector {
		t.Helper()
		file(t, path, content)
		when := time.Unix(int64(n), 0)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
		if _, err := w.pages.sources[0].watcher.Collect(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := map[string]collectors.Collector{}
		for _, j := range w.pages.jobs() {
			all[j.Collector.Source().Name.String()] = j.Collector
		}
		return all
	}
	one := step(1, `[{"targets": ["a:1", "b:1"]}]`)
	two := step(2, `[{"targets": ["b:1"]}, {"targets": ["c:1"], "labels": {"instance": "a:1"}}, {"targets": ["d:port"]}]`)
	const a, b, d = "metrics a:1", "metrics b:1", "metrics d:port"
	if len(one) != 2 || len(two) != 3 || one[b] != two[b] || one[a] == two[a] {
		t.Errorf("first %v\nthen %v", one, two)
	}
	_, err := two[d].Collect(t.Context())
	if f := snapshot.FailureOf(err); f == nil || f.Kind != snapshot.Unsupported {
		t.Errorf("a target with a bad port: %v", err)
	}
	if three := step(3, `[{"targets": ["b:1"]}]`); len(three) != 1 || three[b] != one[b] {
		t.Errorf("at last %v", three)
	}
}

// TestDialKeepsTheName: the connection goes to an address, the request to a name.
func TestDialKeepsTheName(t *testing.T) {
	seen := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Host
		fmt.Fprint(w, "# TYPE a counter\na 1\n")
	}))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, errs, code := execute(t, "once", "--no-host", "--for", "200ms", "dns+http://localhost:"+u.Port()); code != exitOK {
		t.Errorf("exit %d, %s", code, errs)
	}
	if got, want := <-seen, "localhost:"+u.Port(); got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
}
