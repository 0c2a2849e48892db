package ratelimit

import "apitop/collectors/safe"

// series is the key without the number, or start, of its window, where its name
// holds one: it is the same from window to window. Zero: the key's name does not
// change.
func (r Ref) series() safe.Text {
	for _, name := range [...]string{"b", "bucket", "start"} {
		i := r.Layout.Key.SubexpIndex(name)
		if i < 0 {
			continue
		}
		if at := r.Layout.Key.FindStringSubmatchIndex(r.Key); at != nil && at[2*i] >= 0 {
			return safe.Short(r.Key[:at[2*i]]+"#"+r.Key[at[2*i+1]:], shownCells)
		}
	}
	return safe.Text{}
}
