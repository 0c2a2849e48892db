package scrape

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is one field of a protobuf message.
type field struct {
	num    protowire.Number
	bytes  []byte // of a length-delimited field
	varint uint64 // of a varint or, as bits, a fixed field
}

func (f field) double() float64 { return math.Float64frombits(f.varint) }

// fields calls f for every field of msg. Groups end the message as broken:
// the format has none.
func fields(msg []byte, f func(field) error) error {
	for len(msg) > 0 {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 {
			return errBroken
		}
		msg = msg[n:]
		out := field{num: num}
		switch typ {
		case protowire.VarintType:
			out.varint, n = protowire.ConsumeVarint(msg)
		case protowire.Fixed64Type:
			out.varint, n = protowire.ConsumeFixed64(msg)
		case protowire.Fixed32Type:
			_, n = protowire.ConsumeFixed32(msg)
		case protowire.BytesType:
			out.bytes, n = protowire.ConsumeBytes(msg)
		default:
			return errBroken
		}
		if n < 0 {
			return errBroken
		}
		msg = msg[n:]
		if err := f(out); err != nil {
			return err
		}
	}
	return nil
}

// looksDelimited tells whether b begins like a delimited MetricFamily: a
// length, then the name field with a legal name in it. Text never does.
func looksDelimited(b []byte) bool {
	size, n := binary.Uvarint(b)
	return n > 0 && size > 0 && namedMessage(b[n:])
}

// looksMetricSet tells whether b begins like the other protobuf format, an
// openmetrics.MetricSet: a families field with a message in it that starts
// with a name.
func looksMetricSet(b []byte) bool {
	if len(b) < 2 || b[0] != 1<<3|byte(protowire.BytesType) {
		return false
	}
	size, n := binary.Uvarint(b[1:])
	return n > 0 && size > 0 && namedMessage(b[1+n:])
}

// namedMessage tells whether b begins with field 1 holding a metric name.
func namedMessage(b []byte) bool {
	if len(b) < 3 || b[0] != familyName<<3|byte(protowire.BytesType) {
		return false
	}
	size, n := binary.Uvarint(b[1:])
	if n <= 0 || size == 0 {
		return false
	}
	name := b[1+n:]
	name = name[:min(uint64(len(name)), size)]
	for _, c := range name {
		if !nameByte(c) && c < 0x80 {
			return false
		}
	}
	return len(name) > 0
}

// appendLabel appends name="value" as the text format writes it, behind a comma
// when it is not the first.
func appendLabel(b, name, value []byte) []byte {
	if len(b) > 0 {
		b = append(b, ',')
	}
	if bareLegal(name) {
		b = append(b, name...)
	} else {
		b = append(appendEscaped(append(b, '"'), name), '"')
	}
	b = append(b, `="`...)
	return append(appendEscaped(b, value), '"')
}

func appendEscaped(b, text []byte) []byte {
	for _, c := range text {
		switch c {
		case '\n':
			b = append(b, `\n`...)
		case '"', '\\':
			b = append(b, '\\', c)
		default:
			b = append(b, c)
		}
	}
	return b
}

// bareLegal tells whether name may stand without quotes in both text formats.
func bareLegal(name []byte) bool {
	for i, c := range name {
		if !nameByte(c) || c == '.' || c == '-' || i == 0 && '0' <= c && c <= '9' {
			return false
		}
	}
	return len(name) > 0
}
