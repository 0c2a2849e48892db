package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// release and commit are set by the linker (-X main.release=…) in builds that
// carry no version control information.
var release, commit string

// version is "apitop VERSION (COMMIT) goX.Y".
func version() string {
	v, c := release, commit
	if info, ok := debug.ReadBuildInfo(); ok {
		if v == "" {
			v = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && c == "" {
				c = s.Value
			}
		}
	}
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	if c == "" {
		c = "unknown commit"
	}
	return fmt.Sprintf("apitop %s (%s) %s", strings.TrimPrefix(v, "v"), c[:min(len(c), 14)], runtime.Version())
}
