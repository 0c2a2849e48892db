package scrape

import (
	"bytes"
	"errors"
	"io"
)

// source hands out a page line by line, or in pieces of a known length, from
// one reused buffer. It counts bytes and lines and stops at the limits, before
// anything is parsed. The buffer grows only as bytes really arrive.
type source struct {
	src    io.Reader
	limits Limits

	buf        []byte
	start, end int   // unread bytes are buf[start:end]
	searched   int   // no newline in buf[start:searched]
	total      int64 // bytes read from src
	line       int   // number of the line handed out last, from 1
	err        error // why src gives no more: io.EOF or worse
}

const (
	firstBuffer = 32 << 10 // enough for nearly every line
	keptBuffer  = 1 << 20  // a larger one is given back after the page
	emptyReads  = 100      // reads without a byte or an error before giving up
)

func (s *source) reset(src io.Reader, limits Limits) {
	buf := s.buf
	if buf == nil {
		buf = make([]byte, firstBuffer)
	}
	*s = source{src: src, limits: limits, buf: buf}
}

// done forgets the reader, and the buffer too when a large page made it grow.
func (s *source) done() {
	s.src = nil
	if len(s.buf) > keptBuffer {
		s.buf = nil
	}
}

// next returns the next line without its newline, valid until the next call.
// The error is io.EOF at the end of the page.
func (s *source) next() ([]byte, error) {
	for {
		i := bytes.IndexByte(s.buf[s.searched:s.end], '\n')
		s.searched += max(i, 0)
		if i < 0 {
			s.searched = s.end
		}
		if s.searched-s.start > s.limits.LineBytes {
			return nil, tooLongLine(s.line+1, s.limits.LineBytes)
		}
		switch {
		case i >= 0:
			return s.take(s.searched, 1), nil
		case s.ended() && s.end > s.start:
			return s.take(s.end, 0), nil // the last line has no newline
		case s.err != nil:
			return nil, s.err
		}
		s.fill()
	}
}

// ended tells whether src gave all it had.
func (s *source) ended() bool { return errors.Is(s.err, io.EOF) }

// take hands out buf[start:to] as one line and skips its newline, if any.
func (s *source) take(to, newline int) []byte {
	b := s.buf[s.start:to]
	s.start = to + newline
	s.searched = s.start
	s.line++
	return b
}

// peek returns the unread bytes, n or more unless the page ends before.
func (s *source) peek(n int) []byte {
	for s.end-s.start < n && s.err == nil {
		s.fill()
	}
	return s.buf[s.start:s.end]
}

// room makes the buffer large enough for n unread bytes at once: growing step by
// step would leave as much behind.
func (s *source) room(n int) {
	if len(s.buf) > n {
		return
	}
	larger := make([]byte, n+1)
	copied := copy(larger, s.buf[s.start:s.end])
	s.searched -= s.start
	s.buf, s.start, s.end = larger, 0, copied
}

// skip drops n bytes that peek has shown.
func (s *source) skip(n int) {
	s.start += n
	s.searched = s.start
}

// piece returns the next n bytes, valid until the next call. A page that ends
// before gives io.ErrUnexpectedEOF.
func (s *source) piece(n int) ([]byte, error) {
	b := s.peek(n)
	if len(b) < n {
		if s.ended() {
			return nil, io.ErrUnexpectedEOF
		}
		return nil, s.err
	}
	s.skip(n)
	return b[:n], nil
}

// fill reads once more, or says in s.err why not.
func (s *source) fill() {
	if s.start > 0 {
		n := copy(s.buf, s.buf[s.start:s.end])
		s.searched -= s.start
		s.start, s.end = 0, n
	}
	if s.end == len(s.buf) {
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	for range emptyReads {
		n, err := s.src.Read(s.buf[s.end:])
		s.end += n
		s.total += int64(n)
		s.err = err
		if s.total > s.limits.BodyBytes {
			s.err = tooLong(s.limits.BodyBytes)
		}
		if n > 0 || s.err != nil {
			return
		}
	}
	s.err = io.ErrNoProgress
}
