package redislive

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := map[string]struct {
		text   string
		cut    bool
		db     int
		client string
		words  []string
	}{
		"tcp":         {`+1339518083.107412 [0 127.0.0.1:60866] "keys" "*"`, false, 0, "127.0.0.1", []string{"keys", "*"}},
		"carriage":    {"1339518083.107412 [12 10.0.0.7:1] \"get\" \"a\"\r", false, 12, "10.0.0.7", []string{"get", "a"}},
		"script":      {`1339518083.107412 [0 lua] "get" "a"`, false, 0, "", []string{"get", "a"}},
		"socket":      {`1339518083.107412 [0 unix:/tmp/s] "get" "a"`, false, 0, "unix socket", []string{"get", "a"}},
		"IPv6":        {`1339518083.107412 [0 [::1]:6379] "get" "a"`, false, 0, "::1", []string{"get", "a"}},
		"escapes":     {`1339518083.107412 [0 lua] "get" "\x00\xfF\"\\\n\r\t\a\b"`, false, 0, "", []string{"get", "\x00\xff\"\\\n\r\t\a\b"}},
		"half escape": {`1339518083.107412 [0 lua] "get" "\x0" "\xzz" "\q"`, false, 0, "", []string{"get", "x0", "xzz", "q"}},
		"empty word":  {`1339518083.107412 [0 lua] "get" ""`, false, 0, "", []string{"get", ""}},
		"cut":         {`1339518083.107412 [0 lua] "set" "a" "vvv`, true, 0, "", []string{"set", "a"}},
		"cut between": {`1339518083.107412 [0 lua] "set" "a" `, true, 0, "", []string{"set", "a"}},
		"cut escape":  {`1339518083.107412 [0 lua] "set" "a" "v\`, true, 0, "", []string{"set", "a"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var l line
			if !l.parse([]byte(tt.text), tt.cut) {
				t.Fatal("not a line")
			}
			words := make([]string, len(l.words))
			for i, w := range l.words {
				words[i] = string(unescape(nil, w))
			}
			if l.micros != 1339518083107412 || l.db != tt.db || address(l.client) != tt.client || !reflect.DeepEqual(words, tt.words) || l.cut != tt.cut {
				t.Errorf("got %d, %d, %q, %q, %v", l.micros, l.db, address(l.client), words, l.cut)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":       "",
		"status":        "+OK",
		"error":         "-ERR x",
		"no time":       `x [0 lua] "a"`,
		"short time":    `1339518083.1 [0 lua] "a"`,
		"no fraction":   `1339518083 [0 lua] "a"`,
		"long time":     `13395180831339518083.107412 [0 lua] "a"`,
		"no database":   `1339518083.107412 [lua] "a"`,
		"bad database":  `1339518083.107412 [-1 lua] "a"`,
		"no client":     `1339518083.107412 [0 ] "a"`,
		"no command":    `1339518083.107412 [0 lua] `,
		"no quotes":     `1339518083.107412 [0 lua] get a`,
		"no space":      `1339518083.107412 [0 lua] "get""a"`,
		"open quote":    `1339518083.107412 [0 lua] "get`,
		"only the half": `1339518083.107412 [0 lua] "get" "a`,
	} {
		t.Run(name, func(t *testing.T) {
			var l line
			if l.parse([]byte(text), false) {
				t.Errorf("taken for a line: %q", l.words)
			}
		})
	}
}

