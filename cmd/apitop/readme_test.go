package main

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"apitop/cmd/internal/config"
	"apitop/collectors/ratelimit"
	"apitop/collectors/redisconn"
)

// TestReadme holds the README to what the program has: every flag, the rights
// that a Redis user needs, and the limiters that are known.
func TestReadme(t *testing.T) {
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(raw)
	if line := "ACL SETUSER apitop on >PASSWORD " + redisconn.ACLRules; !strings.Contains(readme, line) {
		t.Errorf("the README lacks %q", line)
	}
	for _, o := range redisconn.ACLOptIns() {
		if rules := "`" + strings.ReplaceAll(o.Rules, "|", `\|`) + "`"; !strings.Contains(readme, rules) || !strings.Contains(readme, o.For) {
			t.Errorf("the README lacks %s for %s", rules, o.For)
		}
	}
	for _, l := range ratelimit.Layouts() {
		if !strings.Contains(readme, "`"+l.Name+"`") {
			t.Errorf("the README lacks the limiter %s", l.Name)
		}
	}
	root := newRoot(process{getenv: os.Getenv})
	for _, name := range []string{"", "once", "doctor", "demo"} {
		cmd, _, err := root.Find(strings.Fields(name))
		if err != nil {
			t.Fatal(err)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "version" && !strings.Contains(readme, "--"+f.Name) {
				t.Errorf("the README lacks --%s of apitop %s", f.Name, name)
			}
		})
	}
	for _, cmd := range root.Commands() {
		if !strings.Contains(readme, "`apitop "+cmd.Name()) {
			t.Errorf("the README lacks apitop %s", cmd.Name())
		}
	}
}

// TestCommandLines: the command lines in the README and in the help are such that
// the program takes them.
func TestCommandLines(t *testing.T) {
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := shellLines(string(raw), "bin/apitop ")
	root := newRoot(process{getenv: os.Getenv})
	for _, cmd := range append(root.Commands(), root) {
		lines = append(lines, shellLines("```sh\n"+cmd.Example+"\n```", "apitop ")...)
	}
	if len(lines) < 15 {
		t.Fatalf("only %d command lines were found: %q", len(lines), lines)
	}
	for _, line := range lines {
		cmd, rest, err := newRoot(process{getenv: os.Getenv}).Find(words(line))
		if err != nil {
			t.Errorf("apitop %s: %v", line, err)
			continue
		}
		if err := cmd.ParseFlags(rest); err != nil {
			t.Errorf("apitop %s: %v", line, err)
			continue
		}
		if cmd.Args != nil {
			if err := cmd.Args(cmd, cmd.Flags().Args()); err != nil {
				t.Errorf("apitop %s: %v", line, err)
			}
		}
	}
}

// shellLines are the lines of text's shell blocks that begin so, without that and
// without comments.
func shellLines(text, begin string) []string {
	var lines []string
	for i, block := range strings.Split(text, "```") {
		shell, ok := strings.CutPrefix(block, "sh\n")
		if i%2 == 0 || !ok {
			continue
		}
		for line := range strings.Lines(shell) {
			if line, ok := strings.CutPrefix(strings.TrimSpace(line), begin); ok {
				line, _, _ = strings.Cut(line, " #")
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// words parts a command line as a shell does, as far as single quotes go.
func words(line string) []string {
	var list []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			list = append(list, part)
		} else {
			list = append(list, strings.Fields(part)...)
		}
	}
	return list
}

// TestReadmeConfig: the files that the README shows are read as it says.
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
	for i, part := range strings.Split(string(raw), "```yaml\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		if _, err := config.Load(configFile(t, block)); err != nil {
			t.Errorf("block %d: %v", i, err)
		}
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
