package ratelimit

import (
	"math"
	"testing"

	"apitop/collectors/snapshot"
)

// FuzzRead gives every layout whatever answers: none makes it panic, and what is
// shown are numbers that make sense.
func FuzzRead(f *testing.F) {
	for _, r := range recordings(f) {
		var text string
		for _, a := range r.Answers {
			if s, ok := a.Reply.(string); ok && a.Ask[0] != "type" {
				text = unquote(s)
			}
		}
		f.Add(text, "1795549258", "60", int64(60000), 1795549258.5, 10.0, 60.0, uint8(3))
	}
	f.Add("1e300", "-1e300", "NaN", int64(math.MaxInt64), 0.0, 1e15, 1e-15, uint8(9))
	f.Fuzz(func(t *testing.T, text, a, b string, n int64, now, limit, window float64, shape uint8) {
		if math.IsNaN(now) || math.Abs(now) > 1e11 || !(limit >= 0 && limit < 1e15) || !(window >= 0 && window < 1e15) {
			return // neither the server's clock nor the configuration says that
		}
		told := Quota{Limit: limit, Window: window, Burst: limit / 2, From: "config"}
		for _, l := range Layouts() {
			for _, key := range []string{"a:7:rate", "x_y_z_1795549200", "LIMITS:{LIMITER/a/b/5/1/minute}", "@upstash/ratelimit:a:29925818", text} {
				ref, ok := l.match(key)
				if !ok {
					ref = Ref{Layout: &l, Key: key, Subject: a, Endpoint: b, groups: make([]string, l.Key.NumSubexp()+1)}
				}
				k := Known{kind: l.Type, Told: told}
				for range 3 {
					var replies []any
					for i, ask := range ref.Ask(k, now) {
						replies = append(replies, strange(ask[0], int(shape)+i, n, text, a, b))
					}
					got := ref.Read(k, replies, now)
					sane(t, got)
					k = got.Known
					k.kind, k.Told = l.Type, told
				}
			}
		}
	})
}

// strange is some answer to a command, of the right type or not.
func strange(command string, shape int, n int64, texts ...string) any {
	text, a, b := texts[0], texts[1], texts[2]
	switch {
	case shape%7 == 6:
		return nil
	case command == "hmget" || command == "lrange":
		return []any{text, a, b, a, b, text}
	case command == "zrange":
		return []any{a, b}
	case command == "getrange" && shape%3 == 0:
		return text
	case command == "getrange":
		return a
	default:
		return n
	}
}

func sane(t *testing.T, r Reading) {
	t.Helper()
	l := r.Limiter
	for name, v := range map[string]snapshot.Value{
		"used": l.Used, "limit": l.Limit, "window": l.WindowSeconds, "resets": l.ResetsSeconds, "denied": l.DeniedTotal,
		"known used": {V: r.Known.Used}, "known limit": {V: r.Known.Limit}, "known window": {V: r.Known.Window}, "limit at least": {V: r.LimitAtLeast},
	} {
		if v.V < 0 || math.IsNaN(v.V) || math.IsInf(v.V, 0) {
			t.Errorf("%s of %s is %v", name, l.Layout, v.V)
		}
	}
}

// TestPickle: only lists of floats are read; a list that is cut off is read as
// far as it goes.
func TestPickle(t *testing.T) {
	const one = "GA\xda\xc1\x76\x22\x80\x00\x00" // a time in 2026
	tests := map[string]struct {
		s string
		n int
	}{
		"one, protocol 5":      {"\x80\x05\x95\x0d\x00\x00\x00\x00\x00\x00\x00]\x94" + one + "a.", 1},
		"two, protocol 2":      {"\x80\x02]q\x00(" + one + one + "e.", 2},
		"two batches":          {"\x80\x04]\x94(" + one + one + "e(" + one + one + "e.", 4},
		"empty":                {"\x80\x05]\x94.", 0},
		"cut off in a float":   {"\x80\x05]\x94(" + one + one[:5], 1},
		"cut off behind it":    {"\x80\x05]\x94(" + one, 1},
		"a list in it":         {"\x80\x05]\x94(" + one + "]e.", 0},
		"text in it":           {"\x80\x05]\x94(" + one + "\x8c\x01ae.", 0},
		"not a number":         {"\x80\x05]\x94(G\x7f\xf8\x00\x00\x00\x00\x00\x00e.", 0},
		"a dict":               {"\x80\x05}\x94.", 0},
		"a class, to be built": {"\x80\x05\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.", 0},
		"a float of its own":   {"\x80\x05" + one + ".", 0},
		"protocol 9":           {"\x80\x09]\x94" + one + "a.", 0},
		"nothing":              {"", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := pickledFloats(tt.s); len(got) != tt.n {
				t.Errorf("got %v, want %d", got, tt.n)
			}
		})
	}
}

func TestWindow(t *testing.T) {
	tests := map[string]struct {
		b, now float64
		want   float64
		ok     bool
	}{
		"a minute":            {math.Floor(1795549258. / 60), 1795549258, 60, true},
		"its first second":    {29925820, 29925820 * 60, 60, true},
		"its last second":     {29925820, 29925821*60 - 0.01, 60, true},
		"the next one":        {29925820, 29925821 * 60, 60, false},
		"ninety seconds":      {math.Floor(1795549258. / 90), 1795549258, 90, true},
		"a day":               {math.Floor(1795549258. / 86400), 1795549258, 86400, true},
		"a day, the next one": {math.Floor(1795549258. / 86400), 1795549258 + 86400, 86400, false},
		"none":                {0, 1795549258, 0, false},
		"from the future":     {1e12, 1795549258, 0, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := window(tt.b, tt.now, 86400, 3600, 60, 1)
			if ok != tt.ok || ok && got != tt.want {
				t.Errorf("got %v, %v", got, ok)
			}
		})
	}
}

func TestLintRules(t *testing.T) {
	for _, name := range []string{LintWholeSeconds, LintOverLimit, LintNoTTL, LintNeverResets} {
		found := false
		for _, r := range LintRules() {
			found = found || r.Name == name && r.What != "" && r.Fix != ""
		}
		if !found {
			t.Errorf("%s is not explained", name)
		}
	}
}

// TestLogFrees: a slot of a log frees when its oldest entry in the window
// leaves; at the limit, when the entry that is limit-th from the newest does.
func TestLogFrees(t *testing.T) {
	tests := map[string]struct {
		limit float64
		want  float64
	}{
		"limit unknown": {0, 20},
		"below":         {9, 20},
		"at the limit":  {3, 20},
		"above":         {2, 40},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			log := timeLog{times: []float64{990, 980, 960, 900}, ttl: lifetime{seconds: 50, ok: true}}
			l := snapshot.Limiter{WindowSeconds: snapshot.Known(60)}
			if tt.limit > 0 {
				l.Limit = snapshot.Known(tt.limit)
			}
			if got := log.read(l, 1000).Limiter; got.ResetsSeconds != snapshot.Known(tt.want) || got.Used != snapshot.Known(3) {
				t.Errorf("used %v, frees in %v, want %v", got.Used, got.ResetsSeconds, tt.want)
			}
		})
	}
}
