package scrape

import "strings"

// kind is the type that a page declares for a family.
type kind uint8

const (
	kindUntyped kind = iota // undeclared, "untyped", "unknown" or an unknown word
	kindCounter
	kindGauge
	kindHistogram
	kindSummary
	kindOther // info, stateset, gaugehistogram: nothing we count with
)

// kindOf reads the word behind # TYPE name, in any case, as expfmt does. An unknown word is no error: the
// samples are as good as untyped ones.
func kindOf(word []byte) kind {
	switch strings.ToLower(string(word)) {
	case "counter":
		return kindCounter
	case "gauge":
		return kindGauge
	case "histogram":
		return kindHistogram
	case "summary":
		return kindSummary
	case "info", "stateset", "gaugehistogram", "gauge_histogram":
		return kindOther
	}
	return kindUntyped
}
