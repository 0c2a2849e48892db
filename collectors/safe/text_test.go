package safe

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	const raw = "user:\x1b[31m7"
	text := New(raw)
	if text.Raw() != raw || text.String() != "user:^[[31m7" {
		t.Errorf("raw %q, picture %q", text.Raw(), text)
	}
	for _, format := range []string{"%v", "%s", "%+v", "%#v"} {
		if got := fmt.Sprintf(format, text); got != text.String() {
			t.Errorf("%s prints %q", format, got)
		}
	}
	short := Short(raw, 3)
	if short.Raw() != raw || short.String() != "use…" {
		t.Errorf("short: raw %q, picture %q", short.Raw(), short)
	}
}

// TestTextsThatLookAlike: the picture is no identity.
func TestTextsThatLookAlike(t *testing.T) {
	esc, caret := New("\x1b"), New("^[")
	if esc.String() != caret.String() {
		t.Fatalf("pictures %q and %q", esc, caret)
	}
	if esc == caret || len(map[Text]bool{esc: true, caret: true}) != 2 {
		t.Error("two keys of different bytes count as one")
	}
	if again := strings.Clone("user:7"); New(again) != New("user:7") {
		t.Error("the same key counts as two")
	}
}

func TestZeroText(t *testing.T) {
	var zero Text
	if !zero.IsZero() || zero != New("") || zero.String() != "" || New("x").IsZero() {
		t.Errorf("zero Text is %#v", zero)
	}
}

func TestTextJSON(t *testing.T) {
	tests := map[string]struct{ raw, json, back string }{
		"plain":   {"abc", `"abc"`, "abc"},
		"quotes":  {`a"b\`, `"a\"b\\"`, `a"b\`},
		"hostile": {"\x1b[2J\u202e\xff", `"^[[2J\\u{202E}\\xFF"`, `^[[2J\u{202E}\xFF`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := json.Marshal(New(tt.raw))
			if err != nil || string(b) != tt.json {
				t.Fatalf("marshals to %s, %v; want %s", b, err, tt.json)
			}
			var text Text
			if err := json.Unmarshal(b, &text); err != nil || text != New(tt.back) {
				t.Errorf("comes back as %q, %v; want %q", text.Raw(), err, tt.back)
			}
		})
	}
	var text Text
	if err := json.Unmarshal([]byte(`"\u001b]0;x"`), &text); err != nil || text.String() != "^[]0;x" {
		t.Errorf("a file made elsewhere gives %q, %v", text, err)
	}
	if err := json.Unmarshal([]byte(`7`), &text); err == nil {
		t.Error("a number is accepted")
	}
}
