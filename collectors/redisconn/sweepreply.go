package redisconn

import (
	"context"
	"time"
)

// sweep is one exchange.
type sweep struct {
	conn         *Conn
	raw          *Raw
	end          time.Time
	answered     bool       // at least the first reply came
	ran          [verbs]int // commands by verb
	hits, misses uint64
}

func (s *sweep) exchange(ctx context.Context, asks []Ask, replies []any) error {
	line := &s.conn.line
	line.out = line.out[:0]
	var checked [verbs]bool
	for _, a := range asks {
		if !checked[a.Verb] && !permitted(a.Verb.name(), a.words()) {
			return refused(a.Verb.name())
		}
		checked[a.Verb] = true
		line.out = a.append(line.out)
	}
	s.end = time.Now().Add(ioTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(s.end) {
		s.end = d
	}
	_ = s.raw.conn.SetDeadline(s.end)
	stop := context.AfterFunc(ctx, func() { _ = s.raw.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	defer s.count()
	if _, err := s.raw.conn.Write(line.out); err != nil {
		return err
	}
	for i, a := range asks {
		v, err := s.reply(a)
		if err != nil {
			return err
		}
		replies[i] = v
	}
	return nil
}

// count adds what the server counted to our part in its figures.
func (s *sweep) count() {
	g := s.conn.guard
	g.hits.Add(s.hits)
	g.misses.Add(s.misses)
	for v, n := range s.ran {
		g.sentMany(Verb(v).name(), n)
	}
}

// reply reads one reply and judges it as count does those of a [Conn.Do].
func (s *sweep) reply(a Ask) (any, error) {
	kind, n, err := s.head()
	if err != nil {
		return nil, err
	}
	if e, bad := n.(*ReplyError); bad {
		return s.failed(a, e)
	}
	s.ran[a.Verb]++
	size, _ := n.(int64)
	looked := a.Verb != AskPage && a.Verb != AskBytes
	switch {
	case a.Verb == AskPage && kind == '*' && size == 2:
		return s.page()
	case a.Verb != AskPage && kind == ':':
		if looked && a.Verb == AskTTL && size == -2 {
			s.misses++
		} else if looked {
			s.hits++
		}
		return n, nil
	case a.Verb != AskPage && kind == '$' && size == -1, kind == '_':
		if looked {
			s.misses++
		}
		return nil, nil
	}
	return nil, errNotRESP
}

// failed takes an error that the server sent for one command.
func (s *sweep) failed(a Ask, e *ReplyError) (any, error) {
	if ranTo(e) {
		s.ran[a.Verb]++
	}
	if a.Verb != AskPage && a.Verb != AskBytes && foundTo(e) {
		s.hits++
	}
	return s.conn.judgeError(e)
}

// head reads the line that begins an element: its kind, and the number in it or
// a *ReplyError.
func (s *sweep) head() (kind byte, n any, err error) {
	line, err := s.raw.in.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	s.answered = true
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return 0, nil, errNotRESP
	}
	kind, line = line[0], line[1:len(line)-2]
	if kind == '-' {
		return kind, newReplyError(string(line)), nil
	}
	v, ok := number(line)
	if !ok && kind != '_' {
		return 0, nil, errNotRESP
	}
	return kind, v, nil
}

// number reads a whole number.
func number(text []byte) (n int64, ok bool) {
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		text = text[1:]
	}
	if len(text) == 0 || len(text) > 18 {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}

// page reads what follows the head of SCAN's reply.
func (s *sweep) page() (any, error) {
	var p Page
	cursor, ok, err := s.text()
	if err != nil || !ok {
		return nil, orNotRESP(err)
	}
	p.Cursor = cursor
	kind, n, err := s.head()
	size, _ := n.(int64)
	if err != nil || kind != '*' || size < 0 || size > mostElements {
		return nil, orNotRESP(err)
	}
	p.Keys = make([]string, 0, min(size, 1024))
	for range size {
		key, kept, err := s.text()
		switch {
		case err != nil:
			return nil, err
		case kept:
			p.Keys = append(p.Keys, key)
		default:
			p.Cut++
		}
	}
	return p, nil
}

func orNotRESP(err error) error {
	if err != nil {
		return err
	}
	return errNotRESP
}

// text reads a bulk string; one that is longer than LongestName is dropped.
func (s *sweep) text() (text string, kept bool, err error) {
	kind, n, err := s.head()
	size, _ := n.(int64)
	if err != nil || kind != '$' || size < 0 || size > 1<<30 {
		return "", false, orNotRESP(err)
	}
	if kept = size <= LongestName; kept {
		line, err := s.raw.in.Peek(int(size))
		if err != nil {
			return "", false, err
		}
		text = string(line)
	}
	_, err = s.raw.in.Discard(int(size) + 2)
	return text, kept, err
}
