package metrics

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Native histograms: buckets 10 % apart, at most a hundred of them, the counts
// begun anew at most once an hour when that is not enough.
const (
	nativeFactor  = 1.1
	nativeBuckets = 100
	nativeReset   = time.Hour
)

// factory makes metrics of one registry.
type factory struct{ registry *prometheus.Registry }

func (f factory) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	f.registry.MustRegister(c)
	return c
}

func (f factory) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	f.registry.MustRegister(g)
	return g
}

// histogram has the classic buckets given, upper bounds, and native ones.
func (f factory) histogram(o prometheus.HistogramOpts, labels ...string) *prometheus.HistogramVec {
	o.NativeHistogramBucketFactor = nativeFactor
	o.NativeHistogramMaxBucketNumber = nativeBuckets
	o.NativeHistogramMinResetDuration = nativeReset
	h := prometheus.NewHistogramVec(o, labels)
	f.registry.MustRegister(h)
	return h
}

// durationBuckets are the upper bounds of durations in seconds.
func durationBuckets() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
}

// children remembers the metrics of label values that have occurred, so that
// the next event finds them by one look into a map: no lock, no allocation. The
// caller bounds the number of different keys.
type children[K comparable, V any] struct {
	known atomic.Pointer[map[K]V]
	mu    sync.Mutex // held while known is replaced
	make  func(K) V
}

func newChildren[K comparable, V any](make func(K) V) *children[K, V] {
	c := &children[K, V]{make: make}
	c.known.Store(&map[K]V{})
	return c
}

func (c *children[K, V]) of(key K) V {
	if v, ok := (*c.known.Load())[key]; ok {
		return v
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := (*c.known.Load())[key]; ok {
		return v // another was quicker
	}
	more := maps.Clone(*c.known.Load())
	v := c.make(key)
	more[key] = v
	c.known.Store(&more)
	return v
}
