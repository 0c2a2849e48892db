package targets

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func contextFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}

// oracleConfigs are files that Prometheus' own tool reads as well.
var oracleConfigs = map[string]string{
	"plain": `
scrape_configs:
- job_name: api
  static_configs: [{targets: ['a:1', '[::1]:2', 'c:3'], labels: {env: prod, __param_x: y}}, {targets: ['d:4']}]`,
	"everything set": `
global: {scrape_interval: 7s, scrape_timeout: 3s}
scrape_configs:
- job_name: api
  scrape_interval: 20s
  scheme: https
  metrics_path: /stats/prometheus
  params: {module: [http_2xx, other], token: ['a b&c']}
  basic_auth: {username: u, password: p}
  static_configs: [{targets: ['a:1', 'b:2'], labels: {instance: mine, job: theirs}}]`,
	"blackbox": `
scrape_configs:
- job_name: api
  metrics_path: /probe
  params: {module: [http_2xx]}
  static_configs: [{targets: ['https://prometheus.io', 'http://example.com:8080']}]
  relabel_configs:
  - {source_labels: [__address__], target_label: __param_target}
  - {source_labels: [__param_target], target_label: instance}
  - {target_label: __address__, replacement: '127.0.0.1:9115'}`,
	"shards, keep and drop": `
scrape_configs:
- job_name: api
  static_configs: [{targets: ['a:1', 'b:1', 'c:1', 'd:1', 'e:1', 'f:1'], labels: {role: Web-Server}}]
  relabel_configs:
  - {source_labels: [__address__], modulus: 3, target_label: __tmp_hash, action: hashmod}
  - {source_labels: [__tmp_hash], regex: '[02]', action: keep}
  - {source_labels: [__address__], regex: 'a:.*', action: drop}
  - {source_labels: [role], target_label: role, action: lowercase}
  - {source_labels: [role, __tmp_hash], separator: '/', regex: '(.+)-(.+)/(\d)', target_label: '$1', replacement: '${2}_$3'}
  - {regex: 'role', action: labeldrop}`,
	"labelmap and deletions": `
scrape_configs:
- job_name: api
  static_configs: [{targets: ['a:1'], labels: {__meta_pod_label_app: shop, __meta_pod_label_tier: "", x: y}}]
  relabel_configs:
  - {regex: '__meta_pod_label_(.+)', action: labelmap}
  - {source_labels: [app, x], target_label: both}
  - {source_labels: [nothing], target_label: x}
  - {source_labels: [__scrape_interval__], target_label: every}
  - {source_labels: [app], regex: 'shop', target_label: __scheme__, replacement: https}
  - {source_labels: [__address__], regex: '(.*):\d+', target_label: __metrics_path__, replacement: '/m/$1'}`,
	"files": `
scrape_configs:
- job_name: api
  file_sd_configs: [{files: ['*.json', 'more.yml']}]
  relabel_configs: [{source_labels: [__meta_filepath], regex: '.*/(.*)', target_label: file}]`,
}

// asPrometheus is what promtool makes of a target.
type asPrometheus struct {
	Labels map[string]string `json:"labels"`
}

// url is where Prometheus would scrape, by scrape/target.go, Target.URL.
func (p asPrometheus) url(params url.Values) string {
	query := url.Values{}
	for name, values := range params {
		query[name] = slices.Clone(values)
	}
	for name, value := range p.Labels {
		if name, ok := strings.CutPrefix(name, paramPrefix); ok && len(query[name]) > 0 {
			query[name][0] = value
		} else if ok {
			query.Set(name, value)
		}
	}
	u := url.URL{Scheme: p.Labels[schemeLabel], Host: p.Labels[addressLabel], Path: p.Labels[pathLabel], RawQuery: query.Encode()}
	return u.String()
}

// TestAgainstPromtool: the same file, the same targets and labels as Debian's
// Prometheus.
func TestAgainstPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("APITOP_REQUIRE_SERVERS") == "1" {
			t.Fatal("no promtool: apt-get install prometheus")
		}
		t.Skip("no promtool: apt-get install prometheus")
	}
	for name, config := range oracleConfigs {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "one.json", `[{"targets": ["j:1", "j:2"], "labels": {"__metrics_path__": "/j"}}]`)
			write(t, dir, "more.yml", "- targets: ['y:1']\n  labels: {env: '1'}")
			path := write(t, dir, "prometheus.yml", config)
			out, err := exec.CommandContext(t.Context(), promtool, "check", "service-discovery", "--timeout=1s", path, "api").Output()
			if err != nil {
				t.Fatalf("promtool: %v\n%s", err, out)
			}
			var theirs []asPrometheus
			if err := json.Unmarshal(out, &theirs); err != nil {
				t.Fatal(err)
			}
			w, err := Prometheus(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Collect(t.Context()); err != nil {
				t.Fatal(err)
			}
			list, _ := w.Targets()
			compare(t, list, theirs)
		})
	}
}

func compare(t *testing.T, ours []Target, theirs []asPrometheus) {
	t.Helper()
	kept := 0
	for _, p := range theirs {
		if len(p.Labels) == 0 {
			continue // dropped
		}
		kept++
		at := slices.IndexFunc(ours, func(o Target) bool {
			return o.URL.Reveal() == p.url(o.job.params) && maps.Equal(o.Labels, visible(p.Labels))
		})
		if at < 0 {
			t.Errorf("Prometheus has %s %v", p.url(nil), visible(p.Labels))
		}
	}
	if kept != len(ours) || kept == 0 {
		t.Errorf("%d targets, Prometheus has %d", len(ours), kept)
		for _, o := range ours {
			t.Logf("ours: %s %v", o.URL.Reveal(), o.Labels)
		}
	}
}
