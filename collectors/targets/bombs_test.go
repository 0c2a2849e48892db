package targets

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"apitop/collectors/web"
)

// TestBombs: what a few lines of YAML can stand for is bounded, in time too.
func TestBombs(t *testing.T) {
	var laughs strings.Builder
	laughs.WriteString("x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n")
	for i := 1; i < 20; i++ {
		fmt.Fprintf(&laughs, "x%d: &x%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*x%d, ", i-1), 10), ", "))
	}
	const job = "- job_name: a\n  static_configs: [{targets: [a]}]\n  "
	for name, text := range map[string]string{
		"laughs":        laughs.String() + "scrape_configs:\n" + job + "params: {a: *x19}\n",
		"laughs, small": laughs.String() + "scrape_configs:\n" + job + "params: {a: *x4}\n",
		"merges":        "x: &x {a: b}\nscrape_configs:\n" + strings.Repeat("- {<<: [*x, *x, *x, *x, *x, *x, *x, *x, *x, *x], job_name: a}\n", 20_000),
		"itself":        "scrape_configs: &a\n- *a\n",
		"merges itself": "scrape_configs:\n- &a\n  <<: *a\n  job_name: a\n",
		"deep":          "scrape_configs: " + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000),
		"many jobs":     "scrape_configs:\n" + strings.Repeat("- job_name: a\n", 100_000),
		"one regex":     "scrape_configs:\n" + job + "relabel_configs: [{regex: '((a{1,100}){1,100}){1,100}', action: labeldrop}]\n",
	} {
		began := time.Now()
		if w, err := Prometheus(write(t, t.TempDir(), "p.yml", text)); err == nil {
			_, _ = w.Collect(t.Context())
		}
		_, _ = shownFiles(t, text)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s took %v", name, took)
		} else {
			t.Log(name, took)
		}
	}
}

// shownFiles reads text as a file of targets.
func shownFiles(t *testing.T, text string) (targets, notes []string) {
	t.Helper()
	w, err := Files(write(t, t.TempDir(), "t.yml", text), web.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return shown(t, w)
}
