package scrape

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"apitop/collectors/snapshot"
)

// Native buckets in the protobuf format: runs of buckets (spans), each so many
// places behind the one before, and their counts, either as differences or as
// floats. Source: client_model metrics.proto, Histogram; what can be wrong with
// them is what Prometheus refuses too (model/histogram, Validate).
const (
	nativeSchema, nativeZeroWidth                 = 5, 6 // of Histogram
	nativeZeroCount, nativeZeroFloat              = 7, 8
	nativeNegSpan, nativeNegDelta, nativeNegFloat = 9, 10, 11
	nativePosSpan, nativePosDelta, nativePosFloat = 12, 13, 14
	spanOffset, spanLength                        = 1, 2 // of BucketSpan
)

// Schemas of exponential buckets; no other kind is written in this format.
const minNativeSchema, maxNativeSchema = -4, 8

const (
	maxNativeBuckets = 2000 // of one histogram and side, with empty ones; real ones have up to 160
	bucketsPerSeries = 4    // native buckets on a page for each series that it may have
)

// The reasons why the native buckets of one histogram are left out.
const (
	errNativeSchema syntaxError = "native buckets of an unknown schema"
	errNativeSpans  syntaxError = "native buckets that do not fit their spans"
	errNativeCount  syntaxError = "a native bucket whose count cannot be"
	errNativeZero   syntaxError = "a zero bucket that cannot be"
	errNativeMany   syntaxError = "too many native buckets"
)

func tooManyBuckets(limit int) error {
	return snapshot.Fail(snapshot.Unsupported,
		fmt.Sprintf("the page has more than %d native buckets", limit), fixLabels)
}

// nativeScan reads the native buckets of one histogram after another, always
// into the same memory: only what differs from the page before is allocated.
type nativeScan struct {
	schema    int64
	width     float64 // of the zero bucket
	zero      float64 // observations in it
	pos, neg  nativeSide
	buckets   []snapshot.Sparse // those of both sides, the positive first
	positives int               // how many of them
	onPage    int               // buckets so far
}

// nativeSide is the positive or the negative buckets as they are written.
type nativeSide struct {
	spans  []nativeSpan
	counts []float64
	last   int64 // the count that the next difference is from
	err    error
}

type nativeSpan struct{ offset, length int64 }

func (n *nativeScan) reset() {
	n.schema, n.width, n.zero = 0, 0, 0
	n.pos.reset()
	n.neg.reset()
}

func (s *nativeSide) reset() {
	s.spans, s.counts, s.last, s.err = s.spans[:0], s.counts[:0], 0, nil
}

// take reads one field of a Histogram. What is wrong with the buckets is told by
// build: it makes only them unknown. The error is one of the message.
func (n *nativeScan) take(f field) error {
	switch f.num {
	case nativeSchema:
		n.schema = protowire.DecodeZigZag(f.varint)
	case nativeZeroWidth:
		n.width = f.double()
	case nativeZeroCount:
		n.zero = max(n.zero, float64(f.varint))
	case nativeZeroFloat:
		n.zero = max(n.zero, f.double())
	case nativePosSpan:
		return n.pos.span(f.bytes)
	case nativeNegSpan:
		return n.neg.span(f.bytes)
	case nativePosDelta:
		return n.pos.deltas(f)
	case nativeNegDelta:
		return n.neg.deltas(f)
	case nativePosFloat:
		return n.pos.floats(f)
	case nativeNegFloat:
		return n.neg.floats(f)
	}
	return nil
}

// span reads a BucketSpan.
func (s *nativeSide) span(msg []byte) error {
	var out nativeSpan
	err := fields(msg, func(f field) error {
		switch f.num {
		case spanOffset:
			out.offset = int64(int32(protowire.DecodeZigZag(f.varint))) //nolint:gosec // a sint32 on the wire
		case spanLength:
			out.length = int64(uint32(f.varint)) //nolint:gosec // a uint32 on the wire
		}
		return nil
	})
	if len(s.spans) >= maxNativeBuckets {
		s.err = errNativeMany
		return err
	}
	s.spans = append(s.spans, out)
	return err
}

// deltas reads one difference, or a packed list of them.
func (s *nativeSide) deltas(f field) error {
	if f.bytes == nil {
		s.delta(f.varint)
		return nil
	}
	for b := f.bytes; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return errBroken
		}
		s.delta(v)
		b = b[n:]
	}
	return nil
}

func (s *nativeSide) delta(v uint64) {
	s.last += protowire.DecodeZigZag(v)
	s.count(float64(s.last))
}

