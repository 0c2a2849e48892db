// Package build tells which build of the programs this is.
package build

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// release and commit are set by the linker (-X apitop/cmd/internal/build.commit=…)
// in builds that carry no version control information.
var release, commit string

// Version is "PROGRAM VERSION (COMMIT) goX.Y".
func Version(program string) string {
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
	return fmt.Sprintf("%s %s (%s) %s", program, strings.TrimPrefix(v, "v"), c[:min(len(c), 14)], runtime.Version())
}
