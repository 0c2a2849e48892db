package analysis

import (
	"fmt"
	"testing"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

func TestKeyTrends(t *testing.T) {
	var trends keyTrends
	start := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	read := func(second int, keys map[string]Value) map[string]string {
		var list []HotKey
		for name, v := range keys {
			list = append(list, HotKey{Key: safe.New(name), ReadsPerSecond: v})
		}
		out := map[string]string{}
		for _, k := range trends.follow(start.Add(time.Duration(second)*time.Second), list) {
			out[k.Key.Raw()] = fmt.Sprint(k.Trend)
		}
		return out
	}
	read(0, map[string]Value{"a": snapshot.Known(1), "b": snapshot.Known(5)})
	read(1, map[string]Value{"a": {}})
	read(1, map[string]Value{"a": snapshot.Known(9)}) // the same reading, in another round
	got := read(2, map[string]Value{"a": snapshot.Known(3), "b": snapshot.Known(6)})
	if got["a"] != "[1 NaN 3]" || got["b"] != "[6]" {
		t.Errorf("trends are %v", got)
	}
	for i := range 200 {
		read(3+i, map[string]Value{"a": snapshot.Known(float64(i))})
	}
	if n := len(trends.keys[safe.New("a")].reads.all()); n != trendPoints || len(trends.keys) != 1 {
		t.Errorf("%d points of %d keys are kept, want %d of one", n, len(trends.keys), trendPoints)
	}
}
