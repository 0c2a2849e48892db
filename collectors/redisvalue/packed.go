package redisvalue

import (
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// packing is a way to compress, known by the first bytes.
type packing struct {
	name, magic string
	open        func(io.Reader) (io.Reader, error) // nil: recognised, not opened
}

// packings are those that caches write, and files that are stored in them.
func packings() []packing {
	return []packing{
		{"gzip", "\x1f\x8b\x08", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
		{"zstd", "\x28\xb5\x2f\xfd", openZstd},
		{"bzip2", "BZh", func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }},
		{"s2", "\xff\x06\x00\x00S2sTwO", func(r io.Reader) (io.Reader, error) { return openS2(r), nil }},
		{"snappy", "\xff\x06\x00\x00sNaPpY", func(r io.Reader) (io.Reader, error) { return openS2(r), nil }},
		{"lz4", "\x04\x22\x4d\x18", nil},
		{"xz", "\xfd7zXZ\x00", nil},
		{"PNG", "\x89PNG\r\n\x1a\n", nil},
		{"JPEG", "\xff\xd8\xff", nil},
		{"GIF", "GIF8", nil},
		{"PDF", "%PDF-", nil},
		{"igbinary", "\x00\x00\x00\x02", nil},
	}
}

// openZstd reads with one goroutine's worth of memory, whatever window the frame
// asks for.
func openZstd(r io.Reader) (io.Reader, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(8<<20), zstd.WithDecoderMaxWindow(8<<20))
}

func openS2(r io.Reader) io.Reader {
	return s2.NewReader(r, s2.ReaderMaxBlockSize(1<<20), s2.ReaderAllocBlock(4<<10))
}

// packed is a compressed value, and a few files.
func packed(b []byte, whole bool, layers int) (names, lines []string, cut bool) {
	for _, p := range packings() {
		if !bytes.HasPrefix(b, []byte(p.magic)) || p.name == "bzip2" && (len(b) < 4 || b[3] < '1' || b[3] > '9') {
			continue
		}
		return unpack(p, b, whole, layers)
	}
	if isZlib(b) {
		open := func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }
		return unpack(packing{"zlib", "", open}, b, whole, layers)
	}
	return nil, nil, false
}

// isZlib tells whether b begins like a zlib stream with deflate in a window of
// 32 KiB. Two bytes are no proof, as "x" begins a text as well; those after them
// must be the beginning of a block.
func isZlib(b []byte) bool {
	if len(b) < 8 || b[0] != 0x78 || binary.BigEndian.Uint16(b)%31 != 0 || b[1]&0x20 != 0 {
		return false
	}
	out := make([]byte, 1)
	n, _ := flate.NewReader(bytes.NewReader(b[2:])).Read(out)
	return n == 1
}

// unpack describes the first bytes of what p has packed, as far as the beginning
// of it can be opened.
func unpack(p packing, b []byte, whole bool, layers int) (names, lines []string, cut bool) {
	if p.open == nil {
		return []string{p.name}, dump(b), false
	}
	inner, all := inflate(p, b)
	if len(inner) == 0 {
		return []string{p.name}, dump(b), false
	}
	return within(p.name, inner, whole && all, layers)
}

// inflate opens at most so many bytes of b; all tells whether there are no more.
// What could be opened counts: the end of the input is an error to the opener.
func inflate(p packing, b []byte) (inner []byte, all bool) {
	r, err := p.open(bytes.NewReader(b))
	if err != nil {
		return nil, false
	}
	if z, ok := r.(*zstd.Decoder); ok {
		defer z.Close()
	}
	out := make([]byte, inflated+1)
	n, err := io.ReadFull(r, out)
	if n > inflated {
		return out[:inflated], false
	}
	// ReadFull makes EOF after some bytes an ErrUnexpectedEOF, like that of a
	// truncated stream: only another read tells them apart.
	_, again := r.Read(out[n : n+1])
	return out[:n], err != nil && again == io.EOF
}

// goCache is what go-redis/cache writes: msgpack, or from 64 bytes on an s2 block
// of it, and a byte behind that says which. Where the value is cut, that byte is
// not seen and the block's first literal must do.
func goCache(b []byte, whole bool, layers int) (names, lines []string, cut bool) {
	const name = "go-redis/cache, s2"
	if whole {
		if b[len(b)-1] != 1 {
			return nil, nil, false
		}
		block := b[:len(b)-1]
		if n, err := s2.DecodedLen(block); err != nil || n > 1<<20 {
			return nil, nil, false
		}
		inner, err := s2.Decode(nil, block)
		if err != nil || len(inner) == 0 {
			return nil, nil, false
		}
		all := len(inner) <= inflated
		return within(name, inner[:min(len(inner), inflated)], all, layers)
	}
	inner := literal(b)
	if len(inner) == 0 {
		return nil, nil, false
	}
	if names, lines, _ = messagePacked(inner, false, layers); names == nil {
		return nil, nil, false
	}
	return append([]string{name}, names...), lines, true
}

// literal is the text that an s2 block of at least 64 bytes begins with, as far as
// b has it.
func literal(b []byte) []byte {
	size, n := binary.Uvarint(b)
	if n <= 0 || size < 64 || n >= len(b) || b[n]&3 != 0 {
		return nil
	}
	length, at := int(b[n]>>2)+1, n+1
	if extra := length - 60; extra > 0 { // so many bytes of length follow
		if at+extra > len(b) || extra > 3 {
			return nil
		}
		length = 1
		for i := range extra {
			length += int(b[at+i]) << (8 * i)
		}
		at += extra
	}
	return b[at:min(at+length, len(b))]
}
