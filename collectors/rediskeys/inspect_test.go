package rediskeys

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

// seeded is a server with a key of every type, and some that are too large.
func seeded(t *testing.T) *redistest.Server {
	t.Helper()
	srv := redistest.Start(t)
	srv.Do("SET", "s", `{"id":1,"t":"\u001b[31m"}`, "PX", "60000")
	srv.Do("SET", "raw", "\x1b[31m")
	srv.Do("SET", "long", strings.Repeat("word ", 200))
	srv.Do("SET", "exact", strings.Repeat("x", 256))
	srv.Do("SET", "none", "")
	srv.Do("HSET", "h", "name", "Lamp", "big", strings.Repeat("x", 2000))
	srv.Do("RPUSH", "l", `{"job":1}`, "2", "3", "4")
	srv.Do("SADD", "set", "7")
	srv.Do("ZADD", "z", "1.5", "a", "2", "b")
	srv.Do("XADD", "x", "1-1", "old", "1")
	srv.Do("XADD", "x", "2-1", "who", "me")
	srv.Do("SETRANGE", "huge", "104857599", "x") // 100 MB
	srv.Do("EVAL", "for i = 1, 200000 do redis.call('HSET', 'wide', i, 'v' .. i) end", "0")
	srv.Do("EVAL", "for i = 1, 20000 do redis.call('RPUSH', 'queue', i) end", "0")
	srv.Do("EVAL", "redis.call('SADD', 'heavy', string.rep('x', 1000000), 'a')", "0")
	return srv
}

func TestInspect(t *testing.T) {
	conn := open(t, seeded(t).URL())
	tests := map[string]struct {
		kind, encoding, format, preview string // lines joined by |; a beginning when it ends in …
		length                          float64
		cut, missing                    bool
	}{
		"s":     {"string", "embstr", "JSON", `{|  "id": 1,|  "t": "\u001b[31m"|}`, 25, false, false},
		"raw":   {"string", "embstr", "binary", "0000  1b 5b…", 5, false, false},
		"long":  {"string", "raw", "text", "word word…", 1000, true, false},
		"exact": {"string", "raw", "text", "xxx…", 256, false, false},
		"none":  {"string", "embstr", "empty", "", 0, false, false},
		"h":     {"hash", "hashtable", "", "…", 2, false, false},
		"l":     {"list", "", "JSON", `{"job":1}|2|3`, 4, true, false},
		"set":   {"set", "intset", "integer", "7", 1, false, false},
		"z":     {"zset", "listpack", "", "1.5  a|2  b", 2, false, false},
		"x":     {"stream", "stream", "", "2-1|  who = me", 2, true, false},
		"huge":  {"string", "raw", "binary", "0000  00 00…", 104857600, true, false},
		"wide":  {"hash", "hashtable", "", "…", 200000, true, false},
		"queue": {"list", "quicklist", "", "", 20000, false, true},
		"heavy": {"set", "", "", "", 2, false, true},
	}
	for key, tt := range tests {
		t.Run(key, func(t *testing.T) {
			start := time.Now()
			d, err := Inspect(t.Context(), conn, key)
			if err != nil {
				t.Fatal(err)
			}
			took := time.Since(start)
			t.Log(took)
			if took > 500*time.Millisecond {
				t.Errorf("it took %v", took)
			}
			if !d.Found || d.Type != tt.kind || tt.encoding != "" && d.Encoding != tt.encoding || d.Format != tt.format || !agrees(lines(d), tt.preview) {
				t.Errorf("got %+v", d)
			}
			if d.Length != snapshot.Known(tt.length) || d.Cut != tt.cut || len(d.Missing) > 0 != tt.missing || !d.Bytes.OK || d.NoTTL == (key == "s") || d.TTLSeconds.OK != (key == "s") {
				t.Errorf("got %+v", d)
			}
		})
	}
}

// lines are the preview in one line, those of a hash in order.
func lines(d Detail) string {
	var all []string
	for _, l := range d.Preview {
		all = append(all, l.String())
	}
	return strings.Join(all, "|")
}

func agrees(got, want string) bool {
	if head, open := strings.CutSuffix(want, "…"); open {
		return got != "" && strings.HasPrefix(got, head)
	}
	return got == want
}

// TestInspectFields: the fields come in any order; large ones are not read.
func TestInspectFields(t *testing.T) {
	srv := seeded(t)
	d, err := Inspect(t.Context(), open(t, srv.URL()), "h")
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(lines(d), "|")
	slices.Sort(got)
	if want := []string{"big: 2000 bytes, not read", "name = Lamp"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestInspectNothing: a key that is not there, one whose commands are refused, a
// server that is gone.
func TestInspectNothing(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("SET", "s", "hello")
	if d, err := Inspect(t.Context(), open(t, srv.URL()), "gone"); err != nil || d.Found || d.Key.Raw() != "gone" {
		t.Errorf("a missing key: %+v, %v", d, err)
	}
	srv.Do("ACL", "SETUSER", "poor", "on", ">pw", "~*", "-@all", "+hello", "+ping", "+info", "+type", "+strlen", "+pttl")
	poor := open(t, strings.Replace(srv.URL(), "://", "://poor:pw@", 1))
	for range 2 {
		d, err := Inspect(t.Context(), poor, "s")
		if err != nil || !d.Found || d.Length.V != 5 || d.Bytes.OK || len(d.Preview) > 0 || len(d.Missing) != 3 {
			t.Errorf("with few rights: %+v, %v", d, err)
		}
	}
	srv.Kill()
	if _, err := Inspect(t.Context(), open(t, srv.URL()), "s"); snapshot.FailureOf(err) == nil {
		t.Error("a dead server gave no failure")
	}
}

// TestInspectMemory: a look at 100 MB takes none of it.
func TestInspectMemory(t *testing.T) {
	conn := open(t, seeded(t).URL())
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for _, key := range []string{"huge", "wide", "queue", "heavy"} {
		if _, err := Inspect(t.Context(), conn, key); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 5<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
}
