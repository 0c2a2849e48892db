package targets

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"apitop/collectors/snapshot"
)

// write makes a file and gives its path.
func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// stamp makes a file look changed, however coarse the clock of the disk is.
func stamp(t *testing.T, path string, n int) {
	t.Helper()
	when := time.Unix(1_700_000_000+int64(n), 0)
	if err := os.Chtimes(path, when, when); err != nil {
		t.Fatal(err)
	}
}

// shown is each target as "name url [dial]", and what is noted.
func shown(t *testing.T, w *Watcher) (targets, notes []string) {
	t.Helper()
	_, err := w.Collect(t.Context())
	list, _ := w.Targets()
	for _, x := range list {
		line := x.Name.String() + " " + x.URL.Reveal()
		if x.Dial != "" {
			line += " " + x.Dial
		}
		targets = append(targets, line)
	}
	for _, n := range w.Notes() {
		notes = append(notes, n.What.String())
	}
	if err != nil {
		notes = append(notes, "failed: "+snapshot.FailureOf(err).What.String())
	}
	return targets, notes
}

func expect(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

// prometheusFiles are files and what is found in them.
var prometheusFiles = map[string]struct {
	config  string
	jobs    []string
	targets []string
	notes   []string
}{
	"defaults": {
		config:  "scrape_configs: [{job_name: api, static_configs: [{targets: ['a:1', 'b:2'], labels: {env: prod}}]}]",
		targets: []string{"a:1 http://a:1/metrics", "b:2 http://b:2/metrics"},
	},
	"scheme, path, params": {
		config:  "scrape_configs: [{job_name: api, scheme: https, metrics_path: /q/metrics, params: {module: [http, x]}, static_configs: [{targets: ['a', '[::1]:9']}]}]",
		targets: []string{"a/q/metrics https://a/q/metrics?module=http&module=x", "[::1]:9/q/metrics https://[::1]:9/q/metrics?module=http&module=x"},
	},
	"labels of a target rule": {
		config:  "scrape_configs: [{job_name: api, static_configs: [{targets: ['a:1'], labels: {__scheme__: https, __metrics_path__: /m, __param_token: 'a b', instance: one}}]}]",
		targets: []string{"one/m https://a:1/m?token=a+b"},
	},
	"chosen jobs, not the others": {
		config: "scrape_configs: [{job_name: api, static_configs: [{targets: ['a:1']}]}, {job_name: node, static_configs: [{targets: ['a:9100']}]}, " +
			"{job_name: web, static_configs: [{targets: ['w:1']}]}]",
		jobs:    []string{"web", "api"},
		targets: []string{"a:1 http://a:1/metrics", "w:1 http://w:1/metrics"},
	},
	"one name twice": {
		config: "scrape_configs: [{job_name: api, static_configs: [{targets: ['a:1', 'a:1', 'b:1']}]}, " +
			"{job_name: web, static_configs: [{targets: ['w:1', 'w:2'], labels: {instance: 'a:1'}}]}]",
		jobs:    []string{"web", "api"},
		targets: []string{"a:1 http://a:1/metrics", "b:1 http://b:1/metrics", "a:1 web 2 http://w:1/metrics", "a:1 web 3 http://w:2/metrics"},
	},
	"rules keep, replace and drop": {
		config: `
scrape_configs:
- job_name: api
  static_configs: [{targets: ['a:1', 'b:1', 'c:1'], labels: {zone: x}}]
  relabel_configs:
  - {source_labels: [__address__], regex: 'c:.*', action: drop}
  - {source_labels: [__address__], regex: '([^:]+):.*', target_label: __address__, replacement: '$1:9102'}
  - {source_labels: [zone, __address__], separator: '/', target_label: instance}`,
		targets: []string{"x/a:9102 http://a:9102/metrics", "x/b:9102 http://b:9102/metrics"},
	},
	"other ways of discovery are said": {
		config: `
scrape_configs:
- job_name: pods
  kubernetes_sd_configs: [{role: pod}]
  static_configs: [{targets: ['a:1']}]`,
		targets: []string{"a:1 http://a:1/metrics"},
		notes:   []string{"job pods (line 4): kubernetes_sd_configs is not supported: targets from there are left out"},
	},
	"unsupported ways to ask leave a job out": {
		config: `
base: &base {oauth2: {client_id: x, client_secret: S3cr3t}}
scrape_configs:
- <<: *base
  job_name: api
  static_configs: [{targets: ['a:1']}]`,
		notes: []string{"job api (line 4): oauth2 is not supported: its targets are left out", "failed: there are no targets"},
	},
	"settings that cannot be used": {
		config: `scrape_configs: [{job_name: api, basic_auth: {password: S3cr3t}, static_configs: [{targets: ['a:1']}]}]`,
		notes:  []string{"job api (line 1): basic_auth: it has no username: its targets are left out", "failed: there are no targets"},
	},
	"targets that cannot be read": {
		config:  "scrape_configs: [{job_name: api, static_configs: [{targets: ['http://a:1/metrics', 'b:1', 'c:1'], labels: {}}], relabel_configs: [{source_labels: [__address__], regex: 'c.*', target_label: __scheme__, replacement: ftp}]}]",
		targets: []string{"b:1 http://b:1/metrics"},
		notes: []string{
			"job api: 1 target left out: the address holds a /: scheme and path are settings of their own",
			"job api: 1 target left out: the scheme is neither http nor https",
		},
	},
	"what does not concern us": {
		config: `
global: {scrape_interval: 7s, external_labels: {a: b}, new_key: 1}
rule_files: [x.yml]
alerting: {alertmanagers: [{static_configs: [{targets: [am]}]}]}
remote_write: [{url: http://x}]
scrape_configs:
- job_name: api
  honor_labels: true
  scrape_timeout: 3s
  sample_limit: 10
  static_configs: [{targets: ['a:1']}]
  metric_relabel_configs: [{regex: x, action: labeldrop}]
  relabel_configs: [{source_labels: [__scrape_interval__, __scrape_timeout__], target_label: instance, separator: '/'}]`,
		targets: []string{"7s/3s http://a:1/metrics"},
	},
}

func TestPrometheusFile(t *testing.T) {
	for name, tt := range prometheusFiles {
		t.Run(name, func(t *testing.T) {
			w, err := Prometheus(write(t, t.TempDir(), "prometheus.yml", tt.config), tt.jobs...)
			if err != nil {
				t.Fatal(err)
			}
			targets, notes := shown(t, w)
			expect(t, "targets", targets, tt.targets)
			expect(t, "notes", notes, tt.notes)
			if all := fmt.Sprintf("%v %+v %#v %v", w, w, w, notes); strings.Contains(all, "S3cr3t") {
				t.Errorf("a secret is shown: %s", all)
			}
		})
	}
}

func TestPrometheusRefuses(t *testing.T) {
	tests := map[string]struct {
		config string
		jobs   []string
		want   string
	}{
		"several jobs":   {"scrape_configs: [{job_name: api}, {job_name: node}]", nil, "FILE: it has 2 jobs, and the targets of one service are to be watched: choose with --job, once or several times: api, node"},
		"no such job":    {"scrape_configs: [{job_name: api}, {job_name: node}]", []string{"web"}, `FILE: it has no job "web": its jobs are api, node`},
		"no jobs":        {"global: {}", nil, "FILE: it has no scrape_configs"},
		"empty":          {"", nil, "FILE: it has no scrape_configs"},
		"doubled":        {"scrape_configs: [{job_name: api}, {job_name: api}]", nil, `FILE: two jobs are named "api"`},
		"no name":        {"scrape_configs:\n- job_name: a\n- scheme: http", nil, "FILE:3: a scrape_config without job_name"},
		"not YAML":       {"a: b\n  password: 'S3cr3t\nc", nil, "FILE:2: mapping values are not allowed in this context"},
		"wrong kind":     {"scrape_configs:\n- job_name: a\n  basic_auth: S3cr3t", nil, "FILE:3: another kind of value is expected here"},
		"unknown anchor": {"scrape_configs:\n- job_name: a\n  bearer_token: *S3cr3t", nil, "FILE: it does not read as YAML"},
		"a key twice":    {"scrape_configs:\n- job_name: a\n  scheme: http\n  scheme: https", nil, "FILE:4: a key is there twice"},
		"bad rule":       {"scrape_configs:\n- job_name: a\n  relabel_configs:\n  - action: dorp", nil, "FILE:4: relabel_configs: the action is none that Prometheus knows"},
		"bad file_sd":    {"scrape_configs:\n- job_name: a\n  file_sd_configs:\n  - files: [targets.txt]", nil, "FILE:3: file_sd_configs: the name must end in .json, .yml or .yaml"},
		"DNS port":       {"scrape_configs:\n- job_name: a\n  dns_sd_configs:\n  - {names: [x], type: A}", nil, "FILE:3: dns_sd_configs: A records need a port from 1 to 65535"},
		"DNS type":       {"scrape_configs:\n- job_name: a\n  dns_sd_configs:\n  - {names: [x], type: TXT}", nil, "FILE:3: dns_sd_configs: the type is none of A, AAAA, SRV, MX, NS"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := write(t, t.TempDir(), "p.yml", tt.config)
			_, err := Prometheus(path, tt.jobs...)
			if want := strings.ReplaceAll(tt.want, "FILE", path); err == nil || err.Error() != want {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
	if _, err := Prometheus("/no/such/file.yml"); err == nil || err.Error() != "/no/such/file.yml: no such file" {
		t.Errorf("got %v", err)
	}
	if _, err := Prometheus(t.TempDir()); err == nil || !strings.HasSuffix(err.Error(), "it is not a regular file") {
		t.Errorf("got %v", err)
	}
}

// TestPrometheusFileChanges: jobs that did not change stay the same, broken
// content changes nothing, and is said with its line.
func TestPrometheusFileChanges(t *testing.T) {
	dir := t.TempDir()
	const api = "scrape_configs:\n- job_name: api\n  static_configs: [{targets: ['a:1']}]\n"
	path := write(t, dir, "prometheus.yml", api)
	w, err := Prometheus(path, "api")
	if err != nil {
		t.Fatal(err)
	}
	step := func(n int, content string, wantTargets, wantNotes []string) (version int) {
		t.Helper()
		write(t, dir, "prometheus.yml", content)
		stamp(t, path, n)
		targets, notes := shown(t, w)
		for i := range notes {
			notes[i] = strings.Replace(notes[i], path, "", 1)
		}
		expect(t, "targets", targets, wantTargets)
		expect(t, "notes", notes, wantNotes)
		_, version = w.Targets()
		return version
	}
	first := []string{"a:1 http://a:1/metrics"}
	one := step(1, api, first, nil)
	if two := step(2, "# "+api[:0]+"comment\n"+api+"- job_name: node\n", first, nil); two != one {
		t.Error("a change elsewhere in the file made new targets")
	}
	if three := step(3, api+"\tx", first, []string{":4: found character that cannot start any token (the last good reading counts)"}); three != one {
		t.Error("a broken file made new targets")
	}
	step(4, strings.ReplaceAll(api, "api", "web"), first, []string{`failed: : it has no job "api"`})
	four := step(5, api+"  scheme: https\n", []string{"a:1 https://a:1/metrics"}, nil)
	if four == one {
		t.Error("a new scheme made no new targets")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	targets, notes := shown(t, w)
	expect(t, "targets", targets, []string{"a:1 https://a:1/metrics"})
	expect(t, "notes", notes, []string{path + ": no such file (the last good reading counts)"})
}

// TestFilesBesideTheConfig: relative paths are those of its folder.
func TestFilesBesideTheConfig(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "one.json", `[{"targets": ["a:1"]}]`)
	write(t, dir, "more.yml", "scrape_configs: [{job_name: more, static_configs: [{targets: ['m:1']}], bearer_token_file: token}]")
	write(t, dir, "broken.yml", "scrape_configs: [")
	path := write(t, dir, "prometheus.yml", "scrape_config_files: [more.yml, broken.yml]\n"+
		"scrape_configs: [{job_name: api, file_sd_configs: [{files: ['*.json']}], authorization: {credentials_file: token}}]")
	w, err := Prometheus(path, "api", "more")
	if err != nil {
		t.Fatal(err)
	}
	targets, notes := shown(t, w)
	expect(t, "targets", targets, []string{"a:1 http://a:1/metrics", "m:1 http://m:1/metrics"})
	if len(notes) != 1 || !strings.HasPrefix(notes[0], filepath.Join(dir, "broken.yml")+":1: ") {
		t.Errorf("notes: %q", notes)
	}
	list, _ := w.Targets()
	if got, want := list[0].Web.Authorization.CredentialsFile, filepath.Join(dir, "token"); got != want {
		t.Errorf("the token is looked for in %s, want %s", got, want)
	}
	if got, want := list[1].Web.BearerTokenFile, filepath.Join(dir, "token"); got != want {
		t.Errorf("the token is looked for in %s, want %s", got, want)
	}
}

// TestTooMany: the list is bounded, and so is the work.
func TestTooMany(t *testing.T) {
	var b strings.Builder
	b.WriteString("scrape_configs: [{job_name: api, static_configs: [{targets: [")
	for i := range maxCandidates + 10 {
		fmt.Fprintf(&b, "'10.0.%d.%d:80',", i/250, i%250)
	}
	b.WriteString("]}]}]")
	w, err := Prometheus(write(t, t.TempDir(), "p.yml", b.String()))
	if err != nil {
		t.Fatal(err)
	}
	targets, notes := shown(t, w)
	if len(targets) != MaxTargets {
		t.Errorf("%d targets", len(targets))
	}
	expect(t, "notes", notes, []string{
		"job api: more than 50000 targets before relabelling: the rest is left out",
		"more than 2000 targets: the rest is left out",
	})
}
