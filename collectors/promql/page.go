package promql

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// page is the samples of one instance, to be read as the metrics page that they
// came from.
type page struct {
	target  map[string]string // labels that the server added: they are on no page
	kinds   map[string]string // types by family
	renamed map[string]string // label on the page -> label at the server
	raw     map[string]map[string]string
	native  map[string]bool // families whose samples are histograms
	names   map[string]bool // of all samples
	samples map[string][]string
}

// appended are the families that a server writes of each scrape: they are on no
// page. Source: prometheus.io, Jobs and instances.
var appended = map[string]bool{
	"up": true, "scrape_duration_seconds": true, "scrape_samples_scraped": true,
	"scrape_samples_post_metric_relabeling": true, "scrape_series_added": true,
	"scrape_timeout_seconds": true, "scrape_sample_limit": true, "scrape_body_size_bytes": true,
}

// exported is what a server puts before a page's label that it has a label of
// its own for.
const exported = "exported_"

// newPage sorts the rows of one instance by name.
func newPage(target, kinds map[string]string, rows []row) *page {
	p := &page{
		target: target, kinds: kinds, renamed: map[string]string{}, raw: map[string]map[string]string{},
		native: map[string]bool{}, names: map[string]bool{}, samples: map[string][]string{},
	}
	for i := range rows {
		labels := rows[i].labels()
		name := labels["__name__"]
		if name == "" || appended[name] {
			continue
		}
		delete(labels, "__name__")
		p.names[name] = true
		if p.raw[name] == nil {
			p.raw[name] = maps.Clone(labels)
		}
		p.strip(labels)
		p.add(name, labels, &rows[i])
	}
	return p
}

// strip takes away what the server added to the labels of a page.
func (p *page) strip(labels map[string]string) {
	for name, value := range p.target {
		if labels[name] == value {
			delete(labels, name)
		}
		if own, ok := labels[exported+name]; ok {
			delete(labels, exported+name)
			labels[name] = own
			p.renamed[name] = exported + name
		}
	}
}

// back is the name at the server of a label of the page.
func (p *page) back(label string) string {
	if name, ok := p.renamed[label]; ok {
		return name
	}
	return label
}

func (p *page) add(name string, labels map[string]string, r *row) {
	if v, ok := number(r); ok {
		p.sample(name, name, labels, v)
		return
	}
	if r.Histogram == nil || r.Histogram.Histogram == nil {
		return
	}
	// A reader of text knows classic histograms alone, so it gets the outlines of
	// one: what its labels are, how many there were, and of what size.
	h := r.Histogram.Histogram
	p.native[name] = true
	p.kinds[name] = "histogram"
	p.sample(name, name+"_count", labels, float64(h.Count))
	p.sample(name, name+"_sum", labels, float64(h.Sum))
	labels["le"] = "+Inf"
	p.sample(name, name+"_bucket", labels, float64(h.Count))
	if n := len(h.Buckets); n > 0 {
		if upper := float64(h.Buckets[n-1].Upper); finite(upper) {
			labels["le"] = strconv.FormatFloat(upper, 'g', -1, 64)
			p.sample(name, name+"_bucket", labels, float64(h.Count))
		}
	}
}

// sample writes a line of the page.
func (p *page) sample(family, name string, labels map[string]string, v float64) {
	var b strings.Builder
	plain := plainName(name, true)
	if plain {
		b.WriteString(name)
	}
	b.WriteByte('{')
	if !plain {
		b.WriteString(quote(name) + ",")
	}
	for _, l := range slices.Sorted(maps.Keys(labels)) {
		if plainName(l, false) {
			b.WriteString(l)
		} else {
			b.WriteString(quote(l))
		}
		b.WriteString("=" + quote(labels[l]) + ",")
	}
	b.WriteString("} " + strconv.FormatFloat(v, 'g', -1, 64) + "\n")
	p.samples[family] = append(p.samples[family], b.String())
}

// quote writes a string as the text format does.
func quote(s string) string { return `"` + escaper.Replace(s) + `"` }

var escaper = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// text is the page in the text format.
func (p *page) text() string {
	var b strings.Builder
	declared := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(p.samples)) {
		family, kind := p.kind(name)
		if kind != "" && !declared[family] && plainName(family, true) {
			b.WriteString("# TYPE " + family + " " + kind + "\n")
			declared[family] = true
		}
		for _, line := range p.samples[name] {
			b.WriteString(line)
		}
	}
	return b.String()
}

// kind is the declared type of the family that a sample belongs to; empty when
// the server does not know it.
func (p *page) kind(sample string) (family, kind string) {
	for _, end := range [...]string{"", "_bucket", "_count", "_sum", "_total"} {
		family, ok := strings.CutSuffix(sample, end)
		if kind := p.kinds[family]; ok && kind != "" {
			if end == "_total" {
				return sample, kind // OpenMetrics declares it without the end, text with it
			}
			return family, kind
		}
	}
	return "", ""
}
