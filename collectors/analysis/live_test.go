package analysis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

func TestMissed(t *testing.T) {
	type keys map[string]float64
	reading := func(seconds float64, misses keys) *snapshot.Keys {
		k := &snapshot.Keys{At: time.Unix(1e9, 0), MissedSeconds: seconds, Missed: []snapshot.MissedKey{}}
		for _, name := range []string{"a", "b", "c"} {
			if n, ok := misses[name]; ok {
				k.Missed = append(k.Missed, snapshot.MissedKey{Key: safe.New(name), Misses: snapshot.Known(n)})
			}
		}
		return k
	}
	tests := map[string]struct {
		readings []*snapshot.Keys
		want     string
	}{
		"nobody tells":       {[]*snapshot.Keys{{At: time.Unix(1e9, 0)}}, "none"},
		"none yet":           {[]*snapshot.Keys{reading(0, nil)}, ""},
		"first":              {[]*snapshot.Keys{reading(2, keys{"a": 10, "b": 20})}, "b 10 a 5"},
		"growth":             {[]*snapshot.Keys{reading(2, keys{"a": 10}), reading(4, keys{"a": 50})}, "a 20"},
		"the same again":     {[]*snapshot.Keys{reading(2, keys{"a": 10}), reading(4, keys{"a": 50}), reading(4, keys{"a": 50})}, "a 20"},
		"new":                {[]*snapshot.Keys{reading(2, keys{"a": 10}), reading(4, keys{"a": 10, "c": 6})}, "c 3 a 0"},
		"counted from zero":  {[]*snapshot.Keys{reading(20, keys{"a": 1000}), reading(2, keys{"a": 10})}, "a 5"},
		"old ones are over":  {[]*snapshot.Keys{reading(2, keys{"a": 900}), reading(4, keys{"a": 900}), reading(6, keys{"a": 900}), reading(8, keys{"a": 900}), reading(10, keys{"a": 900}), reading(12, keys{"a": 920})}, "a 2.5"},
		"nobody listens now": {[]*snapshot.Keys{reading(2, keys{"a": 10}), {At: time.Unix(1e9, 0)}}, "none"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCacheState(Options{Window: time.Minute, Interval: time.Second})
			for _, k := range tt.readings {
				c.step(snapshot.Snapshot{Keys: k}, httpState{})
			}
			var list []string
			for _, m := range c.section.Missed {
				list = append(list, fmt.Sprintf("%s %g", m.Key, m.MissesPerSecond.V))
			}
			got := strings.Join(list, " ")
			if c.section.Missed == nil {
				got = "none"
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestBurstReport(t *testing.T) {
	at := time.Unix(1e9, 0)
	c := newCacheState(Options{Window: time.Minute, Interval: time.Second})
	c.step(snapshot.Snapshot{Keys: &snapshot.Keys{At: at}}, httpState{})
	if c.section.Burst != nil {
		t.Error("a burst of nothing")
	}
	c.step(snapshot.Snapshot{Keys: &snapshot.Keys{At: at, Burst: &snapshot.Burst{
		At: at.Add(-7 * time.Second), SpanSeconds: 0.2, Lines: 300, Cut: "time", Node: safe.New("n"),
		Commands:   []snapshot.BurstCount{{Name: safe.New("get"), Count: 200}},
		Clients:    []snapshot.BurstCount{{Name: safe.New("10.0.0.1"), Count: 300}},
		WriteRatio: snapshot.Known(0.25),
	}}}, httpState{})
	b := c.section.Burst
	if b == nil || b.AgeSeconds.V != 7 || b.Span.V != 0.2 || b.Lines != 300 || b.Cut != "time" || b.WriteRatio.V != 0.25 || b.Node.String() != "n" ||
		len(b.Commands) != 1 || b.Commands[0].Count != 200 || len(b.Clients) != 1 || b.Clients[0].Name.String() != "10.0.0.1" {
		t.Errorf("got %+v", b)
	}
}
