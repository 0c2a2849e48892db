package redisvalue

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// marshalled is what Java and Ruby write of themselves. Only the texts in it are
// shown: they name the classes and are most of what a person looks for.
func marshalled(b []byte, _ bool, _ int) (names, lines []string, cut bool) {
	switch {
	case bytes.HasPrefix(b, []byte("\xac\xed\x00\x05")):
		return []string{"Java serialization"}, fold(texts(b[4:])), false
	case bytes.HasPrefix(b, []byte{4, 8}) && len(b) > 2 && bytes.IndexByte([]byte(`"[{:;IiloTFfu0Ueec@m/S}`), b[2]) >= 0:
		return []string{"Ruby Marshal"}, fold(texts(b[2:])), false
	}
	return nil, nil, false
}

// shortestText is how many letters in a row are no accident.
const shortestText = 3

// texts are the runs of printable ASCII in b.
func texts(b []byte) []string {
	var list []string
	run := 0
	for i := range len(b) + 1 {
		if i < len(b) && b[i] >= ' ' && b[i] < 0x7f {
			run++
			continue
		}
		if run >= shortestText {
			list = append(list, string(b[i-run:i]))
		}
		run = 0
	}
	return list
}

// railsEntry is an entry of a Rails cache from 7.1 on: a signature, what the
// payload is, when it expires, its version, and the payload.
func railsEntry(b []byte, whole bool, layers int) (names, lines []string, cut bool) {
	const header = 2 + 1 + 8 + 4
	if len(b) < header || b[0] != 0 || b[1] != 0x11 {
		return nil, nil, false
	}
	kind := b[2]
	version := int(int32(binary.LittleEndian.Uint32(b[header-4:])))
	payload := b[header:]
	if kind&0x7f == 0 || kind&0x7f > 4 || version < -1 || version > len(payload) {
		return nil, nil, false
	}
	payload = payload[max(version, 0):]
	return within("Rails cache entry", payload, whole, layers)
}

// dump writes bytes sixteen a line: where they are, in hex, and as letters.
func dump(b []byte) []string {
	var lines []string
	for at := 0; at < len(b) && len(lines) <= mostLines; at += 16 {
		row := b[at:min(at+16, len(b))]
		letters := strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '.'
			}
			return r
		}, latin(row))
		lines = append(lines, fmt.Sprintf("%04x  %-47s  %s", at, fmt.Sprintf("% x", row), letters))
	}
	return lines
}

// latin makes each byte a character.
func latin(b []byte) string {
	r := make([]rune, len(b))
	for i, c := range b {
		r[i] = rune(c)
	}
	return string(r)
}
