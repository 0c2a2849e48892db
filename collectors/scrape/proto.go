package scrape

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"apitop/collectors/snapshot"
)

// The delimited protobuf format: messages io.prometheus.client.MetricFamily,
// each behind its length as a varint. The fields are read straight from the
// wire: unmarshalled messages take up to a hundred times the bytes of a hostile
// page, and each series must come out as the text format would write it anyway.
//
// Field numbers: https://github.com/prometheus/client_model, metrics.proto.
const (
	familyName, familyType, familyMetric, familyUnit = 1, 3, 4, 5

	metricLabel, metricGauge, metricCounter, metricSummary = 1, 2, 3, 4
	metricUntyped, metricStamp, metricHistogram            = 5, 6, 7

	labelName, labelText = 1, 2
	simpleValue          = 1 // of Gauge, Counter and Untyped

	distCount, distSum, distParts, distCountFloat = 1, 2, 3, 4 // of Summary and Histogram
	partFirst, partSecond, partFloat              = 1, 2, 4    // of Quantile and Bucket
)

// protoKinds maps MetricType.
var protoKinds = [...]kind{kindCounter, kindGauge, kindSummary, kindUntyped, kindHistogram, kindOther}

// protoScan reads a page of protobuf messages into the table of a scan.
type protoScan struct {
	scan
	buckets nativeScan
	taken   *series // of the newest sample; nil when it was refused
	name    []byte  // of the family at hand
	labels  []byte  // of the metric at hand: `a="b",c="d"`
	bound   []byte  // scratch: le or quantile
	raw     []byte  // scratch: a series as the text format writes it
	began   float64 // when the metric at hand began, unix seconds; 0: unknown
	written int64   // bytes of all series
}

// maxGrowth is how much longer than the page its series may be as text. A real
// page grows about sixfold; a hostile one repeats long labels in many buckets.
const maxGrowth = 16

// read reads all messages. A page that breaks off or does not decode fails as a
// whole, as nothing says where the next message would begin.
func (p *protoScan) read() error {
	for n := 1; ; n++ {
		size, width := binary.Uvarint(p.src.peek(binary.MaxVarintLen64))
		switch {
		case width == 0 && len(p.src.peek(1)) == 0 && p.src.ended():
			return nil
		case width <= 0 && p.src.err != nil && !p.src.ended():
			return p.src.err
		case width <= 0:
			return brokenMessage(n)
		case size > uint64(p.src.limits.MessageBytes):
			return tooLongMessage(p.src.limits.MessageBytes)
		}
		p.src.skip(width)
		msg, err := p.src.piece(int(size))
		if err != nil {
			return err
		}
		p.src.line = n
		if err := p.family(msg); errors.Is(err, errBroken) {
			return brokenMessage(n)
		} else if err != nil {
			return err
		}
	}
}

const errBroken syntaxError = "not a protobuf message"

func brokenMessage(n int) error {
	return snapshot.Fail(snapshot.Unsupported,
		fmt.Sprintf("protobuf message %d cannot be read", n),
		"check that the address is a metrics page; io.prometheus.client.MetricFamily, delimited, is the one protobuf format read")
}

