package load

import (
	"strings"
	"testing"
	"time"
)

// spreadOf is a distribution with n samples, a hundredth of them slow.
func spreadOf(n int, usual, slow time.Duration) *Latency {
	tm := newTimings(precise)
	for i := range n {
		if i%50 == 0 {
			tm.record(slow)
		} else {
			tm.record(usual)
		}
	}
	l := tm.latency()
	return &l
}

func TestVerdict(t *testing.T) {
	const ms = time.Millisecond
	tests := map[string]struct {
		facts   facts
		limited bool
		notes   string // parts, all of which must be there in this order
	}{
		"good":             {facts{lag: spreadOf(2000, 0, ms), response: spreadOf(2000, ms, 50*ms), due: 2000, inTime: 2000}, false, ""},
		"lag":              {facts{lag: spreadOf(2000, 0, 6*ms), response: spreadOf(2000, ms, 50*ms)}, true, "p99 requests began 6ms late"},
		"lag just below":   {facts{lag: spreadOf(2000, 0, 5*ms), response: spreadOf(2000, ms, 51*ms)}, false, ""},
		"lag of timers":    {facts{lag: spreadOf(2000, 0, 2*ms-2*time.Microsecond), response: spreadOf(2000, ms, 2*ms)}, false, ""},
		"few samples":      {facts{lag: spreadOf(100, 6*ms, 6*ms), response: spreadOf(100, 8*ms, 50*ms)}, true, "p50 requests began 6ms late"},
		"too few samples":  {facts{lag: spreadOf(19, 6*ms, 6*ms), response: spreadOf(19, 8*ms, 50*ms)}, false, ""},
		"no samples":       {facts{lag: &Latency{}, response: &Latency{}}, false, ""},
		"99 % sent":        {facts{lag: &Latency{}, response: &Latency{}, due: 1000, inTime: 990}, false, ""},
		"too little sent":  {facts{lag: &Latency{}, response: &Latency{}, due: 1000, inTime: 989}, true, "989 of the 1000 requests due were sent in time"},
		"dropped":          {facts{lag: &Latency{}, response: &Latency{}, limit: 7, counts: &Report{OK: 1, Dropped: 3}}, false, "3 requests were not sent: 7 were under way"},
		"late":             {facts{lag: &Latency{}, response: &Latency{}, counts: &Report{OK: 1, Late: 3, Held: 4, Throttled: 5}}, false, "3 requests began late|4 requests were not sent|5 requests were refused"},
		"interrupted":      {facts{lag: &Latency{}, response: &Latency{}, counts: &Report{Interrupted: true}}, false, "interrupted|no request was successful"},
		"long":             {facts{lag: &Latency{}, response: &Latency{}, counts: &Report{OK: 1, Response: Latency{Over: 2}}}, false, "2 answers took over 60 s"},
		"limited two ways": {facts{lag: spreadOf(2000, 0, 60*ms), response: spreadOf(2000, ms, 50*ms), due: 10, inTime: 1}, true, "began 60ms late|1 of the 10"},
	}
	for name, tt := range tests {
		if tt.facts.counts == nil {
			tt.facts.counts = &Report{OK: 1}
		}
		limited, notes := judge(tt.facts)
		text := strings.Join(notes, "\n")
		if limited != tt.limited || (tt.notes == "") != (text == "") || notes == nil {
			t.Errorf("%s: limited %v: %s", name, limited, text)
		}
		for part := range strings.SplitSeq(tt.notes, "|") {
			_, rest, found := strings.Cut(text, part)
			if text = rest; !found {
				t.Errorf("%s: %q, want %q", name, notes, part)
			}
		}
	}
}
