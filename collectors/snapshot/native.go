package snapshot

// Native holds the buckets of a native histogram: exponential, sparse, each at
// most a few percent wide. Bucket i of the positive side holds observations in
// (base^(i-1), base^i] with base = 2^(2^-Schema); the negative side mirrors it.
// Source: prometheus/client_model io/prometheus/client/metrics.proto, Histogram.
// A Native never changes once it is handed on.
type Native struct {
	Schema        int      // -4..8, the higher the finer
	PerSecond     float64  // how many of the observed unit make a second: 1, 1000 for ms
	ZeroThreshold float64  // observations within ±this are in the zero bucket, in the observed unit
	ZeroCount     float64  // observations in it
	Positive      []Sparse // by rising index; empty buckets are left out
	Negative      []Sparse // by rising index, away from zero
}

// Sparse is one bucket of a native histogram.
type Sparse struct {
	Index int32
	Count float64 // observations in this bucket alone
}

// Pages is what one address gave when several processes answer behind it: a page
// of each. Their Instance is the same, their Target is not.
type Pages []*HTTP

func (p Pages) addTo(s *Snapshot) {
	for _, h := range p {
		h.addTo(s)
	}
}

// Facts implements [Reading]: those of the first page, and how many there are.
func (p Pages) Facts() []Fact {
	if len(p) == 0 {
		return nil
	}
	return append(p[0].Facts(), Fact{"processes", len(p)})
}
