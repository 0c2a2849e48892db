package targets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apitop/collectors/web"
)

func TestFiles(t *testing.T) {
	tests := map[string]struct {
		name, content string
		targets       []string
		notes         []string
	}{
		"YAML": {
			"t.yml", "- targets: [a:1, b:2]\n  labels: {env: prod, port: 8080}\n- targets: [c:3]\n",
			[]string{"a:1 http://a:1/metrics", "b:2 http://b:2/metrics", "c:3 http://c:3/metrics"}, nil,
		},
		"JSON with tabs": {
			"t.json", "[\n\t{\"targets\": [\"a:1\"],\n\t\"labels\": {\"__scheme__\": \"https\", \"__metrics_path__\": \"/m\", \"__param_x\": \"y\", \"unknown\": \"z\"}}\n]\n",
			[]string{"a:1/m https://a:1/m?x=y"}, nil,
		},
		"the labels of a group decide": {
			"t.yaml", "- targets: [a:1]\n  labels: {instance: one, job: j}\n",
			[]string{"one http://a:1/metrics"}, nil,
		},
		"empty list":     {"t.json", "[]", nil, []string{"failed: there are no targets"}},
		"empty file":     {"t.yml", "", nil, []string{"failed: there are no targets"}},
		"no JSON":        {"t.json", "[\n{\"targets\": [\"a:1\",]}\n]", nil, []string{"FILE:2: it does not read as JSON", "failed: FILE:2: it does not read as JSON"}},
		"wrong kind":     {"t.json", "[{\"targets\":\n \"S3cr3t\"}]", nil, []string{"FILE:2: another kind of value is expected here", "failed: FILE:2: another kind of value is expected here"}},
		"after the end":  {"t.json", "[]\n[]", nil, []string{"FILE:1: there is more after the end of the list", "failed: FILE:1: there is more after the end of the list"}},
		"null":           {"t.yml", "- targets: [a:1]\n-\n", nil, []string{"FILE: group 2 is null", "failed: FILE: group 2 is null"}},
		"a map":          {"t.yml", "\ntargets: [a]", nil, []string{"FILE:2: another kind of value is expected here", "failed: FILE:2: another kind of value is expected here"}},
		"escape":         {"t.yml", "- targets: [\"a\\e[2Jb:1\"]", []string{"a^[[2Jb:1 http://a%1B[2Jb:1/metrics"}, nil},
		"a space":        {"t.yml", "- targets: ['a b:1', '']", []string{"a b:1 http://a%20b:1/metrics"}, []string{"job file: 1 target left out: there is no address"}},
		"many addresses": {"t.yml", "- targets: [" + strings.Repeat("a:1,", 3000) + "]", []string{"a:1 http://a:1/metrics"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := write(t, t.TempDir(), tt.name, tt.content)
			w, err := Files(path, web.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			targets, notes := shown(t, w)
			for i := range notes {
				notes[i] = strings.ReplaceAll(notes[i], path, "FILE")
			}
			expect(t, "targets", targets, tt.targets)
			expect(t, "notes", notes, tt.notes)
		})
	}
}

func TestPatterns(t *testing.T) {
	tests := map[string]struct {
		pattern string
		ok      bool
	}{
		"plain":             {"/etc/t.json", true},
		"relative":          {"t.yml", true},
		"star":              {"/etc/t/*.yaml", true},
		"star inside":       {"/etc/t/api-*.yaml", true},
		"class":             {"/etc/t/api-[ab].yaml", true},
		"star in a folder":  {"/etc/*/t.yaml", false},
		"another extension": {"/etc/t.txt", false},
		"no extension":      {"/etc/t/*", false},
		"broken class":      {"/etc/t/[a.yaml", false},
		"folder":            {"/etc/t/", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := Files(tt.pattern, web.Settings{}); (err == nil) != tt.ok {
				t.Errorf("got %v, want ok: %v", err, tt.ok)
			}
		})
	}
}

// TestFilesChange is a folder whose files come, change, break and go.
func TestFilesChange(t *testing.T) {
	dir := t.TempDir()
	w, err := Files(filepath.Join(dir, "*.json"), web.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1000, 0)
	w.clock = func() time.Time { return now }
	step := func(what string, wantTargets, wantNotes []string) {
		t.Helper()
		targets, notes := shown(t, w)
		for i := range notes {
			notes[i] = strings.ReplaceAll(notes[i], dir+"/", "")
		}
		expect(t, what+": targets", targets, wantTargets)
		expect(t, what+": notes", notes, wantNotes)
		now = now.Add(Every)
	}
	a, b := []string{"a:1 http://a:1/metrics"}, []string{"b:1 http://b:1/metrics"}
	step("nothing there", nil, []string{"failed: no file matches *.json"})
	one := write(t, dir, "one.json", `[{"targets": ["a:1"]}]`)
	step("one comes", a, nil)
	write(t, dir, "two.json", `[{"targets": ["b:1"]}]`)
	step("another comes", append(a[:1:1], b...), nil)
	write(t, dir, "one.json", `[{"targets": ["c:1"]}]`)
	stamp(t, one, 1)
	step("it changes", append([]string{"c:1 http://c:1/metrics"}, b...), nil)
	write(t, dir, "one.json", `[{"targets": [`)
	stamp(t, one, 2)
	broken := []string{"one.json:1: it does not read as JSON (its former targets stay)"}
	step("it breaks", append([]string{"c:1 http://c:1/metrics"}, b...), broken)
	step("it is still broken", append([]string{"c:1 http://c:1/metrics"}, b...), broken)
	if err := os.Rename(write(t, dir, "new", `[{"targets": ["d:1"]}]`), one); err != nil {
		t.Fatal(err)
	}
	stamp(t, one, 2)
	d := []string{"d:1 http://d:1/metrics"}
	step("another file takes its place, as old and long as it was", append(d[:1:1], b...), nil)
	if err := os.Remove(one); err != nil {
		t.Fatal(err)
	}
	step("it goes", append(d[:1:1], b...), []string{"one.json is gone: its targets stay for 1m0s"})
	now = now.Add(goneGrace)
	step("it stays away", b, nil)
	if err := os.Remove(filepath.Join(dir, "two.json")); err != nil {
		t.Fatal(err)
	}
	step("the other goes", b, []string{"two.json is gone: its targets stay for 1m0s"})
	write(t, dir, "two.json", `[{"targets": ["b:1"]}]`)
	step("and comes back", b, nil)
}

// TestFileIsBounded: neither a large file nor a device is read.
func TestFileIsBounded(t *testing.T) {
	dir := t.TempDir()
	large := write(t, dir, "large.json", "[")
	if err := os.Truncate(large, maxFileBytes+1); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(dir, "zero.yml")); err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string]string{
		"large.json": "failed: " + large + ": it is larger than 8 MiB",
		"zero.yml":   "failed: " + filepath.Join(dir, "zero.yml") + ": it is not a regular file",
	} {
		w, err := Files(filepath.Join(dir, pattern), web.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		if _, notes := shown(t, w); notes[len(notes)-1] != want {
			t.Errorf("got %q, want %q", notes, want)
		}
	}
}
