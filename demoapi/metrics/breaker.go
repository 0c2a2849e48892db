package metrics

import "github.com/prometheus/client_golang/prometheus"

// breakers are the metrics of circuit breakers.
type breakers struct {
	state       *prometheus.GaugeVec
	transitions *prometheus.CounterVec
}

// breakerStates are the words for a breaker's states 0, 1 and 2.
func breakerStates() []string { return []string{"closed", "half_open", "open"} }

func newBreakers(f factory, l Labels) breakers {
	b := breakers{
		state:       f.gauge("breaker_state", "State of a breaker: 0 closed, 1 half open, 2 open.", "name"),
		transitions: f.counter("breaker_transitions_total", "Changes of a breaker's state.", "name", "to"),
	}
	for _, name := range l.Breakers {
		b.state.WithLabelValues(name)
		for _, to := range breakerStates() {
			b.transitions.WithLabelValues(name, to)
		}
	}
	return b
}

// BreakerChanged notes a breaker's new state: 0 closed, 1 half open, 2 open. Any
// other is ignored.
func (m *Metrics) BreakerChanged(name string, to int) {
	states := breakerStates()
	if to < 0 || to >= len(states) {
		return
	}
	m.breakers.state.WithLabelValues(name).Set(float64(to))
	m.breakers.transitions.WithLabelValues(name, states[to]).Inc()
}
