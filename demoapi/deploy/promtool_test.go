package deploy_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// promtool runs the program and returns what it says.
func promtool(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(program(t, "promtool", "prometheus"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// newer are the settings of prometheus.yml that older versions do not know, and
// the first version that does. The file says so in a comment.
var newer = map[string]string{
	"scrape_native_histograms":         "3.8",
	"always_scrape_classic_histograms": "3.0",
}

// prometheusConfig returns prometheus.yml as the installed promtool can read it:
// without the settings that are newer than it.
func prometheusConfig(t *testing.T) []byte {
	t.Helper()
	m := regexp.MustCompile(`version (\d+)\.(\d+)`).FindStringSubmatch(promtool(t, "--version"))
	if m == nil {
		t.Fatal("promtool does not tell its version")
	}
	config := read(t, "prometheus/prometheus.yml")
	for setting, since := range newer {
		line := regexp.MustCompile(`(?m)^ +` + setting + `: true\n`)
		if len(line.FindAll(config, -1)) != 1 {
			t.Errorf("%s is not set once", setting)
		}
		major, minor, _ := strings.Cut(since, ".")
		if number(t, m[1])*1000+number(t, m[2]) < number(t, major)*1000+number(t, minor) {
			config = line.ReplaceAll(config, nil)
		}
	}
	return config
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestConfig checks the configuration with all its rule files where it is
// mounted, as Prometheus will find it.
func TestConfig(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(path, prometheusConfig(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "rules"), os.DirFS("prometheus/rules")); err != nil {
		t.Fatal(err)
	}
	out := promtool(t, "check", "config", path)
	if want := fmt.Sprintf("%d rule files found", len(files(t, "prometheus/rules/*.yml"))); !strings.Contains(out, want) {
		t.Errorf("want %s:\n%s", want, out)
	}
}

// TestRules runs the scripted traffic of rules_test over the rules.
func TestRules(t *testing.T) {
	promtool(t, append([]string{"check", "rules"}, files(t, "prometheus/rules/*.yml")...)...)
	promtool(t, append([]string{"test", "rules"}, files(t, "prometheus/rules_test/*.yml")...)...)
}

// TestRulesCanFail is the control of TestRules: without its guards the alert on
// burn rates pages for a single error, and the scripted traffic says so.
func TestRulesCanFail(t *testing.T) {
	tool := program(t, "promtool", "prometheus")
	dir := t.TempDir()
	for _, sub := range []string{"rules", "rules_test"} {
		if err := os.CopyFS(filepath.Join(dir, sub), os.DirFS("prometheus/"+sub)); err != nil {
			t.Fatal(err)
		}
	}
	guard := regexp.MustCompile(`(?m)^ +and job:slo_\w+:rate\w+ \* \d+ >= \d+\n`)
	rules := read(t, "prometheus/rules/slo_alerts.yml")
	if n := len(guard.FindAll(rules, -1)); n < 16 {
		t.Fatalf("%d guards found", n)
	}
	if err := os.WriteFile(dir+"/rules/slo_alerts.yml", guard.ReplaceAll(rules, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "test", "rules", dir+"/rules_test/slo_test.yml").CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("FAILED")) {
		t.Errorf("passes without the guards: %v\n%s", err, out)
	}
}

// rule is one recording or alerting rule.
type rule struct {
	Record, Alert, Expr string
	For                 string
	KeepFiringFor       string `yaml:"keep_firing_for"`
	Labels, Annotations map[string]string
}

// rules returns all rules of a file, or of all files: "*".
func rules(t *testing.T, name string) []rule {
	t.Helper()
	var all []rule
	for _, path := range files(t, "prometheus/rules/"+name+".yml") {
		var f struct {
			Groups []struct {
				Name, Interval string
				Rules          []rule
			}
		}
		readYAML(t, path, &f)
		for _, g := range f.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

// TestWindows compares the windows of the objectives with each other: they are
// the same expressions but for the window.
func TestWindows(t *testing.T) {
	windows := []string{"5m", "30m", "1h", "2h", "6h", "1d", "3d"}
	byWindow := map[string][]string{}
	for _, r := range rules(t, "slo") {
		for _, w := range windows {
			if strings.HasSuffix(r.Record, "rate"+w) {
				general := strings.NewReplacer("rate"+w, "rateW", "["+w+"]", "[W]").Replace(r.Record + " = " + r.Expr)
				byWindow[w] = append(byWindow[w], general)
			}
		}
	}
	for _, w := range windows {
		if len(byWindow[w]) != 6 || !slices.Equal(byWindow[w], byWindow["5m"]) {
			t.Errorf("%s: %s\nwant %s", w, strings.Join(byWindow[w], "\n"), strings.Join(byWindow["5m"], "\n"))
		}
	}
}

// TestBurnRates holds the alerts to the table of burn rates: the windows, the
// factors, and guards that follow from them.
func TestBurnRates(t *testing.T) {
	pairs := []struct {
		burn        float64
		long, short string
		severity    string
	}{
		{14.4, "1h", "5m", "page"}, {6, "6h", "30m", "page"}, {3, "1d", "2h", "ticket"}, {1, "3d", "6h", "ticket"},
	}
	seconds := map[string]int{"5m": 300, "30m": 1800, "1h": 3600, "2h": 7200, "6h": 21600, "1d": 86400, "3d": 259200}
	budgets := map[string]float64{"availability": 0.001, "latency": 0.01}
	want := map[string]bool{}
	for slo, budget := range budgets {
		for _, p := range pairs {
			need := math.Max(100, math.Ceil(5/(p.burn*budget)-1e-9))
			want[fmt.Sprintf("%[1]s: job:slo_%[2]s_errors:ratio_rate%[3]s > %[4]v * %[5]v"+
				" and job:slo_%[2]s_errors:ratio_rate%[6]s > %[4]v * %[5]v"+
				" and job:slo_%[2]s_errors:rate%[6]s * %[7]d >= 5"+
				" and job:slo_%[2]s_requests:rate%[3]s * %[8]d >= %[9]v",
				p.severity, slo, p.long, p.burn, budget, p.short, seconds[p.short], seconds[p.long], need)] = true
		}
	}
	for _, r := range rules(t, "slo_alerts") {
		if r.Labels["long"] == "" {
			continue
		}
		got := r.Labels["severity"] + ": " + r.Expr
		if !want[got] {
			t.Errorf("unexpected %s", got)
		}
		delete(want, got)
	}
	for missing := range want {
		t.Errorf("missing %s", missing)
	}
}

// TestAlerts wants of every alert what whoever is woken needs.
func TestAlerts(t *testing.T) {
	seen := 0
	for _, r := range rules(t, "*") {
		if r.Alert == "" {
			continue
		}
		seen++
		if s := r.Labels["severity"]; s != "page" && s != "ticket" && s != "info" {
			t.Errorf("%s: severity %q", r.Alert, s)
		}
		if r.For == "" {
			t.Errorf("%s fires at the first glance", r.Alert)
		}
		if r.Annotations["summary"] == "" || len(strings.Fields(r.Annotations["runbook"])) < 10 || !strings.HasSuffix(r.Annotations["runbook"], ".") {
			t.Errorf("%s: annotations %v", r.Alert, r.Annotations)
		}
		if !regexp.MustCompile(`\b` + r.Alert + `\b`).MatchString(allText(t, "prometheus/rules_test/*.yml")) {
			t.Errorf("%s is not tested", r.Alert)
		}
	}
	if seen < 20 {
		t.Errorf("only %d alerts", seen)
	}
}

func allText(t *testing.T, pattern string) string {
	t.Helper()
	var all strings.Builder
	for _, path := range files(t, pattern) {
		all.Write(read(t, path))
	}
	return all.String()
}

// TestAlertmanager checks that every alert has somewhere to go, and that what is
// inhibited by name exists.
func TestAlertmanager(t *testing.T) {
	type route struct {
		Receiver       string
		GroupBy        []string `yaml:"group_by"`
		GroupWait      string   `yaml:"group_wait"`
		GroupInterval  string   `yaml:"group_interval"`
		RepeatInterval string   `yaml:"repeat_interval"`
		Matchers       []string
	}
	var c struct {
		Route struct {
			route  `yaml:",inline"`
			Routes []route
		}
		Receivers    []struct{ Name string }
		InhibitRules []struct {
			SourceMatchers []string `yaml:"source_matchers"`
			TargetMatchers []string `yaml:"target_matchers"`
			Equal          []string
		} `yaml:"inhibit_rules"`
	}
	readYAML(t, "alertmanager/alertmanager.yml", &c)
	known := map[string]bool{}
	for _, r := range c.Receivers {
		known[r.Name] = true
	}
	for _, r := range append(c.Route.Routes, c.Route.route) {
		if !known[r.Receiver] {
			t.Errorf("no receiver %q", r.Receiver)
		}
	}
	alerts := map[string]bool{}
	for _, r := range rules(t, "*") {
		alerts[r.Alert] = true
	}
	for _, r := range c.InhibitRules {
		for _, m := range append(r.SourceMatchers, r.TargetMatchers...) {
			if names, ok := strings.CutPrefix(m, "alertname"); ok {
				for name := range strings.SplitSeq(strings.Trim(names, `=~"`), "|") {
					if !alerts[name] {
						t.Errorf("inhibits by the alert %q, which is none", name)
					}
				}
			}
		}
	}
}
