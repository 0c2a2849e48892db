package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Features that are steps towards an order.
const (
	viewFeature  = "view"
	orderFeature = "order"
)

// business is what the shop's owner asks about.
type business struct {
	active     *activity
	tiers      *children[string, prometheus.Counter]
	orders     *prometheus.CounterVec
	orderValue prometheus.Counter
	features   map[Endpoint]*feature // never changes
}

// feature counts the uses of one.
type feature struct {
	uses prometheus.Counter
	step prometheus.Counter // nil: no step of the funnel
}

func (f *feature) used() {
	f.uses.Inc()
	if f.step != nil {
		f.step.Inc()
	}
}

func newBusiness(f factory, l Labels) business {
	b := business{active: newActivity(), features: map[Endpoint]*feature{}}
	f.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "active_users", Help: "Distinct callers of the last five minutes, guests included; an estimate.",
		ConstLabels: prometheus.Labels{"window": "5m"},
	}, b.active.now))
	tiers := f.counter("user_requests_total", "Requests by the tier of who asked.", "tier")
	b.tiers = newChildren(func(tier string) prometheus.Counter { return tiers.WithLabelValues(tier) })
	for _, tier := range l.Tiers {
		b.tiers.of(tier)
	}
	b.orders = f.counter("orders_total", "Orders by the states they reached.", "status")
	for _, status := range []string{"pending", "confirmed", "failed"} {
		b.orders.WithLabelValues(status)
	}
	b.orderValue = f.counter("order_value_cents_total", "Value of the orders placed.").WithLabelValues()
	uses := f.counter("feature_uses_total", "Requests of a feature that did what they should.", "feature")
	funnel := f.counter("funnel_events_total", "Steps towards an order that were taken.", "step")
	for e, name := range l.Features {
		b.features[e] = &feature{uses: uses.WithLabelValues(name)}
		if name == viewFeature || name == orderFeature {
			b.features[e].step = funnel.WithLabelValues(name)
		}
	}
	return b
}

func (b *business) feature(e Endpoint) *feature { return b.features[e] }

// OrderPlaced counts an order that was made and now waits, with its value in
// cents.
func (m *Metrics) OrderPlaced(cents int64) {
	m.business.orders.WithLabelValues("pending").Inc()
	m.business.orderValue.Add(float64(cents))
}

// OrderSettled counts an order that became "confirmed" or "failed".
func (m *Metrics) OrderSettled(status string) { m.business.orders.WithLabelValues(status).Inc() }