// keysOf are commands and their keys: with ! when they are written, ~ when a
// script declares them.
func keysOf() map[string]string {
	return map[string]string{
		"GET a":                           "a",
		"get a b":                         "a",
		"SET a v EX 10":                   "a!",
		"MGET a b c":                      "a b c",
		"MSET a 1 b 2":                    "a! b!",
		"DEL a b":                         "a! b!",
		"OBJECT FREQ a":                   "a",
		"MEMORY USAGE a":                  "a",
		"BLPOP a b 0":                     "a! b!",
		"RENAME a b":                      "a! b!",
		"COPY a b DB 1":                   "b! a",
		"ZRANGESTORE d s 0 -1":            "d! s",
		"SINTERSTORE d a b":               "d! a b",
		"BITOP AND d a b":                 "d! a b",
		"ZUNIONSTORE d 2 a b WEIGHTS 1 2": "d! a b",
		"ZUNION 2 a b WITHSCORES":         "a b",
		"ZUNION 9 a b":                    "a b",
		"ZUNION x a b":                    "",
		"ZUNION -1 a b":                   "",
		"LMPOP 1 a LEFT":                  "a!",
		"BLMPOP 0 2 a b LEFT":             "a! b!",
		"XREAD COUNT 2 STREAMS a b 0 0":   "a b",
		"XREADGROUP GROUP streams me STREAMS a >": "a!",
		"XREAD COUNT 2":          "",
		"XGROUP CREATE a g $":    "a!",
		"EVALSHA 0123 1 a 5":     "a~",
		"EVAL return 2 a b 5":    "a~ b~",
		"FCALL f 0":              "",
		"GET":                    "",
		"PING":                   "",
		"NOSUCH a":               "",
		"SUBSCRIBE a":            "",
		"GETEX a EX 5":           "a!",
		"ZADD a 1 m":             "a!",
		"HGETALL a":              "a",
		"SMOVE a b m":            "a! b!",
		"TOUCH a b":              "a b",
		"OBJECT":                 "",
		"ZDIFFSTORE d":           "d!",
		"PFMERGE d a b":          "d! a b",
		"LCS a b":                "a b",
		"SORT a":                 "a!",
		"CL.THROTTLE a 15 30 60": "a!",
		"GEOSEARCHSTORE d s FROMLONLAT 1 1 BYRADIUS 1 km": "d! s",
	}
}

func TestKeys(t *testing.T) {
	for text, want := range keysOf() {
		t.Run(text, func(t *testing.T) {
			if got := keysIn(t, text, false); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	for text, want := range map[string]string{
		"MGET a b c":           "a b",
		"BLPOP a b c":          "a! b!", // the last may be a key
		"XREAD STREAMS a b 0 ": "",
		"SET a v":              "a!",
	} {
		if got := keysIn(t, text, true); got != want {
			t.Errorf("%s, cut: got %q, want %q", text, got, want)
		}
	}
}

// keysIn are the keys of a command: with ! when they are written, ~ when a
// script declares them. Of a line that is cut the last word is a half one.
func keysIn(t *testing.T, command string, cut bool) string {
	t.Helper()
	text := quoted(strings.Fields(command)...)
	if cut {
		text = text[:len(text)-1]
	}
	var l line
	if !l.parse([]byte(text), cut) {
		t.Fatalf("%s is not a line", text)
	}
	var got []string
	specs()[strings.ToLower(string(l.words[0]))].each(&l, func(word []byte, u use) {
		got = append(got, string(word)+map[use]string{writes: "!", script: "~"}[u])
	})
	return strings.Join(got, " ")
}

// quoted is a line of MONITOR.
func quoted(words ...string) string {
	var b strings.Builder
	b.WriteString("+1339518083.107412 [0 127.0.0.1:60866]")
	for _, w := range words {
		fmt.Fprintf(&b, ` "%s"`, w)
	}
	return b.String()
}

// FuzzLine: whatever comes, nothing breaks, and what is kept is bounded.
func FuzzLine(f *testing.F) {
	for _, s := range []string{
		quoted("GET", "a"), quoted("EVALSHA", "x", "1", "k", "5", "1e3"), quoted("MSET", `\x00`, "1", `\"`, "2"),
		quoted("XREAD", "STREAMS", "a", "0"), `1339518083.107412 [0 lua] "zunionstore" "d" "99999999999"`, quoted("Pttl", "x"),
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, cut bool) {
		c := newCounter(0)
		before := bytes.Clone(text)
		c.take(text, cut)
		if !bytes.Equal(text, before) {
			t.Error("the line was changed")
		}
		for k := range c.keys {
			if len(k) > mostName {
				t.Errorf("a name of %d bytes is kept", len(k))
			}
		}
		if n := c.reads + c.writes - c.unnamed; n < len(c.keys) || n > len(text) {
			t.Errorf("%d uses of %d keys in %d bytes", n, len(c.keys), len(text))
		}
	})
}
