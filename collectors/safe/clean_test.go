package safe

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

func TestClean(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"empty":                    {"", ""},
		"plain":                    {"GET /products/{id}?a=b c~", "GET /products/{id}?a=b c~"},
		"lines and tabs":           {"a\nb\rc\td", `a\nb\rc\td`},
		"colour":                   {"\x1b[31mred\x1b[0m", "^[[31mred^[[0m"},
		"reassembled by stripping": {"\x1b[\x1b[31m31mX", "^[[^[[31m31mX"},
		"OSC that never ends":      {"abc\x1b]0;never ends", "abc^[]0;never ends"},
		"clipboard":                {"\x1b]52;c;ZXZpbA==\a", "^[]52;c;ZXZpbA==^G"},
		"bell, backspace, NUL":     {"\a\b\x00", "^G^H^@"},
		"DEL":                      {"a\x7fb", "a^?b"},
		"C1 as a byte":             {"a\x9b31mb", `a\x9B31mb`},
		"C1 as a rune":             {"a\u009b31mb", `a\u{009B}31mb`},
		"invalid UTF-8":            {"\xff\xc3(\xe4\xb8", `\xFF\xC3(\xE4\xB8`},
		"surrogate":                {"\xed\xa0\x80", `\xED\xA0\x80`},
		"replacement character":    {"\ufffd", "\ufffd"},
		"bidi override":            {"user\u202egpj.exe", `user\u{202E}gpj.exe`},
		"bidi isolate":             {"\u2066x\u2069", `\u{2066}x\u{2069}`},
		"zero width":               {"a\u200b\u200d\ufeffb", `a\u{200B}\u{200D}\u{FEFF}b`},
		"tag characters":           {"a\U000e0041", `a\u{E0041}`},
		"line separator":           {"a\u2028b", `a\u{2028}b`},
		"soft hyphen":              {"a\u00adb", `a\u{00AD}b`},
		"no-break space":           {"a\u00a0b", `a\u{00A0}b`},
		"hangul filler":            {"a\u3164b", `a\u{3164}b`},
		"blank braille":            {"a\u2800b", `a\u{2800}b`},
		"emoji":                    {"\U0001f44d\U0001f3fd", `\u{1F44D}\u{1F3FD}`},
		"variation selector":       {"\u2764\ufe0f", `\u{2764}\u{FE0F}`},
		"malayalam dot reph":       {"a\u0d4eb", `a\u{0D4E}b`},
		"scripts":                  {"Größe Ελλάδα Мир 世界 한국 カナ", "Größe Ελλάδα Мир 世界 한국 カナ"},
		"two accents":              {"e\u0301\u0327", "e\u0301\u0327"},
		"zalgo":                    {"e\u0301\u0302\u0303\u0304", "e\u0301\u0302" + `\u{0303}\u{0304}`},
		"accents start anew":       {"e\u0301\u0302a\u0301", "e\u0301\u0302a\u0301"},
		"accent at the start":      {"\u0301a", `\u{0301}a`},
		"accent on a space":        {" \u0301", ` \u{0301}`},
		"accent on an escape":      {"\n\u0301", `\n\u{0301}`},
		"accent on invalid UTF-8":  {"\xff\u0301", `\xFF\u{0301}`},
		"grapheme joiner":          {"a\u034fb", `a\u{034F}b`},
		"other combining mark":     {"a\u20d7", `a\u{20D7}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Clean(tt.in, 0); got != tt.want {
				t.Errorf("Clean(%q) = %q, want %q", tt.in, got, tt.want)
			}
			checkSafe(t, tt.in, Clean(tt.in, 0))
		})
	}
}

func TestCleanCut(t *testing.T) {
	tests := map[string]struct {
		in    string
		cells int
		want  string
	}{
		"fits":            {"abc", 3, "abc"},
		"plain":           {"abcdef", 3, "abc…"},
		"wide":            {"世界世界", 4, "世界…"},
		"escape is whole": {"\x1b\x1b\x1b", 3, "^[^[…"},
		"accent is kept":  {"abe\u0301", 5, "abe\u0301"},
		"exactly the cut": {"世世", 4, "世世"},
		"no limit":        {"abc\n", -1, `abc\n`},
		"nothing to cut":  {"", 3, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Clean(tt.in, tt.cells); got != tt.want {
				t.Errorf("Clean(%q, %d) = %q, want %q", tt.in, tt.cells, got, tt.want)
			}
		})
	}
}

// TestCleanIsBounded: the work on a hostile string follows the limit, not the
// length.
func TestCleanIsBounded(t *testing.T) {
	hostile := strings.Repeat("\x1b]52;c;\u202e\xff", 100_000)
	if got := Clean(hostile, 400); len(got) > 4000 {
		t.Errorf("%d bytes for 400 cells", len(got))
	}
	got := testing.AllocsPerRun(10, func() { Clean(hostile, 400) })
	if got > 400 {
		t.Errorf("%v allocations for 400 cells", got)
	}
	if n := testing.AllocsPerRun(100, func() { Clean("rate_limit:42:/products", 0) }); n != 0 {
		t.Errorf("%v allocations for plain text", n)
	}
}

// checkSafe holds what must be true of every picture.
func checkSafe(t *testing.T, in, out string) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Fatalf("%q became invalid UTF-8: %q", in, out)
	}
	for _, r := range out {
		if !unicode.IsPrint(r) || unicode.Is(unicode.Cf, r) {
			t.Fatalf("%q became %q with %U", in, out, r)
		}
	}
	if stripped := ansi.Strip(out); stripped != out {
		t.Fatalf("%q became %q, which holds a sequence", in, out)
	}
	if w := widths(out); w[0] != w[1] {
		t.Fatalf("%q became %q: runewidth, ansi, uniseg say %v", in, out, w)
	}
	if again := Clean(out, 0); again != out {
		t.Fatalf("%q became %q and then %q", in, out, again)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{
		"", "plain", "\x1b[31m", "a\x9b31m", "\u009b\u202e", "e\u0301\u0302\u0303", "\xff\xc3", "世界\t한국", "\U0001f44d\U0001f3fd",
		"\u0e33\u0eb3\u0d4e\u1bf3\u4df0", "א1ا2",
	} {
		f.Add(s, 0)
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, s string, cells int) {
		cells %= 1000
		out := Clean(s, cells)
		checkSafe(t, s, out)
		if w := widths(out)[0]; cells > 0 && w > cells+9 { // the last character may be \u{10FFFF}, then "…"
			t.Fatalf("%q cut at %d cells takes %d", s, cells, w)
		}
	})
}
