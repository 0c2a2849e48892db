package serve

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"apitop/demoapi/stack"
)

// TestOwnerLink plays the owner of a child that asks for servers.
func TestOwnerLink(t *testing.T) {
	tests := map[string]struct {
		answers string // {{id}} is the question's
		gone    bool   // after the answers
		want    string // of the error; "": none
	}{
		"done":                {answers: `{"id":{{id}}}` + "\n"},
		"failed":              {answers: `{"id":{{id}},"error":"no such server"}` + "\n", want: "no such server"},
		"a late answer first": {answers: `{"id":0,"error":"late"}` + "\n" + `{"id":{{id}}}` + "\n"},
		"gone":                {gone: true, want: "owner is gone"},
		"no JSON":             {answers: "what?\n", want: "owner is gone"},
		"silent":              {want: context.DeadlineExceeded.Error()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				questions, out := io.Pipe()
				in, answers := io.Pipe()
				o := newOwnerLink(out)
				go o.listen(json.NewDecoder(in))
				go func() {
					line, err := bufio.NewReader(questions).ReadString('\n')
					if err != nil || line != `{"id":1,"server":"redis","up":true}`+"\n" {
						t.Errorf("asked %q: %v", line, err)
					}
					for a := range strings.Lines(strings.ReplaceAll(tt.answers, "{{id}}", "1")) {
						_, _ = io.WriteString(answers, a)
						synctest.Wait() // until the first is taken
					}
					if tt.gone {
						_ = answers.Close()
					}
				}()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := o.Switch(ctx, "redis", true); (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
					t.Errorf("%v, want %q", err, tt.want)
				}
				_, _, _ = answers.Close(), in.Close(), questions.Close()
				<-o.gone
				if err := o.Switch(ctx, "redis", true); err == nil {
					t.Error("nobody is there")
				}
			})
		})
	}
}

// TestServeRequests answers what a child asks for, and nothing else.
func TestServeRequests(t *testing.T) {
	s, err := stack.Start(t.Context(), stack.Options{Redis: stack.Fallback, Postgres: stack.Fallback})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	tests := map[string]struct{ line, want string }{
		"stop":       {`{"id":7,"server":"redis","up":false}`, `{"id":7}`},
		"start":      {`{"id":8,"server":"redis","up":true}`, `{"id":8}`},
		"not there":  {`{"id":9,"server":"postgres","up":false}`, `{"id":9,"error":"switch postgres: not a server of this stack"}`},
		"unknown":    {`{"id":10,"server":"kafka","up":false}`, `{"id":10,"error":"switch \"kafka\": not a server of this stack"}`},
		"no request": {`{"sent":12}`, ``},
		"no JSON":    {`hello`, ``},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var to strings.Builder
			serveRequests(s)([]byte(tt.line), &to)
			if got := strings.TrimSpace(to.String()); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// TestFaultsOfNobody: an error says what is in the way.
func TestFaultsOfNobody(t *testing.T) {
	if _, err := Faults(t.Context(), "http://127.0.0.1:1"); err == nil {
		t.Error("nobody listens")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := SwitchFault(ctx, "http://127.0.0.1:1", "n-plus-one", true); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
