package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// release and commit are set by the linker (-X main.release=...) in builds that
// carry no version control information.
var release, commit string

// version is "demoapi VERSION (COMMIT) goX.Y".
func version() string {
	v, c := release, commit
	if info, ok := debug.ReadBuildInfo(); ok {
		v = cmp.Or(v, info.Main.Version)
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				c = cmp.Or(c, s.Value)
			}
		}
	}
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	c = cmp.Or(c, "unknown commit")
	return fmt.Sprintf("demoapi %s (%s) %s", strings.TrimPrefix(v, "v"), c[:min(len(c), 14)], runtime.Version())
}
