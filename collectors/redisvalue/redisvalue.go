// Package redisvalue tells what the bytes of a cached value are, from their
// beginning alone, and writes them in lines for people.
//
// It knows what frameworks write: JSON, msgpack, pickle, PHP's, Java's and Ruby's
// serialisations, what they are compressed with, and the headers that caches put
// before them. Nothing is ever executed or built from a value; its bytes are
// only read, and what is written is safe to draw. It does no input or output.
package redisvalue

import (
	"strings"
	"unicode/utf8"

	"apitop/collectors/safe"
)

// Value is what is known of a value.
type Value struct {
	// Format is what it is, outermost first: "JSON", "gzip, JSON", "pickle 5",
	// "text", "binary". Never empty.
	Format string
	// Lines are its beginning, written for people; none of an empty value.
	Lines []safe.Text
	// Cut is true when the value goes on behind Lines.
	Cut bool
}

const (
	mostLines  = 48   // of a value
	lineCells  = 240  // of a line
	inflated   = 1024 // bytes of what a compressed value holds
	mostLayers = 4    // wrappers around a value: a bomb has more
)

// Describe tells what a value is whose first bytes are first. whole says that
// there are no others. The cost is bounded by the length of first.
func Describe(first []byte, whole bool) Value {
	names, lines, cut := describe(first, whole, mostLayers)
	v := Value{Format: strings.Join(names, ", "), Cut: cut || !whole}
	if len(lines) > mostLines {
		lines, v.Cut = lines[:mostLines], true
	}
	for _, l := range lines {
		v.Lines = append(v.Lines, safe.Short(l, lineCells))
	}
	return v
}

// reader recognises one format. names is nil when the value is something else.
type reader func(b []byte, whole bool, layers int) (names, lines []string, cut bool)

// describe asks the readers, the surest first.
func describe(b []byte, whole bool, layers int) (names, lines []string, cut bool) {
	if len(b) == 0 {
		return []string{"empty"}, nil, !whole
	}
	readers := []reader{packed, railsEntry, pickled, marshalled, textual, goCache, messagePacked}
	if layers <= 0 {
		readers = []reader{textual}
	}
	for _, read := range readers {
		if names, lines, cut = read(b, whole, layers); names != nil {
			return names, lines, cut
		}
	}
	return []string{"binary"}, dump(b), false
}

// within describes what a wrapper called name holds.
func within(name string, inner []byte, whole bool, layers int) (names, lines []string, cut bool) {
	names, lines, cut = describe(inner, whole, layers-1)
	return append([]string{name}, names...), lines, cut || !whole
}

// isText tells whether b is text: UTF-8 without control characters other than
// those of lines. A character that is cut at the end does not count against it.
func isText(b []byte, whole bool) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n <= 1:
			return !whole && !utf8.FullRune(b)
		case r < ' ' && r != '\n' && r != '\t' && r != '\r', r == 0x7f:
			return false
		}
		b = b[n:]
	}
	return true
}
