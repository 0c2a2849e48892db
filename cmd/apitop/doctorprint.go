package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"

	"apitop/collectors/analysis"
	"apitop/tui/format"
)

// width is that of the terminal that stdout is; 0 when it is none, and lines
// need not be broken.
func (p process) width() int {
	if f, ok := p.stdout.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			return max(w, 40)
		}
	}
	return 0
}

// lines is text that is broken at a width; 0 breaks nothing.
type lines struct {
	bytes.Buffer
	width int
}

// say writes text behind head, which later lines of it are indented like.
func (l *lines) say(head, text string) {
	at := runewidth.StringWidth(head)
	room := l.width - at
	if l.width == 0 || room < 20 {
		fmt.Fprintf(l, "%s%s\n", head, text)
		return
	}
	for _, line := range broken(text, room) {
		fmt.Fprintf(l, "%s%s\n", head, line)
		head = strings.Repeat(" ", at)
	}
}

// broken breaks text between words, and words that are wider than width.
func broken(text string, width int) []string {
	var out []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && runewidth.StringWidth(line)+1+runewidth.StringWidth(word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			out = append(out, line)
		}
		parts := strings.Split(runewidth.Wrap(word, width), "\n")
		out = append(out, parts[:len(parts)-1]...)
		line = parts[len(parts)-1]
	}
	return append(out, line)
}

const margin = "         "

// writeCheckup writes d as plain text.
func writeCheckup(out io.Writer, d *checkup, width int) error {
	l := &lines{width: width}
	states := map[string]int{}
	if d.Config != nil {
		l.say(fmt.Sprintf("%-9s", stateGood), "config "+*d.Config)
	}
	for _, h := range d.Hints {
		l.say(fmt.Sprintf("%-9s", "hint"), h.What)
		l.say(margin+"→ ", h.Fix)
	}
	var before *checked
	for i := range d.Sources {
		s := &d.Sources[i]
		states[stateOf(&s.Source)]++
		l.source(s, before)
		if s.Reading != nil {
			before = s
		}
	}
	fmt.Fprintln(l, "\nPanels")
	l.panels(d.Panels)
	fmt.Fprintf(l, "\n%s\n", summary(len(d.Sources), states))
	_, err := out.Write(l.Bytes())
	return err
}

func summary(all int, states map[string]int) string {
	var parts []string
	for _, state := range []string{stateGood, statePartly, stateBad} {
		if n := states[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ToLower(state)))
		}
	}
	if all == 1 {
		return "1 source: " + strings.Join(parts, ", ")
	}
	return fmt.Sprintf("%d sources: %s", all, strings.Join(parts, ", "))
}

// The words for how a source is.
const (
	stateGood   = "ok"
	statePartly = "partly"
	stateBad    = "FAILED"
)

func stateOf(s *analysis.Source) string {
	switch {
	case s.State == analysis.StateFailed || s.State == analysis.StateWaiting:
		return stateBad
	case len(s.Notes) > 0 || s.State == analysis.StateLate:
		return statePartly
	}
	return stateGood
}

// source writes one source; before is the last one that was read as a page.
func (l *lines) source(s, before *checked) {
	took := ""
	if s.TookSeconds.OK {
		took = "  " + format.Seconds(s.TookSeconds)
	}
	l.say(fmt.Sprintf("%-9s", stateOf(&s.Source)), s.Name.String()+took)
	switch {
	case s.Error != nil:
		l.advice(*s.Error, s.Fix)
	case s.State == analysis.StateWaiting:
		l.advice("it gave no answer in time", "")
	}
	for _, n := range s.Notes {
		l.advice(n.What.String(), n.Fix)
	}
	switch {
	case s.Reading == nil:
		l.facts(s.Detail)
	case before != nil && reflect.DeepEqual(before.Reading, s.Reading):
		l.say(margin, "read like "+before.Name.String())
	default:
		l.reading(s)
	}
}

func (l *lines) advice(what, fix string) {
	l.say(margin+"! ", what)
	if fix != "" {
		l.say(margin+"  → ", fix)
	}
}

func (l *lines) facts(facts analysis.Facts) {
	var parts []string
	facts.Each(func(name, text string) { parts = append(parts, name+" "+text) })
	if len(parts) > 0 {
		l.say(margin, strings.Join(parts, ", "))
	}
}

// reading writes how a metrics page was understood.
func (l *lines) reading(s *checked) {
	r := s.Reading
	l.say(margin, strings.Join([]string{
		s.Detail.Get("format"), count(s.Detail.Get("samples"), "sample"), count(s.Detail.Get("bad_lines"), "bad line"),
	}, ", "))
	row := func(name, text string) {
		if text != "" {
			l.say(margin+fmt.Sprintf("%-10s", name), text)
		}
	}
	if r.Processes > 1 {
		row("processes", fmt.Sprintf("%d answer at this address; they are added up", r.Processes))
	}
	row("instances", s.Detail.Get("instances"))
	row("library", r.Dialect)
	row("requests", r.Requests)
	row("statuses", r.Statuses)
	if r.Durations != "" {
		row("durations", r.Durations+", "+r.Unit+", "+map[string]string{
			"native": "native buckets", "classic": "classic buckets", "summary": "a summary", "none": "none so far",
		}[r.Buckets])
	}
	for i, why := range r.Why {
		row(map[bool]string{true: "because"}[i == 0], why)
	}
	for i, b := range r.BadLines {
		row(map[bool]string{true: "bad lines"}[i == 0], fmt.Sprintf("%d: %s", b.Line, b.Why))
	}
}

// count writes "1 line" and "3 lines".
func count(n, what string) string {
	if n == "1" {
		return "1 " + what
	}
	return n + " " + what + "s"
}

// panels writes those that lack the same thing together.
func (l *lines) panels(all []panel) {
	for len(all) > 0 {
		n, names := 0, []string{}
		for n < len(all) && all[n].Why == all[0].Why && all[n].Fix == all[0].Fix {
			names = append(names, all[n].Area+" "+all[n].Panel)
			n++
		}
		state := stateGood
		if all[0].Empty {
			state = "empty"
		}
		l.say(fmt.Sprintf("%-9s", state), strings.Join(names, ", "))
		if all[0].Empty {
			l.advice(all[0].Why, all[0].Fix)
		}
		all = all[n:]
	}
}
