package scrape

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"apitop/collectors/snapshot"
)

// The encodings that are asked for: gzip before zstd, as both take the reader the
// same time, and zstd up to maxWindow of memory for each target. Within a machine
// the page is wanted as it is. Reading it costs the same then (measured: 13 ms for
// 100,000 samples either way), and the service is spared the packing, which costs
// it half as much again and more.
const (
	acceptPacked = "gzip, zstd;q=0.9"
	acceptPlain  = "identity"
)

// encodings is the Accept-Encoding header for a host.
func encodings(host string, proxied bool) string {
	if ip := net.ParseIP(host); !proxied && (host == "localhost" || ip != nil && ip.IsLoopback()) {
		return acceptPlain
	}
	return acceptPacked
}

// packing is how a body is compressed.
type packing string

const (
	unpacked   packing = ""
	packedGzip packing = "gzip"
	packedZstd packing = "zstd"
)

// maxWindow is how far a zstd page may refer back, and so the memory that takes.
// Encoders must not ask for more of a reader of HTTP: RFC 9659, section 3.
const maxWindow = 8 << 20

// A page that is packed may neither grow by that (frames without content go on
// for free) nor shrink beyond measure. Pages of idle histograms, which pack best,
// come out up to a hundred times as large.
const (
	maxOverhead = 256 << 10
	maxRatio    = 400
	anyRatio    = 1 << 20  // so much may come out of however little
	mostAtOnce  = 64 << 10 // less than maxOverhead, so that it can be judged
)

// peekBuffer is enough to see how a body is packed. What reads more than that at
// once, as the reader of plain pages does, reads past the buffer.
const peekBuffer = 4 << 10

// unpacker hands out the body of an answer, unpacked where it is packed. What it
// needs for that is kept from page to page. It is for one goroutine.
type unpacker struct {
	src  io.Reader // the body as it comes
	in   int64     // bytes of src
	err  error     // what src ended with
	head *bufio.Reader
	gzip *gzip.Reader
	zstd *zstd.Decoder

	how packing
	out int64 // bytes handed out of a packed body
}

// reset begins with another body. encoding is what the server calls it, but the
// bytes decide, as both are said of pages that are not: a proxy in between may
// pack or unpack and leave the header as it was.
func (u *unpacker) reset(src io.Reader, encoding string) error {
	u.src, u.in, u.out, u.err, u.how = src, 0, 0, nil, unpacked
	switch name := strings.ToLower(strings.TrimSpace(encoding)); name {
	case "", "identity", "gzip", "x-gzip", "zstd":
	default:
		return unknownEncoding(name)
	}
	if u.head == nil {
		u.head = bufio.NewReaderSize(nil, peekBuffer)
	}
	u.head.Reset(counted{u})
	magic, _ := u.head.Peek(4) // what is shorter is not packed
	u.how = packingOf(magic)
	switch u.how {
	case packedGzip:
		return u.resetGzip()
	case packedZstd:
		return u.resetZstd()
	}
	return nil
}

func (u *unpacker) resetGzip() (err error) {
	if u.gzip == nil {
		u.gzip, err = gzip.NewReader(u.head)
	} else {
		err = u.gzip.Reset(u.head)
	}
	return u.broken(err)
}

func (u *unpacker) resetZstd() (err error) {
	if u.zstd == nil {
		u.zstd, err = zstd.NewReader(u.head, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	} else {
		err = u.zstd.Reset(u.head)
	}
	return u.broken(err)
}

// done forgets the body.
func (u *unpacker) done() {
	u.src = nil
	if u.how == packedZstd {
		_ = u.zstd.Reset(nil) // lets go of the body, and never fails
	}
}

// packingOf tells by the first bytes: RFC 1952, section 2.3.1; RFC 8878, sections
// 3.1.1 and 3.1.2 (skippable frames).
func packingOf(magic []byte) packing {
	switch {
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		return packedGzip
	case bytes.HasPrefix(magic, []byte("\x28\xb5\x2f\xfd")),
		len(magic) == 4 && magic[0]>>4 == 5 && string(magic[1:]) == "\x2a\x4d\x18":
		return packedZstd
	}
	return unpacked
}

// Read implements [io.Reader].
func (u *unpacker) Read(b []byte) (n int, err error) {
	if u.how != unpacked {
		b = b[:min(len(b), mostAtOnce)]
	}
	switch u.how {
	case packedGzip:
		n, err = u.gzip.Read(b)
	case packedZstd:
		n, err = u.zstd.Read(b)
	default:
		return u.head.Read(b)
	}
	u.out += int64(n)
	switch {
	case errors.Is(err, io.EOF):
		return n, io.EOF
	case u.out > anyRatio && u.out/maxRatio > u.in:
		return n, tooDense(u.how)
	}
	return n, u.broken(err)
}

// broken tells what is wrong with packed data from what is wrong with the way
// it comes.
func (u *unpacker) broken(err error) error {
	switch {
	case err == nil:
		return nil
	case u.err != nil && !errors.Is(u.err, io.EOF):
		return u.err
	case u.err != nil && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		return io.ErrUnexpectedEOF
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return snapshot.Fail(snapshot.Unsupported,
			"the page is zstd data that needs more than "+size(maxWindow)+" to unpack",
			"let the service use a window that HTTP allows, or gzip")
	}
	return snapshot.Fail(snapshot.Unsupported, "the page is "+string(u.how)+" data that cannot be unpacked",
		"see whether the service or a proxy garbles what it compresses")
}

// counted counts what comes from the body and remembers how it ended.
type counted struct{ u *unpacker }

func (c counted) Read(b []byte) (int, error) {
	if c.u.how != unpacked && c.u.in > c.u.out+maxOverhead {
		c.u.err = notMetrics(string(c.u.how) + " data with nothing in it")
		return 0, c.u.err
	}
	n, err := c.u.src.Read(b)
	c.u.in += int64(n)
	if err != nil {
		c.u.err = err
	}
	return n, err
}

func unknownEncoding(name string) error {
	return snapshot.Fail(snapshot.Unsupported, "the page is compressed as "+name+", which was not asked for",
		"let the service, or the proxy before it, answer in gzip, zstd or plain")
}

func tooDense(how packing) error {
	return snapshot.Fail(snapshot.Unsupported,
		fmt.Sprintf("the page is %s data of which each byte makes more than %d", how, maxRatio),
		"check that the address is a metrics page")
}
