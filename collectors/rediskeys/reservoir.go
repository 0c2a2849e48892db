package rediskeys

import (
	"math"
	"math/rand/v2"
	"strings"

	"apitop/collectors/snapshot"
)

// reservoir is a sample of the keys of a pass in which each key has the same
// chance to be: algorithm R of Vitter (1985). Of a key that enters, the lifetime
// and the size are asked for.
type reservoir struct {
	keys []sampled
	seen uint64
}

type sampled struct {
	prefix string
	known  bool    // it was there when it was asked for
	ttl    float64 // seconds; never, or unknown below that
	bytes  int64   // -1: unknown
}

const (
	sampleKeys = 4096
	never      = -1.0
	unknownTTL = -2.0
)

func newReservoir() reservoir { return reservoir{} }

// offer gives a key its chance; the place it takes, or -1.
func (r *reservoir) offer(name string) int {
	r.seen++
	if len(r.keys) < sampleKeys {
		r.keys = append(r.keys, sampled{prefix: strings.Clone(prefixOf(name))})
		return len(r.keys) - 1
	}
	at := rand.Uint64N(r.seen)
	if at >= sampleKeys {
		return -1
	}
	r.keys[at] = sampled{prefix: strings.Clone(prefixOf(name))}
	return int(at)
}

// answer takes the replies to PTTL and MEMORY USAGE about the key at a place. A
// key that is gone is not in the sample.
func (r *reservoir) answer(at int, ttl, bytes any) {
	k := &r.keys[at]
	k.ttl, k.bytes = unknownTTL, -1
	n, ok := bytes.(int64)
	if ok {
		k.bytes = n
	}
	ms, told := ttl.(int64)
	switch {
	case told && ms == -1:
		k.ttl = never
	case told && ms >= 0:
		k.ttl = float64(ms) / 1000
	}
	k.known = bytes != nil && (!told || ms != -2) && (told || ok)
}

// sampled is the sample of the last whole pass, or of the first one so far, and
// how many keys it stands for.
func (e *explorer) sampled() (keys []sampled, of float64) {
	if e.whole {
		return e.sample, float64(e.sampleOf)
	}
	return e.now.sample.keys, float64(e.now.sample.seen)
}

// sizeBounds and ttlBounds are the upper bounds of the buckets, in bytes and in
// seconds; what is beyond is in the last.
func sizeBounds() []float64 {
	return []float64{64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 16 << 20, math.Inf(1)}
}

func ttlBounds() []float64 {
	return []float64{1, 10, 60, 300, 900, 3600, 4 * 3600, 86400, 7 * 86400, 30 * 86400, math.Inf(1)}
}

// summary is the sample in buckets; nil buckets where nothing was told.
func summary(keys []sampled, of float64) snapshot.KeySample {
	s := snapshot.KeySample{Of: of}
	var sizes, ttls []float64
	for _, k := range keys {
		if !k.known {
			continue
		}
		s.N++
		if k.bytes >= 0 {
			sizes = append(sizes, float64(k.bytes))
		}
		switch {
		case k.ttl == never:
			s.NoTTL++
		case k.ttl >= 0:
			ttls = append(ttls, k.ttl)
		}
	}
	s.Bytes, s.TTLs = buckets(sizes, sizeBounds()), buckets(ttls, ttlBounds())
	return s
}

// buckets counts values at or below each bound.
func buckets(values, bounds []float64) []snapshot.Bound {
	if len(values) == 0 {
		return nil
	}
	out := make([]snapshot.Bound, len(bounds))
	for i, le := range bounds {
		out[i].Le = le
		for _, v := range values {
			if v <= le {
				out[i].Count++
			}
		}
	}
	return out
}
