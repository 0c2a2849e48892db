package rediskeys

import (
	"strings"
	"testing"
	"time"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

func TestInspect(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("SET", "s", "{\"id\": 1}\n\x1b[31m", "PX", "60000")
	srv.Do("SET", "long", strings.Repeat("x", 1000))
	srv.Do("HSET", "h", "a", "1", "b", "2")
	srv.Do("RPUSH", "l", "1", "2", "3")
	srv.Do("SADD", "set", "1")
	srv.Do("ZADD", "z", "1", "a")
	srv.Do("XADD", "x", "*", "a", "1")
	srv.Do("SETRANGE", "huge", "104857599", "x") // 100 MB
	srv.Do("EVAL", "for i = 1, 200000 do redis.call('HSET', 'wide', i, i) end", "0")
	conn := open(t, srv.URL())
	tests := map[string]struct {
		kind, encoding, preview string
		length                  float64
		cut                     bool
	}{
		"s":    {"string", "embstr", `{"id": 1}\n^[[31m`, 15, false},
		"long": {"string", "raw", strings.Repeat("x", 256), 1000, true},
		"h":    {"hash", "listpack", "", 2, false},
		"l":    {"list", "quicklist", "", 3, false},
		"set":  {"set", "intset", "", 1, false},
		"z":    {"zset", "listpack", "", 1, false},
		"x":    {"stream", "stream", "", 1, false},
		"huge": {"string", "raw", strings.Repeat("^@", 128) + "…", 104857600, true},
		"wide": {"hash", "hashtable", "", 200000, false},
	}
	for key, tt := range tests {
		t.Run(key, func(t *testing.T) {
			start := time.Now()
			d, err := Inspect(t.Context(), conn, key)
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > 250*time.Millisecond {
				t.Errorf("it took %v", took)
			}
			if !d.Found || d.Type != tt.kind || d.Encoding != tt.encoding || d.Preview.String() != tt.preview ||
				d.Length != snapshot.Known(tt.length) || d.Cut != tt.cut || !d.Bytes.OK || d.NoTTL == (key == "s") {
				t.Errorf("got %+v", d)
			}
		})
	}
	if d, err := Inspect(t.Context(), conn, "gone"); err != nil || d.Found || d.Key.Raw() != "gone" {
		t.Errorf("a missing key: %+v, %v", d, err)
	}
	srv.Kill()
	if _, err := Inspect(t.Context(), conn, "s"); snapshot.FailureOf(err) == nil {
		t.Error("a dead server gave no failure")
	}
}
