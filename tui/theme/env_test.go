package theme

import (
	"testing"

	"github.com/muesli/termenv"
)

func TestProfile(t *testing.T) {
	tests := map[string]struct {
		env  map[string]string
		want termenv.Profile
	}{
		"truecolor":               {map[string]string{"TERM": "xterm-256color", "COLORTERM": "truecolor"}, termenv.TrueColor},
		"256":                     {map[string]string{"TERM": "xterm-256color"}, termenv.ANSI256},
		"linux console":           {map[string]string{"TERM": "linux"}, termenv.ANSI},
		"screen":                  {map[string]string{"TERM": "screen"}, termenv.ANSI},
		"tmux":                    {map[string]string{"TERM": "tmux-256color"}, termenv.ANSI256},
		"vt100":                   {map[string]string{"TERM": "vt100"}, termenv.Ascii},
		"dumb":                    {map[string]string{"TERM": "dumb"}, termenv.Ascii},
		"none":                    {nil, termenv.Ascii},
		"NO_COLOR":                {map[string]string{"TERM": "xterm-256color", "NO_COLOR": "1"}, termenv.Ascii},
		"NO_COLOR in screen":      {map[string]string{"TERM": "screen", "NO_COLOR": "1"}, termenv.Ascii},
		"NO_COLOR empty":          {map[string]string{"TERM": "xterm-256color", "NO_COLOR": ""}, termenv.ANSI256},
		"CLICOLOR=0":              {map[string]string{"TERM": "xterm-256color", "CLICOLOR": "0"}, termenv.Ascii},
		"CLICOLOR_FORCE":          {map[string]string{"TERM": "vt100", "CLICOLOR_FORCE": "1"}, termenv.ANSI},
		"CI does not take colour": {map[string]string{"TERM": "xterm-256color", "CI": "1"}, termenv.ANSI256},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Profile(func(k string) string { return tt.env[k] }); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestForTerminal(t *testing.T) {
	tests := map[string]struct {
		theme, term, noColor string
		name, critical       string
	}{
		"dumb":           {theme: "dark", term: "dumb", name: "plain", critical: ""},
		"no TERM":        {theme: "dark", name: "plain", critical: ""},
		"NO_COLOR":       {theme: "dark", term: "xterm-256color", noColor: "1", name: "dark", critical: "\x1b[0;1;7m"},
		"palette":        {theme: "default", term: "xterm", name: "default", critical: "\x1b[0;1;97;41m"},
		"dark of few":    {theme: "dark", term: "xterm", name: "dark", critical: "\x1b[0;1;97;41m"},
		"mono on colour": {theme: "mono", term: "xterm-256color", name: "mono", critical: "\x1b[0;1;7m"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{"TERM": tt.term, "NO_COLOR": tt.noColor}
			th, err := ForTerminal(tt.theme, func(k string) string { return env[k] })
			if err != nil {
				t.Fatal(err)
			}
			if th.Name() != tt.name || th.SGR(Critical) != tt.critical {
				t.Errorf("got %s, critical %q", th.Name(), th.SGR(Critical))
			}
		})
	}
	if _, err := ForTerminal("solar", func(string) string { return "dumb" }); err == nil {
		t.Error("an unknown theme is accepted on a dumb terminal")
	}
}
