package promql

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"apitop/collectors/scrape"
	"apitop/collectors/snapshot"
)

// place is where a row of an answer belongs.
type place struct {
	series *snapshot.Series
	le     float64 // the bound of a bucket, in seconds; NaN: no bucket
}

// places remembers where rows belong by their raw labels, so that an answer like
// the one before costs no reading of labels, and readings share their series.
type places struct {
	labels  scrape.Labels
	scale   float64
	byRaw   map[string]place
	series  map[string]*snapshot.Series
	ladders [][]float64 // bounds in use
}

// mostPlaces and mostLadders bound what is remembered.
const (
	mostPlaces  = 200_000
	mostLadders = 100
)

func newPlaces(l scrape.Labels, scale float64) *places {
	return &places{labels: l, scale: scale, byRaw: map[string]place{}, series: map[string]*snapshot.Series{}}
}

// of is where r belongs.
func (p *places) of(r *row) place {
	if at, ok := p.byRaw[string(r.Metric)]; ok {
		return at
	}
	if len(p.byRaw) >= mostPlaces || len(p.series) >= mostPlaces {
		clear(p.byRaw)
		clear(p.series)
	}
	labels := r.labels()
	at := place{series: p.seriesOf(labels), le: math.NaN()}
	if le, ok := labels["le"]; ok {
		if v, err := strconv.ParseFloat(le, 64); err == nil {
			at.le = v / p.scale
		}
	}
	p.byRaw[string(r.Metric)] = at
	return at
}

func (p *places) seriesOf(labels map[string]string) *snapshot.Series {
	s := p.labels.Series("", func(label string) string { return labels[label] })
	s.ID = s.Method.Raw() + "\x00" + s.Route.Raw() + "\x00" + s.Status.Raw()
	if known := p.series[s.ID]; known != nil {
		return known
	}
	p.series[s.ID] = s
	return s
}

// shared is bounds, or an equal ladder that is in use already.
func (p *places) shared(bounds []float64) []float64 {
	for _, l := range p.ladders {
		if slices.Equal(l, bounds) {
			return l
		}
	}
	if len(p.ladders) >= mostLadders {
		p.ladders = nil
	}
	p.ladders = append(p.ladders, bounds)
	return bounds
}

// bar is a bucket of an answer: what is at most le.
type bar struct{ le, n float64 }

// counts are the rows of an answer as requests a second. Rows of one place,
// such as get and GET, are added up.
func (p *places) counts(rows []row) []snapshot.Count {
	at := make(map[*snapshot.Series]int, len(rows))
	out := make([]snapshot.Count, 0, len(rows))
	for i := range rows {
		v, ok := number(&rows[i])
		if !ok {
			continue
		}
		s := p.of(&rows[i]).series
		if j, known := at[s]; known {
			out[j].Total += v
			continue
		}
		at[s] = len(out)
		out = append(out, snapshot.Count{Series: s, Total: v})
	}
	return out
}

// sums are the rows of an answer by their series.
func (p *places) sums(rows []row) map[*snapshot.Series]float64 {
	out := make(map[*snapshot.Series]float64, len(rows))
	for i := range rows {
		if v, ok := number(&rows[i]); ok {
			out[p.of(&rows[i]).series] += v
		}
	}
	return out
}

// largest is far beyond what anybody counts, and many of it still add up.
const largest = 1e300

// number is the value of a row that holds one.
func number(r *row) (float64, bool) {
	if r.Value == nil || !(math.Abs(float64(r.Value.Value)) <= largest) {
		return 0, false
	}
	return float64(r.Value.Value), true
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// classic are histograms from rows of buckets, and from sums in the unit of the
// page. A series without a sum or a last bucket is left out, and counted.
func (p *places) classic(buckets, sums []row) (out []snapshot.Histogram, dropped int) {
	bars := map[*snapshot.Series][]bar{}
	var order []*snapshot.Series
	for i := range buckets {
		at := p.of(&buckets[i])
		v, ok := number(&buckets[i])
		if !ok || math.IsNaN(at.le) {
			continue
		}
		if bars[at.series] == nil {
			order = append(order, at.series)
		}
		bars[at.series] = append(bars[at.series], bar{at.le, v})
	}
	total := p.sums(sums)
	for _, s := range order {
		h, ok := p.histogram(bars[s])
		sum, summed := total[s]
		if !ok || !summed {
			dropped++
			continue
		}
		h.Series, h.Sum = s, sum/p.scale
		out = append(out, h)
	}
	return out, dropped
}

// histogram puts buckets together; false when the last, open one is missing. A
// bound that is written in two ways ("1" and "1.0") is one: each has counted
// instances of its own.
func (p *places) histogram(bars []bar) (h snapshot.Histogram, ok bool) {
	slices.SortFunc(bars, func(a, b bar) int { return cmp.Compare(a.le, b.le) })
	bounds := make([]float64, 0, len(bars))
	for _, b := range bars {
		n := len(bounds)
		switch {
		case n > 0 && b.le == bounds[n-1]:
			h.Cumulative[n-1] += b.n
		default:
			bounds = append(bounds, b.le)
			h.Cumulative = append(h.Cumulative, b.n)
		}
	}
	last := len(bounds) - 1
	if last < 0 || !math.IsInf(bounds[last], 1) {
		return h, false
	}
	h.Bounds = p.shared(bounds[:last])
	h.Count = h.Cumulative[last]
	return h, true
}

// averages are histograms without buckets, from sums and counts.
func (p *places) averages(sums, counts []row) []snapshot.Histogram {
	total := p.sums(sums)
	var out []snapshot.Histogram
	for _, c := range p.counts(counts) {
		if sum, ok := total[c.Series]; ok {
			out = append(out, snapshot.Histogram{Series: c.Series, Count: c.Total, Sum: sum / p.scale, Cumulative: []float64{c.Total}})
		}
	}
	return out
}
