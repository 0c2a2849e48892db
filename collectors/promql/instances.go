package promql

import (
	"maps"
	"slices"
	"strconv"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// instanceTable puts the figures of instances together.
type instanceTable struct {
	byName map[string]*snapshot.InstanceRates
}

// fill takes the answer of one figure, whose unit goes into what is shown scale
// times. Rows of one name, such as two ports of a host's jobs, keep the last.
func (t instanceTable) fill(q *question, scale float64, field func(*snapshot.InstanceRates) *snapshot.Value) {
	for i := range q.answer.rows {
		r := &q.answer.rows[i]
		v, ok := number(r)
		if !ok {
			continue
		}
		*field(t.of(r.labels()[instanceLabel])) = snapshot.Known(v / scale)
	}
}

// of is the instance called name.
func (t instanceTable) of(name string) *snapshot.InstanceRates {
	x := t.byName[name]
	if x == nil {
		x = &snapshot.InstanceRates{Name: safe.New(name)}
		if name == "" {
			x.Name = safe.New("(no instance)")
		}
		t.byName[name] = x
	}
	return x
}

// spread takes the answer of the distributions. One that lacks the bucket for
// all is left out.
func (t instanceTable) spread(q *question, p *places) {
	bars := map[string][]bar{}
	for i := range q.answer.rows {
		r := &q.answer.rows[i]
		labels := r.labels()
		name := labels[instanceLabel]
		if r.Histogram != nil && r.Histogram.Histogram != nil {
			if h, ok := p.native(r.Histogram.Histogram); ok {
				t.of(name).Durations = h
			}
			continue
		}
		v, ok := number(r)
		if le, err := strconv.ParseFloat(labels["le"], 64); ok && err == nil {
			bars[name] = append(bars[name], bar{le / p.scale, v})
		}
	}
	for name, list := range bars {
		if h, ok := p.histogram(list); ok {
			t.of(name).Durations = h
		}
	}
}

// list is all instances by name. Until here their ErrorRatio is errors a second;
// an instance without any has no row of them.
func (t instanceTable) list(statuses bool) []snapshot.InstanceRates {
	all := make([]snapshot.InstanceRates, 0, len(t.byName))
	for _, name := range slices.Sorted(maps.Keys(t.byName)) {
		x := *t.byName[name]
		failed := x.ErrorRatio.V
		x.ErrorRatio = snapshot.Value{}
		if statuses && x.RPS.OK && x.RPS.V > 0 {
			x.ErrorRatio = snapshot.Known(failed / x.RPS.V)
		}
		all = append(all, x)
	}
	return all
}
