package main

import (
	"runtime/debug"
	"runtime/metrics"
)

// thrift keeps the heap near what is in use. By itself Go lets it grow to twice
// that before it collects, which is much waste where many targets are remembered
// and each round makes little garbage. It is for one goroutine.
type thrift struct {
	percent int // as set last; 0: somebody else decides, by GOGC
	sample  [1]metrics.Sample
}

const (
	defaultPercent = 100 // Go's own
	leastPercent   = 8
	spareBytes     = 10 << 20 // garbage that may pile up
)

func newThrift() *thrift {
	t := &thrift{percent: defaultPercent}
	t.sample[0].Name = "/gc/heap/live:bytes"
	if old := debug.SetGCPercent(defaultPercent); old != defaultPercent {
		debug.SetGCPercent(old)
		t.percent = 0
	}
	return t
}

// adjust sets the collector's pace by what was in use at its last run.
func (t *thrift) adjust() {
	if t.percent == 0 {
		return
	}
	metrics.Read(t.sample[:])
	if t.sample[0].Value.Kind() != metrics.KindUint64 {
		return
	}
	want := percentFor(t.sample[0].Value.Uint64())
	if want*10 < t.percent*9 || want*10 > t.percent*11 {
		t.percent = want
		debug.SetGCPercent(want)
	}
}

// stop gives the pace back.
func (t *thrift) stop() {
	if t.percent != 0 {
		debug.SetGCPercent(defaultPercent)
	}
}

// percentFor is the pace for so many bytes in use: as many percent as make
// spareBytes, within bounds.
func percentFor(live uint64) int {
	if live <= spareBytes {
		return defaultPercent
	}
	return max(leastPercent, int(spareBytes*100/live)) //nolint:gosec // at most 100
}
