package promql

import (
	"maps"
	"slices"

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
		name := r.labels()["instance"]
		x := t.byName[name]
		if x == nil {
			x = &snapshot.InstanceRates{Name: safe.New(name)}
			if name == "" {
				x.Name = safe.New("(no instance)")
			}
			t.byName[name] = x
		}
		*field(x) = snapshot.Known(v / scale)
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
