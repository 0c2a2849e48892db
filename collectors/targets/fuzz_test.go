package targets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"apitop/collectors/web"
)

// fuzzed reads a file of any content; whatever it holds, the list is bounded and
// nothing panics.
func fuzzed(t *testing.T, w *Watcher) {
	_, err := w.Collect(t.Context())
	list, _ := w.Targets()
	if len(list) > MaxTargets {
		t.Errorf("%d targets", len(list))
	}
	if err == nil && len(list) == 0 {
		t.Error("neither a target nor an error")
	}
	names := map[string]bool{}
	for _, x := range list {
		if names[x.Name.Raw()] {
			t.Errorf("%q is there twice", x.Name)
		}
		names[x.Name.Raw()] = true
	}
	for _, n := range w.Notes() {
		if strings.ContainsAny(n.What.String(), "\x1b\n") {
			t.Errorf("note %q", n.What)
		}
	}
}

func FuzzTargetFile(f *testing.F) {
	for _, s := range []string{
		"- targets: [a:1, b:2]\n  labels: {env: prod}\n", `[{"targets":["a:1"],"labels":{"__scheme__":"https"}}]`,
		"[{\"targets\": [\"\x1b[2J\"]}]", "a: &a [*a, *a]", "- targets: [[]]", "null", "- {targets: [x], labels: {__param_a: b, instance: ''}}",
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, content []byte, json bool) {
		name := "t.yml"
		if json {
			name = "t.json"
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := Files(path, web.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		fuzzed(t, w)
	})
}

func FuzzPrometheusFile(f *testing.F) {
	for _, s := range []string{
		"scrape_configs: [{job_name: api, static_configs: [{targets: ['a:1', 'b:2'], labels: {env: prod}}]}]",
		"scrape_configs:\n- job_name: api\n  relabel_configs:\n  - {source_labels: [__address__], regex: '(.*):(.*)', target_label: '$1', replacement: '$2'}\n  static_configs: [{targets: ['a:1']}]",
		"scrape_configs: [{job_name: a, basic_auth: {username: u, password: p}, tls_config: {insecure_skip_verify: true}, params: {x: [y]}, static_configs: [{targets: [x]}]}]",
		"x: &x {job_name: a}\nscrape_configs: [*x, {<<: *x, job_name: b}]", "scrape_configs: {a: b}", "scrape_configs: [null, 1, []]",
		"scrape_configs: [{job_name: a, relabel_configs: [{action: labelmap, regex: '(.*)', replacement: 'x$1'}], static_configs: [{targets: [x]}]}]",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if strings.Contains(string(content), "_file") || strings.Contains(string(content), "dns_sd") {
			t.Skip("it would read other files, or ask a resolver")
		}
		path := filepath.Join(t.TempDir(), "prometheus.yml")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if w, err := Prometheus(path, "a"); err == nil {
			fuzzed(t, w)
		}
		if w, err := Prometheus(path); err == nil {
			fuzzed(t, w)
		}
	})
}
