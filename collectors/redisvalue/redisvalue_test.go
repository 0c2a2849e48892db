package redisvalue

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// javaMap is what java.util.HashMap{name: Lamp, id: 42} serialises to.
const javaMap = "rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcAUH2sHDFmDRAwACRgAKbG9hZEZhY3RvckkACXRocmVzaG9sZHhwP0AAAAAAAAx3CAAAABAAAAACdAAEbmFtZXQABExhbXB0AAJpZHNyABFqYXZhLmxhbmcuSW50ZWdlchLioKT3gYc4AgABSQAFdmFsdWV4cgAQamF2YS5sYW5nLk51bWJlcoaslR0LlOCLAgAAeHAAAAAqeA=="

// pickle5 is pickle.dumps({"id": 42, "name": "Lamp", "price": 12.5, "tags": ["a",
// "b"], "ok": True, "none": None, "big": -5000000000}, 5).
const pickle5 = "\x80\x05\x95Y\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x02id\x94K*\x8c\x04name\x94\x8c\x04Lamp\x94\x8c\x05price\x94G@)\x00\x00\x00\x00\x00\x00\x8c\x04tags\x94]\x94(\x8c\x01a\x94\x8c\x01b\x94e\x8c\x02ok\x94\x88\x8c\x04none\x94N\x8c\x03big\x94\x8a\x05\x00\x0e\xfa\xd5\xfeu."

// pickle2 is the same in protocol 2.
const pickle2 = "\x80\x02}q\x00(X\x02\x00\x00\x00idq\x01K*X\x04\x00\x00\x00nameq\x02X\x04\x00\x00\x00Lampq\x03X\x05\x00\x00\x00priceq\x04G@)\x00\x00\x00\x00\x00\x00X\x04\x00\x00\x00tagsq\x05]q\x06(X\x01\x00\x00\x00aq\x07X\x01\x00\x00\x00bq\x08eX\x02\x00\x00\x00okq\t\x88X\x04\x00\x00\x00noneq\nNX\x03\x00\x00\x00bigq\x0b\x8a\x05\x00\x0e\xfa\xd5\xfeu."

// packedMap is {"id":42,"name":"Lamp","f":1.5,"n":-3,"l":[null,true]} in msgpack.
const packedMap = "\x85\xa2id\x2a\xa4name\xa4Lamp\xa1f\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xa1n\xfd\xa1l\x92\xc0\xc3"

func gz(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func zl(s string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func zs(s string) string {
	w, _ := zstd.NewWriter(nil)
	return string(w.EncodeAll([]byte(s), nil))
}

// sample is a value and what is to be said of it.
type sample struct {
	value  string
	format string
	lines  string // joined by |; a beginning when it ends in …
}

func check(t *testing.T, tests map[string]sample) {
	t.Helper()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := Describe([]byte(tt.value), true)
			if got := join(v); v.Format != tt.format || !agrees(got, tt.lines) {
				t.Errorf("%s: %s\nwant %s: %s", v.Format, got, tt.format, tt.lines)
			}
		})
	}
}

