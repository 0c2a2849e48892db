package main

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"apitop/collectors/redisconn"
)

// TestReadme holds the README to what the program has: every flag, and the
// rights that a Redis user needs.
func TestReadme(t *testing.T) {
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(raw)
	if line := "ACL SETUSER apitop on >PASSWORD " + redisconn.ACLRules; !strings.Contains(readme, line) {
		t.Errorf("the README lacks %q", line)
	}
	newRoot(process{getenv: os.Getenv}).Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "version" && !strings.Contains(readme, "`--"+f.Name) {
			t.Errorf("the README lacks --%s", f.Name)
		}
	})
}

// TestReadmeConfig: the file that the README shows is read as it says.
func TestReadmeConfig(t *testing.T) {
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "### Configuration")
	_, rest, _ = strings.Cut(rest, "```yaml\n")
	text, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("the README shows no configuration")
	}
	path := configFile(t, text)
	if err := os.Chmod(path, 0o644); err != nil { // it holds no secret
		t.Fatal(err)
	}
	c, err := completed(t, nil, "--config", path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.open()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if len(c.Metrics) != 2 || c.Redis == "" || c.Postgres == "" || len(w.jobs) < 6 {
		t.Errorf("sources %v, %q, %q, %d jobs", c.Metrics, c.Redis, c.Postgres, len(w.jobs))
	}
}