// family reads one MetricFamily: first what holds for all its metrics, as
// nothing fixes the order of fields.
func (p *protoScan) family(msg []byte) error {
	var name, unit []byte
	var typ uint64
	err := fields(msg, func(f field) error {
		switch f.num {
		case familyName:
			name = f.bytes
		case familyType:
			typ = f.varint
		case familyUnit:
			unit = f.bytes
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(name) == 0 {
		return errBroken
	}
	if err := p.declare(name, unit, typ); err != nil {
		return err
	}
	p.name = name
	return fields(msg, func(f field) error {
		if f.num != familyMetric {
			return nil
		}
		samples := p.samples
		if err := p.metric(f.bytes); err != nil || p.samples > samples {
			return err
		}
		p.idle++
		return p.wasted()
	})
}

func (p *protoScan) declare(name, unit []byte, typ uint64) error {
	k := kindOther
	if typ < uint64(len(protoKinds)) {
		k = protoKinds[typ]
	}
	err := p.table.declare(name, k)
	if err == nil && len(unit) > 0 {
		err = p.table.declareUnit(name, unit)
	}
	return err
}

// metric reads one Metric.
func (p *protoScan) metric(msg []byte) error {
	p.labels = p.labels[:0]
	stamp := 0.0
	err := fields(msg, func(f field) error {
		switch f.num {
		case metricLabel:
			return p.label(f.bytes)
		case metricStamp:
			stamp = float64(int64(f.varint))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return fields(msg, func(f field) error {
		switch f.num {
		case metricGauge, metricCounter, metricUntyped:
			v, began, err := simple(f.bytes, f.num)
			if err != nil {
				return err
			}
			p.began = began
			return p.sample("", nil, v, stamp)
		case metricSummary, metricHistogram:
			return p.distribution(f, stamp)
		}
		return nil
	})
}

// label appends one LabelPair to the labels.
func (p *protoScan) label(msg []byte) error {
	var name, value []byte
	err := fields(msg, func(f field) error {
		switch f.num {
		case labelName:
			name = f.bytes
		case labelText:
			value = f.bytes
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.labels = appendLabel(p.labels, name, value)
	return nil
}

// distribution reads a Summary or a Histogram.
func (p *protoScan) distribution(d field, stamp float64) error {
	n, total := 0.0, 0.0
	p.began = 0
	p.buckets.reset()
	err := fields(d.bytes, func(f field) (err error) {
		switch f.num {
		case distCount:
			n = max(n, float64(f.varint))
		case distCountFloat:
			if d.num == metricSummary {
				p.began, err = timestamp(f.bytes) // a summary has no such count
				return err
			}
			n = max(n, f.double())
		case histogramCreated:
			if d.num == metricHistogram {
				p.began, err = timestamp(f.bytes)
				return err
			}
		case distSum:
			total = f.double()
		case distParts:
			return p.part(d.num, f.bytes, stamp)
		default:
			if d.num == metricHistogram {
				return p.buckets.take(f)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := p.sample("_sum", nil, total, stamp); err != nil {
		return err
	}
	if err := p.sample("_count", nil, n, stamp); err != nil || p.taken == nil {
		return err
	}
	return p.native(p.taken)
}

// part reads a Quantile of a summary or a Bucket of a histogram.
func (p *protoScan) part(of protowire.Number, msg []byte, stamp float64) error {
	var bound, value float64
	err := fields(msg, func(f field) error {
		switch {
		case of == metricSummary && f.num == partFirst, of == metricHistogram && f.num == partSecond:
			bound = f.double()
		case of == metricSummary && f.num == partSecond, of == metricHistogram && f.num == partFloat:
			value = f.double()
		case f.num == partFirst:
			value = float64(f.varint)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if of == metricSummary {
		p.bound = appendBound(p.bound[:0], "quantile", bound)
		return p.sample("", p.bound, value, stamp)
	}
	p.bound = appendBound(p.bound[:0], "le", bound)
	return p.sample("_bucket", p.bound, value, stamp)
}

// appendBound writes name="bound" as the text format does.
func appendBound(b []byte, name string, bound float64) []byte {
	b = append(append(b, name...), `="`...)
	if math.IsInf(bound, 1) {
		b = append(b, "+Inf"...)
	} else {
		b = strconv.AppendFloat(b, bound, 'g', -1, 64)
	}
	return append(b, '"')
}

// sample takes one sample of the metric at hand. What the text scanner would
// call a bad line is counted here too.
func (p *protoScan) sample(suffix string, extra []byte, value, stamp float64) error {
	p.series(suffix, extra)
	p.taken = nil
	p.written += int64(len(p.raw))
	switch {
	case len(p.raw) > p.src.limits.LineBytes:
		return tooLongLine(p.src.line, p.src.limits.LineBytes)
	case p.written > maxGrowth*p.src.limits.BodyBytes:
		return tooLong(p.src.limits.BodyBytes)
	}
	raw := p.raw[:len(p.raw)-1]
	s := p.table.expect(p.raw)
	var err error
	if s == nil {
		s, err = p.table.find(raw)
	}
	if err == nil {
		err = p.table.put(s, value, stamp)
	}
	if err != nil {
		return p.forgive(err, raw)
	}
	s.bornAt(p.began)
	p.samples++
	p.taken = s
	return nil
}

// series writes the series to p.raw as a line of text would begin, with the
// blank before the value.
func (p *protoScan) series(suffix string, extra []byte) {
	raw := p.raw[:0]
	open := byte('{')
	if bareLegal(p.name) {
		raw = append(append(raw, p.name...), suffix...)
	} else {
		raw = append(raw, `{"`...)
		raw = append(append(appendEscaped(raw, p.name), suffix...), '"')
		open = ','
	}
	for _, part := range [...][]byte{p.labels, extra} {
		if len(part) > 0 {
			raw = append(append(raw, open), part...)
			open = ','
		}
	}
	if open == ',' {
		raw = append(raw, '}')
	}
	raw = append(raw, ' ')
	p.raw = raw
}
