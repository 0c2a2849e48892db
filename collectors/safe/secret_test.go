package safe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecret(t *testing.T) {
	const canary = "S3cr3tPW"
	s := Hide(canary)
	if s.Reveal() != canary || (Secret[string]{}).Reveal() != "" {
		t.Error("the value is lost")
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s)
	js, err := json.Marshal(struct{ S Secret[string] }{s})
	if err != nil {
		t.Fatal(err)
	}
	inside := struct{ s Secret[string] }{s}
	pointed := struct{ s Secret[*string] }{Hide(new(string))}
	*pointed.s.Reveal() = canary
	for _, text := range []string{
		log.String(), string(js), s.String(),
		fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s),
		fmt.Sprintf("%v %+v %#v", inside, inside, inside),
		fmt.Sprintf("%v %+v %#v", pointed, pointed, pointed),
	} {
		if strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
			t.Errorf("the secret is in %q", text)
		}
	}
}