// floats reads one count, or a packed list of them.
func (s *nativeSide) floats(f field) error {
	if f.bytes == nil {
		s.count(f.double())
		return nil
	}
	b := f.bytes
	if len(b)%8 != 0 {
		return errBroken
	}
	for ; len(b) > 0; b = b[8:] {
		s.count(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return nil
}

func (s *nativeSide) count(n float64) {
	switch {
	case len(s.counts) >= maxNativeBuckets:
		s.err = errNativeMany
	case !finite(n) || n < 0:
		s.err = errNativeCount
	default:
		s.counts = append(s.counts, n)
	}
}

// there tells whether the histogram has native buckets, by the rule of the
// format: one without observations yet has a zero bucket or an empty span.
func (n *nativeScan) there() bool {
	return n.width != 0 || n.zero != 0 || len(n.pos.spans) > 0 || len(n.neg.spans) > 0
}

// build puts the buckets together; the error says why that cannot be.
func (n *nativeScan) build() (err error) {
	switch {
	case n.schema < minNativeSchema || n.schema > maxNativeSchema:
		return errNativeSchema
	case !finite(n.width) || n.width < 0 || !finite(n.zero) || n.zero < 0:
		return errNativeZero
	}
	if n.buckets, err = n.pos.buckets(n.buckets[:0], int(n.schema)); err != nil {
		return err
	}
	n.positives = len(n.buckets)
	n.buckets, err = n.neg.buckets(n.buckets, int(n.schema))
	return err
}

// buckets appends those of the side that hold something.
func (s *nativeSide) buckets(out []snapshot.Sparse, schema int) ([]snapshot.Sparse, error) {
	if s.err != nil {
		return out, s.err
	}
	lowest, highest := indexes(schema)
	index, rest := int64(0), s.counts
	for i, span := range s.spans {
		if i > 0 && span.offset < 0 || span.length > int64(len(rest)) {
			return out, errNativeSpans
		}
		index += span.offset
		for _, n := range rest[:span.length] {
			if n > 0 {
				if index < lowest || index > highest {
					return out, errNativeSpans
				}
				out = append(out, snapshot.Sparse{Index: int32(index), Count: n}) //nolint:gosec // between the ends
			}
			index++
		}
		rest = rest[span.length:]
	}
	if len(rest) > 0 {
		return out, errNativeSpans
	}
	return out, nil
}

// indexes are the first and the last bucket that a number can be in: those of the
// powers of two from 2^-1075 to 2^1024, and one for infinities.
func indexes(schema int) (lowest, highest int64) {
	if schema < 0 {
		return -1075 >> -schema, 1024>>-schema + 1
	}
	return -1075 << schema, 1024<<schema + 1
}

// of makes what was built a Native, or gives old when it is the same.
func (n *nativeScan) of(old *snapshot.Native) *snapshot.Native {
	pos, neg := n.buckets[:n.positives], n.buckets[n.positives:]
	if old != nil && old.Schema == int(n.schema) && old.ZeroThreshold == n.width && old.ZeroCount == n.zero &&
		slices.Equal(old.Positive, pos) && slices.Equal(old.Negative, neg) {
		return old
	}
	fresh := &snapshot.Native{Schema: int(n.schema), ZeroThreshold: n.width, ZeroCount: n.zero}
	all := slices.Clone(n.buckets)
	if len(pos) > 0 {
		fresh.Positive = all[:len(pos):len(pos)]
	}
	if len(neg) > 0 {
		fresh.Negative = all[len(pos):]
	}
	return fresh
}

// native gives the histogram whose count was just put its native buckets. Broken
// ones count as a bad sample.
func (p *protoScan) native(count *series) error {
	g := count.group
	g.nativeSeen = 0 // until they are known to be of this scan
	if !p.buckets.there() {
		return nil
	}
	if err := p.buckets.build(); err != nil {
		return p.forgive(err, p.raw[:len(p.raw)-1])
	}
	p.buckets.onPage += len(p.buckets.buckets)
	if limit := bucketsPerSeries * p.src.limits.Series; p.buckets.onPage > limit {
		return tooManyBuckets(limit)
	}
	g.native, g.nativeSeen = p.buckets.of(g.native), p.table.scan
	if !count.metric.native {
		count.metric.native, p.table.changed = true, true
	}
	return nil
}

// nativeIn is the group's native buckets with their unit; nil when it has none
// in the newest scan.
func (g *group) nativeIn(perSecond float64) *snapshot.Native {
	if g.native == nil || g.count == nil || g.nativeSeen != g.count.seen {
		return nil
	}
	if g.native.PerSecond != perSecond {
		of := *g.native // the old one may be in a reading
		of.PerSecond = perSecond
		g.native = &of
	}
	return g.native
}
