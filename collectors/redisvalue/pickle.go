package redisvalue

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// pickled is Python's pickle of protocol 2 and later, as Django and aiocache
// write it. A pickle is a program, which is read here and never run: its
// constants, in their order, say what is in it.
func pickled(b []byte, whole bool, _ int) (names, lines []string, cut bool) {
	if len(b) < 3 || b[0] != 0x80 || b[1] < 2 || b[1] > 5 || whole && b[len(b)-1] != '.' {
		return nil, nil, false
	}
	p := pickleReader{rest: b[2:]}
	for p.step() {
	}
	if p.bad && (whole || len(p.words) == 0) {
		return nil, nil, false
	}
	return []string{fmt.Sprintf("pickle %d", b[1])}, fold(p.words), false
}

// pickleReader lists the constants of a pickle.
type pickleReader struct {
	rest  []byte
	words []string
	bad   bool
}

// plainOps have nothing behind them: marks, memos, building of collections.
const plainOps = "(0123]}l)td*.aesubRo\x81\x85\x86\x87\x8f\x90\x91\x92\x94\x97\x98"

// step reads one instruction; false at the end, of the program or of the input.
func (p *pickleReader) step() bool {
	if len(p.rest) == 0 {
		return false
	}
	op := p.rest[0]
	p.rest = p.rest[1:]
	switch op {
	case '.':
		return false
	case 'N', 0x88, 0x89:
		p.word(map[byte]string{'N': "None", 0x88: "True", 0x89: "False"}[op])
	case 0x93: // the two names before are a module and what is in it
		p.global()
	case 0x95:
		p.take(8)
	case 'q', 'h', 0x80:
		p.take(1)
	case 'r', 'j':
		p.take(4)
	case 'c':
		p.word("<" + p.line() + "." + p.line() + ">")
	default:
		if !p.constant(op) && strings.IndexByte(plainOps, op) < 0 {
			p.bad = true
			return false
		}
	}
	return true
}

// constant reads a number or a text.
func (p *pickleReader) constant(op byte) bool {
	switch op {
	case 'K', 'M':
		p.word(strconv.FormatUint(p.size(map[byte]int{'K': 1, 'M': 2}[op]), 10))
	case 'J':
		p.word(strconv.Itoa(int(int32(p.size(4)))))
	case 'G':
		if b := p.take(8); len(b) == 8 {
			p.word(strconv.FormatFloat(math.Float64frombits(binary.BigEndian.Uint64(b)), 'g', -1, 64))
		}
	case 0x8a:
		p.word(long(p.take(p.size(1))))
	case 0x8c, 'U':
		p.text(p.size(1))
	case 'X', 'T':
		p.text(p.size(4))
	case 0x8d:
		p.text(p.size(8))
	case 'C':
		p.bytes(p.size(1))
	case 'B':
		p.bytes(p.size(4))
	case 0x8e, 0x96:
		p.bytes(p.size(8))
	default:
		return false
	}
	return true
}

// take is the next n bytes, or those that there are.
func (p *pickleReader) take(n uint64) []byte {
	n = min(n, uint64(len(p.rest)))
	b := p.rest[:n]
	p.rest = p.rest[n:]
	return b
}

// size is a little-endian number of n bytes.
func (p *pickleReader) size(n int) uint64 {
	var v uint64
	for i, c := range p.take(uint64(n)) {
		v |= uint64(c) << (8 * i)
	}
	return v
}

// line is the rest of the line.
func (p *pickleReader) line() string {
	s, rest, _ := strings.Cut(string(p.rest), "\n")
	p.rest = []byte(rest)
	return s
}

func (p *pickleReader) word(s string)  { p.words = append(p.words, s) }
func (p *pickleReader) text(n uint64)  { p.word(strconv.Quote(string(p.take(n)))) }
func (p *pickleReader) bytes(n uint64) { p.word("0x" + hex.EncodeToString(p.take(n))) }

// global joins the last two words to the name of a class.
func (p *pickleReader) global() {
	n := len(p.words)
	if n < 2 {
		return
	}
	name := "<" + strings.Trim(p.words[n-2], `"`) + "." + strings.Trim(p.words[n-1], `"`) + ">"
	p.words = append(p.words[:n-2], name)
}

// long is a little-endian number in two's complement.
func long(b []byte) string {
	if len(b) > 8 {
		return fmt.Sprintf("a number of %d bytes", len(b))
	}
	var v uint64
	for i, c := range b {
		v |= uint64(c) << (8 * i)
	}
	shift := 64 - 8*len(b)
	return strconv.FormatInt(int64(v<<shift)>>shift, 10)
}

// fold puts words on lines that are easy to read.
func fold(words []string) []string {
	const most = 72
	var lines []string
	line := ""
	for _, w := range words {
		if line != "" && len(line)+1+len(w) > most {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += w
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
