package redisvalue

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// messagePacked is msgpack, as go-redis/cache and aiocache write it. Any byte is
// some msgpack value, so that only a map, an array or a text that uses up all
// bytes is taken for one.
func messagePacked(b []byte, whole bool, _ int) (names, lines []string, cut bool) {
	if !packsMany(b[0]) && (!whole || !packsText(b[0])) {
		return nil, nil, false
	}
	d := unpacker{rest: b}
	text := d.value(8)
	if d.bad || !d.short && d.texts == 0 {
		return nil, nil, false
	}
	if d.short {
		if whole || d.texts == 0 {
			return nil, nil, false
		}
		return []string{"msgpack"}, indent(text), false
	}
	switch {
	case len(d.rest) == 0, !whole:
		return []string{"msgpack"}, indent(text), false
	case len(d.rest) == 1 && d.rest[0] == 0: // it was too short to be compressed
		return []string{"go-redis/cache, msgpack"}, indent(text), false
	}
	return nil, nil, false
}

func packsMany(c byte) bool { return c >= 0x80 && c <= 0x9f || c >= 0xdc && c <= 0xdf }

func packsText(c byte) bool { return c >= 0xa0 && c <= 0xbf || c >= 0xd9 && c <= 0xdb }

// unpacker writes msgpack as JSON. It stops where the input does.
type unpacker struct {
	rest  []byte
	short bool // the input ended in a value
	bad   bool // it is no msgpack
	texts int
}

// take is the next n bytes, or those that there are.
func (d *unpacker) take(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.short, n = true, uint64(len(d.rest))
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

// number is the next n bytes as an unsigned number.
func (d *unpacker) number(n uint64) uint64 {
	var v uint64
	for _, c := range d.take(n) {
		v = v<<8 | uint64(c)
	}
	return v
}

// value writes the next value; depth is how many levels may follow.
func (d *unpacker) value(depth int) string {
	head := d.take(1)
	if d.short || depth < 0 {
		d.bad = d.bad || depth < 0
		return ""
	}
	switch c := head[0]; {
	case c <= 0x7f:
		return strconv.Itoa(int(c))
	case c >= 0xe0:
		return strconv.Itoa(int(int8(c)))
	case c <= 0x8f:
		return d.pairs(uint64(c&15), depth)
	case c <= 0x9f:
		return d.items(uint64(c&15), depth)
	case c <= 0xbf:
		return d.text(uint64(c & 31))
	default:
		return d.long(c, depth)
	}
}

// long is a value whose head has a length or a number behind it.
func (d *unpacker) long(c byte, depth int) string {
	switch c {
	case 0xc0:
		return "null"
	case 0xc2, 0xc3:
		return strconv.FormatBool(c == 0xc3)
	case 0xc4, 0xc5, 0xc6:
		return strconv.Quote("0x" + hex.EncodeToString(d.take(d.number(1<<(c-0xc4)))))
	case 0xc7, 0xc8, 0xc9:
		return d.extension(d.number(1 << (c - 0xc7)))
	case 0xca:
		return strconv.FormatFloat(float64(math.Float32frombits(uint32(d.number(4)))), 'g', -1, 32)
	case 0xcb:
		return strconv.FormatFloat(math.Float64frombits(d.number(8)), 'g', -1, 64)
	case 0xcc, 0xcd, 0xce, 0xcf:
		return strconv.FormatUint(d.number(1<<(c-0xcc)), 10)
	case 0xd0, 0xd1, 0xd2, 0xd3:
		n := uint64(1) << (c - 0xd0)
		shift := 64 - 8*n
		return strconv.FormatInt(int64(d.number(n)<<shift)>>shift, 10)
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		return d.extension(1 << (c - 0xd4))
	case 0xd9, 0xda, 0xdb:
		return d.text(d.number(1 << (c - 0xd9)))
	case 0xdc, 0xdd:
		return d.items(d.number(2<<(c-0xdc)), depth)
	case 0xde, 0xdf:
		return d.pairs(d.number(2<<(c-0xde)), depth)
	}
	d.bad = true // 0xc1 is never used
	return ""
}

func (d *unpacker) text(n uint64) string {
	b := d.take(n)
	if !d.short && !utf8.Valid(b) {
		d.bad = true
	}
	d.texts++
	if d.short {
		return `"` + string(b)
	}
	return strconv.Quote(string(b))
}

// extension is a value of a type of the application, or a time.
func (d *unpacker) extension(n uint64) string {
	kind := int8(d.number(1))
	b := d.take(n)
	if kind == -1 && !d.short {
		switch n {
		case 4:
			return strconv.Quote(time.Unix(int64(binary.BigEndian.Uint32(b)), 0).UTC().Format(time.RFC3339))
		case 8:
			v := binary.BigEndian.Uint64(b)
			return strconv.Quote(time.Unix(int64(v&(1<<34-1)), int64(v>>34)).UTC().Format(time.RFC3339Nano))
		}
	}
	return strconv.Quote("ext " + strconv.Itoa(int(kind)) + " 0x" + hex.EncodeToString(b))
}

func (d *unpacker) items(n uint64, depth int) string {
	return d.list("[", "]", n, func() string { return d.value(depth - 1) })
}

func (d *unpacker) pairs(n uint64, depth int) string {
	return d.list("{", "}", n, func() string {
		name := d.value(depth - 1)
		if d.short || d.bad {
			return name
		}
		return name + ":" + d.value(depth-1)
	})
}

// list writes n things until the input ends.
func (d *unpacker) list(open, end string, n uint64, next func() string) string {
	var out strings.Builder
	out.WriteString(open)
	for i := range n {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(next())
		if d.short || d.bad {
			return out.String()
		}
	}
	out.WriteString(end)
	return out.String()
}