func TestDescribeText(t *testing.T) {
	check(t, map[string]sample{
		"empty":               {"", "empty", ""},
		"integer":             {"-42", "integer", "-42"},
		"unix seconds":        {"1795451366", "integer", "1795451366|as Unix seconds: 2026-11-23 16:29:26 UTC"},
		"unix microseconds":   {"1795451366795564", "integer", "1795451366795564|as Unix microseconds: 2026-11-23 16:29:26.795 UTC"},
		"float":               {"312222646.01210803", "float", "312222646.01210803"},
		"a word like a float": {"infinity", "text", "infinity"},
		"JSON object":         {`{"id": 42,"tags":["a","b"],"none":{},"t":"x{,}\""}`, "JSON", `{|  "id": 42,|  "tags": [|    "a",|    "b"|  ],|  "none": {},|  "t": "x{,}\""|}`},
		"JSON string":         {`"lamp"`, "JSON", `"lamp"`},
		"a brace":             {"{not json}", "text", "{not json}"},
		"text":                {"two\nlines \x41\n", "text", "two|lines A"},
		"umlauts":             {"Wörter", "text", "Wörter"},
		"escape sequence":     {"\x1b[31mred", "binary", "0000  1b 5b 33 31 6d 72 65 64                          .[31mred"},
		"binary":              {"\x00\x01\x02\xff", "binary", "0000  00 01 02 ff                                      ...."},
		"latin 1":             {"W\xf6rter", "binary", "…"},
		"PHP array":           {`a:1:{s:4:"name";s:4:"Lamp";}`, "PHP serialize", `a:1:{s:4:"name";s:4:"Lamp";}`},
		"PHP integer":         {"i:1795451366;", "PHP serialize", "i:1795451366;"},
		"base64 of JSON":      {base64.StdEncoding.EncodeToString([]byte(`{"name":"A lamp of brass"}`)), "base64, JSON", `{|  "name": "A lamp of brass"|}`},
		"base64 for URLs":     {base64.RawURLEncoding.EncodeToString([]byte(`{"name":"A lamp of brass?>"}`)), "base64, JSON", "…"},
		"a hash":              {"5d41402abc4b2a76b9719d911017c592", "text", "5d41402abc4b2a76b9719d911017c592"},
		"JWT":                 {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2VjcmV0", "JWT", `{|  "alg": "HS256"|}|{|  "sub": "7"|}`},
	})
}

func TestDescribeBytes(t *testing.T) {
	java, err := base64.StdEncoding.DecodeString(javaMap)
	if err != nil {
		t.Fatal(err)
	}
	long := "[" + strings.TrimSuffix(strings.Repeat(`{"id":7,"name":"A lamp of brass"},`, 60), ",") + "]"
	packedLong := "\xdc\x00\x28" + strings.Repeat("\xa5Lamp!", 40)
	check(t, map[string]sample{
		"gzip of JSON":        {gz(`{"a":1}`), "gzip, JSON", `{|  "a": 1|}`},
		"gzip of a lot":       {gz(long), "gzip, JSON", `[|  {|    "id": 7,…`},
		"gzip cut off":        {gz(long)[:60], "gzip, JSON", "…"},
		"zlib of pickle":      {zl(pickle5), "zlib, pickle 5", `"id" 42…`},
		"zstd of text":        {zs("hello hello hello hello hello"), "zstd, text", "hello hello hello hello hello"},
		"lz4 frame":           {"\x04\x22\x4d\x18\x64\x40\xa7", "lz4", "…"},
		"x is no zlib":        {"x\x9c is a text\x00", "binary", "…"},
		"pickle 5":            {pickle5, "pickle 5", `"id" 42 "name" "Lamp" "price" 12.5 "tags" "a" "b" "ok" True "none" None|"big" -5000000000`},
		"pickle 2":            {pickle2, "pickle 2", `"id" 42 "name" "Lamp" "price" 12.5 "tags" "a" "b" "ok" True "none" None|"big" -5000000000`},
		"pickle of a class":   {"\x80\x05\x95 \x00\x00\x00\x00\x00\x00\x00\x8c\x08datetime\x94\x8c\x04date\x94\x93\x94C\x04\x07\xea\x0b\x18\x94\x85\x94R\x94.", "pickle 5", "<datetime.date> 0x07ea0b18"},
		"pickle of throttles": {"\x80\x05\x95\x17\x00\x00\x00\x00\x00\x00\x00]\x94(GA\xda\xc1\x1ay\xb2\xea\x85GA\xda\xc1\x1ax\x06ffe.", "pickle 5", "1.795451366795564e+09 1.7954513601e+09"},
		"no pickle":           {"\x80\x05\xfe\xfe.", "binary", "…"},
		"msgpack":             {packedMap, "msgpack", `{|  "id": 42,|  "name": "Lamp",|  "f": 1.5,|  "n": -3,|  "l": [|    null,|    true|  ]|}`},
		"msgpack text":        {"\xd9\x04Lamp", "msgpack", `"Lamp"`},
		"msgpack time":        {"\x81\xa1t\xd6\xff\x6b\x04\x5f\xe6", "msgpack", `{|  "t": "2026-11-23T15:46:46Z"|}`},
		"go-redis/cache":      {packedMap + "\x00", "go-redis/cache, msgpack", `{|  "id": 42…`},
		"go-redis/cache, s2":  {string(s2.Encode(nil, []byte(packedLong))) + "\x01", "go-redis/cache, s2, msgpack", `[|  "Lamp!",…`},
		"Java":                {string(java), "Java serialization", "…"},
		"Ruby":                {"\x04\x08{\x06:\x09nameI\"\x09Lamp\x06:\x06ET", "Ruby Marshal", `nameI" Lamp`},
		"Rails entry":         {"\x00\x11\x01\x00\x00\x00\x00\x00\x00\xf0\xbf\xff\xff\xff\xff\x04\x08I\"\x09Lamp\x06:\x06ET", "Rails cache entry, Ruby Marshal", "Lamp"},
		"PNG":                 {"\x89PNG\r\n\x1a\nxxxx", "PNG", "…"},
	})
}

// join is the lines of v in one.
func join(v Value) string {
	var all []string
	for _, l := range v.Lines {
		all = append(all, l.String())
	}
	return strings.Join(all, "|")
}

func agrees(got, want string) bool {
	if head, open := strings.CutSuffix(want, "…"); open {
		return strings.HasPrefix(got, head) && got != ""
	}
	return got == want
}

// TestDescribeBeginning: of a large value only the beginning is known.
func TestDescribeBeginning(t *testing.T) {
	long := "[" + strings.TrimSuffix(strings.Repeat(`{"id":7,"name":"A lamp of brass"},`, 60), ",") + "]"
	letters := make([]byte, 400) // that do not shrink
	for i := range letters {
		letters[i] = 'A' + byte(i*i*7%53)
	}
	noise := string(letters)
	packedLong := "\xdc\x00\x28" + strings.Repeat("\xa9Lamp!"+"name", 40)
	tests := map[string]struct{ value, format string }{
		"JSON":               {long, "JSON"},
		"JSON string":        {`"` + strings.Repeat("x", 500) + `"`, "JSON"},
		"a brace":            {"{" + strings.Repeat("x", 500), "text"},
		"text":               {strings.Repeat("word ", 100), "text"},
		"umlauts, cut":       {strings.Repeat("ü", 300), "text"},
		"digits":             {strings.Repeat("1", 300), "text"},
		"gzip":               {gz(noise + noise[3:] + long), "gzip, text"},
		"zstd":               {zs(strings.Repeat(long, 3)), "zstd"},
		"pickle":             {"\x80\x05\x95Y\x00\x00\x00\x00\x00\x00\x00}\x94(" + strings.Repeat("\x8c\x04name\x94\x8c\x04Lamp\x94", 40) + "u.", "pickle 5"},
		"msgpack":            {packedLong, "msgpack"},
		"go-redis/cache, s2": {string(s2.Encode(nil, []byte("\x82\xa4name\xd9\xc8"+noise[:200]+"\xa4more\xd9\xc8"+noise[200:]))) + "\x01", "go-redis/cache, s2, msgpack"},
		"base64":             {base64.StdEncoding.EncodeToString([]byte(long)), "base64, JSON"},
		"binary":             {strings.Repeat("\x00\xff", 200), "binary"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := Describe([]byte(tt.value[:min(256, len(tt.value)-1)]), false)
			if v.Format != tt.format || !v.Cut || len(v.Lines) == 0 {
				t.Errorf("%s, cut %v, %d lines; want %s", v.Format, v.Cut, len(v.Lines), tt.format)
			}
		})
	}
}

