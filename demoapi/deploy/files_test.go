package deploy_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// read returns a file of this folder.
func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// readYAML reads a file of one document, in which every key must be a field of v.
func readYAML(t *testing.T, path string, v any) {
	t.Helper()
	dec := yaml.NewDecoder(bytes.NewReader(read(t, path)))
	dec.KnownFields(true)
	if err := dec.Decode(v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if err := dec.Decode(new(any)); !errors.Is(err, io.EOF) {
		t.Fatalf("%s: a second document", path)
	}
}

// yamlLoose reads the part of a document that v has fields for.
func yamlLoose(data []byte, v any) error { return yaml.Unmarshal(data, v) }

// files lists the files that match, of which there must be some.
func files(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("no files like %s: %v", pattern, err)
	}
	return found
}

// program finds a program that comes with the package from. Without it the test
// is skipped, or fails when APITOP_REQUIRE_SERVERS=1.
func program(t *testing.T, name, from string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("APITOP_REQUIRE_SERVERS") == "1" {
			t.Fatalf("%s not found: install the %s package", name, from)
		}
		t.Skipf("%s not found: install the %s package", name, from)
	}
	return path
}

// TestYAML parses every YAML file for what is wrong with the language itself:
// tabs, duplicate keys, unknown anchors.
func TestYAML(t *testing.T) {
	n := 0
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if ext := filepath.Ext(path); err != nil || d.IsDir() || ext != ".yml" && ext != ".yaml" {
			return err
		}
		n++
		var v map[string]any
		readYAML(t, path, &v)
		if first := read(t, path)[0]; first != '#' {
			t.Errorf("%s does not begin with what it is for", path)
		}
		return nil
	})
	if err != nil || n < 10 {
		t.Errorf("%d files, %v", n, err)
	}
}
