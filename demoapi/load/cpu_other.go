//go:build !unix

package load

import "time"

// cpuTime is unknown here.
func cpuTime() (time.Duration, bool) { return 0, false }
