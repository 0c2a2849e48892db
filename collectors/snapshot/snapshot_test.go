package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"apitop/collectors/safe"
)

func TestValueJSON(t *testing.T) {
	tests := map[string]struct {
		v    Value
		want string
	}{
		"known":    {Known(1.5), "1.5"},
		"zero":     {Known(0), "0"},
		"unknown":  {Value{}, "null"},
		"NaN":      {Known(math.NaN()), "null"},
		"infinite": {Known(math.Inf(1)), "null"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(tt.v)
			if err != nil || string(got) != tt.want {
				t.Fatalf("got %s, %v, want %s", got, err, tt.want)
			}
			var back Value
			if err := json.Unmarshal(got, &back); err != nil || back.OK != (tt.want != "null") {
				t.Errorf("read back as %+v, %v", back, err)
			}
		})
	}
}

func TestFailureOf(t *testing.T) {
	denied := Fail(Denied, "no", "ask")
	tests := map[string]struct {
		err  error
		kind FailureKind
		text string
	}{
		"wrapped":          {fmt.Errorf("redis: %w", denied), Denied, "no: ask"},
		"another error":    {errors.New("refused"), Unreachable, "refused"},
		"hostile text":     {errors.New("a\x1b[2Jb"), Unreachable, "a^[[2Jb"},
		"very long text":   {errors.New(strings.Repeat("x", 1e6)), Unreachable, strings.Repeat("x", 200) + "…"},
		"without a remedy": {Fail(NoData, "empty", ""), NoData, "empty"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := FailureOf(tt.err)
			if f.Kind != tt.kind || f.Error() != tt.text {
				t.Errorf("got %s: %q, want %s: %q", f.Kind, f.Error(), tt.kind, tt.text)
			}
		})
	}
	if FailureOf(nil) != nil {
		t.Error("no error is a failure")
	}
}

func TestAddTo(t *testing.T) {
	var s Snapshot
	s.AddTo(nil)
	one, two := safe.New("one"), safe.New("two")
	s.AddTo(&HTTP{Target: one, Page: Page{Samples: 1}})
	s.AddTo(&HTTP{Target: two})
	s.AddTo(&HTTP{Target: one, Page: Page{Samples: 2}})
	if len(s.HTTP) != 2 || s.HTTP[0].Page.Samples != 2 {
		t.Errorf("a newer page of one target must replace the older: %+v", s.HTTP)
	}
	for _, r := range []Reading{&Redis{}, &Keys{}, &Statements{}, &Activity{}, &Host{}} {
		s.AddTo(r)
		r.Facts()
	}
	if s.Redis == nil || s.Keys == nil || s.Statements == nil || s.Activity == nil || s.Host == nil {
		t.Errorf("a section is empty: %+v", s)
	}
}

// TestServiceFact: a source says what else was found on its page, and nothing
// when there was nothing.
func TestServiceFact(t *testing.T) {
	for want, s := range map[string]Service{
		"":                              {},
		"runtime jvm":                   {Runtime: Runtime{Language: "jvm"}},
		"runtime go, pools 1, caches 2": {Runtime: Runtime{Language: "go"}, Pools: make([]Pool, 1), Caches: make([]CacheUse, 2)},
		"queues 3, counters 4":          {Queues: make([]Queue, 3), Counters: make([]Counter, 4)},
	} {
		got := ""
		for _, f := range (&HTTP{Service: s}).Facts() {
			if f.Name == "service" {
				got, _ = f.Value.(string)
			}
		}
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