// TestDescribeBombs: what is small and unpacks to a lot stays small.
func TestDescribeBombs(t *testing.T) {
	bomb := strings.Repeat("\x00", 1<<20)
	for range 6 {
		bomb = gz(bomb)
	}
	nested := strings.Repeat("\x91", 256)
	deep := strings.Repeat("[", 256)
	for name, value := range map[string]string{"gzip in gzip": bomb, "gzip": gz(strings.Repeat("a\n", 1<<20)), "msgpack": nested, "JSON": deep, "array of 4 billion": "\xdd\xff\xff\xff\xff\xa1a"} {
		v := Describe([]byte(value), name != "JSON")
		if len(v.Lines) > mostLines {
			t.Errorf("%s: %d lines", name, len(v.Lines))
		}
		for _, l := range v.Lines {
			if len(l.String()) > 4*lineCells {
				t.Errorf("%s: a line of %d bytes", name, len(l.String()))
			}
		}
	}
}

func FuzzDescribe(f *testing.F) {
	for _, s := range []string{pickle5, packedMap, packedMap + "\x00", gz("x"), zl("xyz"), zs("hello hello"), `{"a":[1,"b"]}`, "\x00\x11\x01\x00\x00\x00\x00\x00\x00\xf0\xbf\xff\xff\xff\xff\x04\x08I", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2VjcmV0", string(s2.Encode(nil, []byte(strings.Repeat("Lamp", 30)))) + "\x01"} {
		f.Add([]byte(s), true)
		f.Add([]byte(s[:len(s)/2]), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, whole bool) {
		v := Describe(b, whole)
		if v.Format == "" || len(v.Lines) > mostLines || !whole && !v.Cut {
			t.Errorf("%q: %+v", b, v)
		}
		for _, l := range v.Lines {
			for _, r := range l.String() {
				if r < ' ' || r == 0x7f {
					t.Fatalf("%q: %U in %q", b, r, l)
				}
			}
		}
	})
}
