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
