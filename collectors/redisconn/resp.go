package redisconn

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"apitop/collectors/snapshot"
)

// Push is a message that the server sends without being asked, in protocol 3.
type Push []any

// Cut stands for an element of a reply that is longer than 64 KiB: it was read
// and dropped.
type Cut struct{ Bytes int }

// Bounds of a reply, whatever the server sends.
const (
	mostElement  = 64 << 10 // bytes of one element that are kept
	mostReply    = 4 << 20  // bytes of all elements
	mostElements = 64 << 10
	mostNesting  = 8
	mostLine     = 1 << 10 // of a line that begins an element, or is one
)

// ReadReply reads one reply or push. It is a string, an int64, a float64, a
// bool, nil, a []any, a *[ReplyError], a [Push] or a [Cut]; a map is a []any of
// keys and values in turns. It ends with ctx. The error is a [snapshot.Failure],
// after which the connection is of no more use.
func (r *Raw) ReadReply(ctx context.Context) (any, error) {
	end, _ := ctx.Deadline() // the zero time: none
	_ = r.conn.SetReadDeadline(end)
	stop := context.AfterFunc(ctx, func() { _ = r.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	p := parser{raw: r, bytes: mostReply, elements: mostElements}
	v, err := p.value(mostNesting)
	if err != nil {
		return nil, failure(err)
	}
	return v, nil
}

// parser reads one reply within its bounds.
type parser struct {
	raw      *Raw
	bytes    int // that may still be kept
	elements int // that may still come
}

var (
	errNotRESP  = snapshot.Fail(snapshot.Unsupported, "answers, but not as Redis", "check host and port")
	errTooLarge = snapshot.Fail(snapshot.Unsupported, "the answer is larger than we read", "")
)

func (p *parser) value(depth int) (any, error) {
	if p.elements--; p.elements < 0 || depth == 0 {
		return nil, errTooLarge
	}
	line, cut, err := p.raw.ReadLine(mostLine)
	if err != nil {
		return nil, err
	}
	if len(line) == 0 {
		return nil, errNotRESP
	}
	kind, rest := line[0], string(line[1:])
	switch kind {
	case '+', '(':
		return rest, nil
	case '-':
		return newReplyError(rest), nil
	}
	if cut {
		return nil, errNotRESP
	}
	switch kind {
	case ':', ',', '#', '_':
		return scalar(kind, rest)
	}
	n, err := strconv.Atoi(rest)
	if err != nil || n < -1 {
		return nil, errNotRESP
	}
	if kind == '$' || kind == '=' || kind == '!' {
		return p.bulk(kind, n)
	}
	return p.list(kind, n, depth)
}

func scalar(kind byte, text string) (v any, err error) {
	switch kind {
	case ':':
		v, err = strconv.ParseInt(text, 10, 64)
	case ',':
		v, err = strconv.ParseFloat(text, 64)
	case '#':
		return text == "t", nil
	}
	if err != nil {
		return nil, errNotRESP
	}
	return v, nil
}

// bulk reads an element of n bytes.
func (p *parser) bulk(kind byte, n int) (any, error) {
	if n < 0 {
		return nil, nil
	}
	if n > mostElement {
		_, err := io.CopyN(io.Discard, p.raw.in, int64(n)+2)
		return Cut{Bytes: n}, err
	}
	if p.bytes -= n; p.bytes < 0 {
		return nil, errTooLarge
	}
	buf := make([]byte, n+2)
	if _, err := io.ReadFull(p.raw.in, buf); err != nil {
		return nil, err
	}
	text := string(buf[:n])
	switch kind {
	case '!':
		return newReplyError(text), nil
	case '=':
		_, text, _ = strings.Cut(text, ":") // "txt:" comes first
	}
	return text, nil
}

// list reads n elements, or n pairs of a map.
func (p *parser) list(kind byte, n, depth int) (any, error) {
	switch kind {
	case '*', '~', '>':
	case '%', '|':
		n = min(n, mostElements) * 2
	default:
		return nil, errNotRESP
	}
	if n < 0 {
		return nil, nil
	}
	if n > p.elements {
		return nil, errTooLarge
	}
	list := make([]any, n)
	for i := range list {
		v, err := p.value(depth - 1)
		if err != nil {
			return nil, err
		}
		list[i] = v
	}
	switch kind {
	case '|': // attributes of what follows
		return p.value(depth - 1)
	case '>':
		return Push(list), nil
	}
	return list, nil
}
