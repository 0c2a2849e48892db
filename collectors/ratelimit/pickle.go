package ratelimit

import (
	"encoding/binary"
	"math"
)

// pickleLog reads a string with a pickled list of floats, the times of requests
// in unix seconds, the newest first. The key expires one window after the newest.
type pickleLog struct{}

// pickleMost is how many bytes are asked for, less one: room for 1000 times.
const pickleMost = "10239"

// Ask asks for the list and the time to live.
func (pickleLog) Ask(r Ref, _ Known, _ float64) [][]string {
	return [][]string{{"getrange", r.Key, "0", pickleMost}, {"pttl", r.Key}}
}

// Read implements [Reader].
func (pickleLog) Read(r Ref, k Known, replies []any, now float64) Reading {
	if len(replies) != 2 {
		return Reading{}
	}
	text, _ := replies[0].(string)
	times := pickledFloats(text)
	for _, at := range times {
		if at > now+clockSkew || at < now-longest {
			return Reading{}
		}
	}
	l := limiterOf(r, "sliding-log")
	k.Told.fill(&l)
	return timeLog{times: times, ttl: lifetimeOf(replies[1])}.read(l, now)
}

// pickledFloats reads the floats of a pickled list of floats, of protocols 2 to
// 5, and nothing else: it knows the dozen opcodes that such a list has and stops
// at any other. It never builds what a pickle names. A list that is cut off
// gives the floats it has; what is no list of floats gives nil.
//
// The opcodes are in Python's pickletools.
func pickledFloats(s string) []float64 {
	if len(s) < 3 || s[0] != '\x80' || s[1] < 2 || s[1] > 5 {
		return nil
	}
	var floats []float64
	list := false
	for s = s[2:]; s != ""; {
		op := s[0]
		size := pickleSize(op)
		switch {
		case size < 0 || op != '\x95' && op != ']' && !list:
			return nil // an opcode that no list of floats has
		case len(s) < size:
			return floats // cut off
		case op == ']' && list:
			return nil // a list in the list
		case op == ']':
			list = true
		case op == 'G':
			v := math.Float64frombits(binary.BigEndian.Uint64([]byte(s[1:9])))
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil
			}
			floats = append(floats, v)
		case op == '.':
			return floats
		}
		s = s[size:]
	}
	return floats
}

// pickleSize is how long an opcode is with its argument; -1 for those that no
// list of floats has.
func pickleSize(op byte) int {
	switch op {
	case '\x95': // FRAME, its length
		return 9
	case 'G': // BINFLOAT
		return 9
	case ']', '\x94', '(', 'e', 'a', '.': // EMPTY_LIST, MEMOIZE, MARK, APPENDS, APPEND, STOP
		return 1
	case 'q', 'h': // BINPUT, BINGET: a float that is there twice
		return 2
	case 'r': // LONG_BINPUT
		return 5
	default:
		return -1
	}
}
