package scrape

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// scan reads one page into the table.
type scan struct {
	src     *source
	table   *table
	samples int
	bad     int
	idle    int // lines without a sample, bad ones too
	first   []snapshot.BadLine
	eof     bool // a line "# EOF" was the last one
}

// keptBadLines is how many bad lines are shown; the others are counted.
const keptBadLines = 5

// hopeless is how many bad lines without one sample end the scan: this is no
// metrics page.
const hopeless = 100

// text reads a page in text format 0.0.4 or OpenMetrics, or any mixture, as
// far as possible: a line that cannot be read is counted, the rest is kept.
// The error is a limit or what the reader said.
func (p *scan) text() error {
	if bytes.HasPrefix(p.src.peek(3), []byte("\xef\xbb\xbf")) {
		p.src.skip(3)
	}
	for p.samples > 0 || p.bad < hopeless {
		line, err := p.src.next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		samples := p.samples
		if err := p.line(line); err != nil {
			if err := p.forgive(err, line); err != nil {
				return err
			}
		}
		if p.samples == samples {
			p.idle++
			err = p.wasted()
		} else if p.samples == knownAhead && len(p.table.fresh) == knownAhead {
			err = p.count()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// line reads one line. A syntaxError costs only this line.
func (p *scan) line(line []byte) error {
	line = trim(line)
	s := p.table.expect(line)
	var raw, rest []byte
	switch {
	case s != nil:
		rest = line[len(s.raw):]
	case len(line) == 0:
		return nil
	case line[0] == '#':
		return p.comment(line[1:])
	default:
		end, err := seriesEnd(line)
		if err != nil {
			return err
		}
		raw, rest = line[:end], line[end:]
	}
	value, stamp, err := sample(rest)
	if err != nil {
		return err
	}
	if s == nil {
		if s, err = p.table.find(raw); err != nil {
			return err
		}
	}
	if err := p.table.put(s, value, stamp); err != nil {
		return err
	}
	p.eof = false
	p.samples++
	return nil
}

// sample reads what stands behind the series: a value, perhaps a timestamp
// (milliseconds, or seconds in OpenMetrics), perhaps an exemplar behind #.
func sample(b []byte) (value, stamp float64, err error) {
	word, rest := cut(b)
	if len(word) == 0 {
		return 0, 0, errNoValue
	}
	value, ok := number(word)
	if !ok {
		return 0, 0, errValue
	}
	word, rest = cut(rest)
	if len(word) == 0 || word[0] == '#' {
		return value, 0, nil
	}
	if stamp, ok = number(word); !ok || !finite(stamp) {
		return 0, 0, errStamp
	}
	if word, _ = cut(rest); len(word) > 0 && word[0] != '#' {
		return 0, 0, errTail
	}
	return value, stamp, nil
}

// comment reads what stands behind a #. Only TYPE, UNIT and EOF matter.
func (p *scan) comment(b []byte) error {
	word, rest := cut(b)
	switch string(word) {
	case "TYPE":
		name, rest := cutName(rest)
		if word, _ := cut(rest); len(name) > 0 && len(word) > 0 {
			return p.table.declare(name, kindOf(word))
		}
	case "UNIT":
		name, rest := cutName(rest)
		if word, _ := cut(rest); len(name) > 0 && len(word) > 0 {
			return p.table.declareUnit(name, word)
		}
	case "EOF":
		p.eof = len(rest) == 0
	}
	return nil
}

// forgive counts a line that could not be read; other errors end the scan.
func (p *scan) forgive(err error, line []byte) error {
	why, ok := errors.AsType[syntaxError](err)
	if ok {
		p.reject(why, line)
		return nil
	}
	return err
}

// reject counts a bad line and keeps the first few for people.
func (p *scan) reject(why syntaxError, line []byte) {
	p.bad++
	if len(p.first) == keptBadLines {
		return
	}
	const shown = 80
	text := strings.ToValidUTF8(string(line[:min(len(line), shown)]), "\ufffd")
	p.first = append(p.first, snapshot.BadLine{
		Line: p.src.line,
		Why:  safe.Short(string(why)+": "+text, shown),
	})
}

// trim cuts blanks at both ends and a carriage return.
func trim(b []byte) []byte {
	for len(b) > 0 && blank(b[0]) {
		b = b[1:]
	}
	for n := len(b); n > 0 && (blank(b[n-1]) || b[n-1] == '\r'); n-- {
		b = b[:n-1]
	}
	return b
}

// cut returns the next word and what follows it.
func cut(b []byte) (word, rest []byte) {
	for len(b) > 0 && blank(b[0]) {
		b = b[1:]
	}
	for i, c := range b {
		if blank(c) {
			return b[:i], b[i:]
		}
	}
	return b, nil
}

// cutName is cut for a name that may stand in quotes.
func cutName(b []byte) (name, rest []byte) {
	for len(b) > 0 && blank(b[0]) {
		b = b[1:]
	}
	if len(b) > 0 && b[0] == '"' {
		if i := bytes.IndexByte(b[1:], '"'); i >= 0 {
			return b[1 : 1+i], b[2+i:]
		}
	}
	return cut(b)
}
