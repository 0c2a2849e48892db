package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "apitop/"

// allowed is the import table of the architecture: the first row whose dir is a
// prefix of the importing folder decides; an import of ours must match one of
// its entries. Data flows source -> snapshot -> analysis -> screen, and so do
// the imports, backwards.
var allowed = []struct {
	dir string
	may []string
}{
	{"collectors/safe/", nil},
	{"collectors/snapshot/", []string{"collectors/safe/"}},
	{"collectors/analysis/", []string{"collectors/snapshot/", "collectors/safe/"}},
	{"collectors/redisconn/", []string{"collectors/snapshot/", "collectors/safe/", "collectors/web/"}},
	{"collectors/redisinfo/", []string{"collectors/snapshot/", "collectors/safe/", "collectors/redisconn/"}},
	{"collectors/redislive/", []string{"collectors/snapshot/", "collectors/safe/", "collectors/redisconn/"}},
	{"collectors/rediskeys/", []string{"collectors/snapshot/", "collectors/safe/", "collectors/redisconn/", "collectors/redislive/", "collectors/redisvalue/", "collectors/ratelimit/"}},
	{"collectors/limitheaders/", []string{"collectors/snapshot/", "collectors/safe/", "collectors/web/"}},
	{"collectors/web/", []string{"collectors/snapshot/", "collectors/safe/"}},
	{"collectors/scrape/", []string{"collectors/snapshot/", "collectors/safe/", "collectors/web/"}},
	{"collectors/promql/", []string{"collectors/snapshot/", "collectors/safe/", "collectors/web/", "collectors/scrape/"}},
	{"collectors/targets/", []string{"collectors/snapshot/", "collectors/safe/", "collectors/web/"}},
	{"collectors/", []string{"collectors/snapshot/", "collectors/safe/"}}, // the other sources, record, the rounds
	{"tui/canvas/", nil},
	{"tui/background/", nil},
	{"tui/format/", []string{"collectors/analysis/"}},
	{"tui/theme/", []string{"tui/canvas/"}},
	{"tui/painter/", []string{"tui/canvas/", "tui/theme/"}},
	{"tui/widget/", []string{"tui/canvas/", "tui/theme/"}},
	{"tui/screen/screentest/", []string{"collectors/", "tui/"}}, // scripted reports for tests
	{"tui/screen/", []string{"collectors/analysis/", "tui/canvas/", "tui/format/", "tui/theme/", "tui/widget/"}},
	{"tui/screens/", []string{"collectors/analysis/", "tui/canvas/", "tui/format/", "tui/screen/", "tui/theme/", "tui/widget/"}},
	{"tui/", []string{"collectors/analysis/", "tui/"}},
	{"demoapi/", []string{"demoapi/"}},
	{"cmd/", []string{""}},
}

// onlyUnder lists outside packages that belong to one part.
var onlyUnder = map[string]string{
	"github.com/prometheus/client_golang": "demoapi/",
	"github.com/alicebob/miniredis":       "demoapi/",
	"github.com/charmbracelet":            "tui/",
}

func TestImports(t *testing.T) {
	files := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		rel, err := filepath.Rel("../..", path)
		if err != nil {
			return err
		}
		checkFile(t, path, filepath.ToSlash(filepath.Dir(rel))+"/")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Fatalf("only %d files seen: the walk starts in the wrong place", files)
	}
}

func checkFile(t *testing.T, path, dir string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, imp := range f.Imports {
		name, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if why := forbidden(dir, name); why != "" {
			t.Errorf("%s imports %s: %s", path, name, why)
		}
	}
}

// forbidden says why a file in dir may not import name; empty when it may.
func forbidden(dir, name string) string {
	for prefix, home := range onlyUnder {
		if strings.HasPrefix(name, prefix) && !strings.HasPrefix(dir, home) {
			return "belongs under " + home
		}
	}
	target, ours := strings.CutPrefix(name, module)
	if !ours {
		return ""
	}
	target += "/"
	if target == dir {
		return ""
	}
	for _, row := range allowed {
		if !strings.HasPrefix(dir, row.dir) {
			continue
		}
		for _, m := range row.may {
			if strings.HasPrefix(target, m) {
				return ""
			}
		}
		return "not in the import table for " + row.dir
	}
	return "no row of the import table covers " + dir
}

// TestImportTable is the negative control: without the trailing slashes one
// screen could import another.
func TestImportTable(t *testing.T) {
	tests := map[string]struct {
		dir, name string
		ok        bool
	}{
		"screen imports widget":         {"tui/screens/overview/", "apitop/tui/widget", true},
		"screen imports screen package": {"tui/screens/overview/", "apitop/tui/screen", true},
		"screen imports other screen":   {"tui/screens/overview/", "apitop/tui/screens/traffic", false},
		"screen imports snapshot":       {"tui/screens/overview/", "apitop/collectors/snapshot", false},
		"analysis imports collector":    {"collectors/analysis/", "apitop/collectors/scrape", false},
		"collector imports collector":   {"collectors/pgstat/", "apitop/collectors/scrape", false},
		"monitor imports demo":          {"collectors/scrape/", "apitop/demoapi/limit", false},
		"demo imports monitor":          {"demoapi/limit/", "apitop/collectors/safe", false},
		"cmd imports all":               {"cmd/apitop/", "apitop/demoapi/stack", true},
		"client_golang in a collector":  {"collectors/scrape/", "github.com/prometheus/client_golang/prometheus", false},
		"charm in headless parts":       {"collectors/analysis/", "github.com/charmbracelet/lipgloss", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if why := forbidden(tt.dir, tt.name); (why == "") != tt.ok {
				t.Errorf("forbidden(%q, %q) = %q, want ok = %v", tt.dir, tt.name, why, tt.ok)
			}
		})
	}
}
