package main

import "testing"

func TestPercentFor(t *testing.T) {
	for live, want := range map[uint64]int{
		0: 100, 1 << 20: 100, spareBytes: 100, 2 * spareBytes: 50, 4 * spareBytes: 25, 1 << 40: 8,
	} {
		if got := percentFor(live); got != want {
			t.Errorf("%d bytes in use: %d %%, want %d", live, got, want)
		}
	}
}

// TestThrift: the pace follows the heap, and is given back.
func TestThrift(t *testing.T) {
	pace := newThrift()
	defer pace.stop()
	if pace.percent == 0 {
		t.Skip("GOGC is set")
	}
	pace.percent = 1 // far from any
	pace.adjust()
	if pace.percent < leastPercent || pace.percent > defaultPercent {
		t.Errorf("%d %%", pace.percent)
	}
}
