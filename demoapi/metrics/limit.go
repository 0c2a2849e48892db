package metrics

import "github.com/prometheus/client_golang/prometheus"

// decisions are the metrics of the limiter.
type decisions struct {
	made   *children[decision, prometheus.Counter]
	errors *prometheus.CounterVec
	local  *prometheus.CounterVec
}

type decision struct{ tier, endpoint, decision string }

// The words for a decision.
const (
	allowed = "allowed"
	denied  = "denied"
	failed  = "error"
)

func newDecisions(f factory, l Labels) decisions {
	d := decisions{
		errors: f.counter("ratelimit_errors_total", "Decisions that Redis did not make.", "reason"),
		local:  f.counter("ratelimit_local_decisions_total", "Decisions made in the process, without Redis.", "decision"),
	}
	made := f.counter("ratelimit_decisions_total", "Requests by what the limiter decided.", "tier", "endpoint", "decision")
	d.made = newChildren(func(k decision) prometheus.Counter { return made.WithLabelValues(k.tier, k.endpoint, k.decision) })
	for _, tier := range l.Tiers {
		for _, endpoint := range l.Endpoints {
			for _, word := range []string{allowed, denied, failed} {
				d.made.of(decision{tier, endpoint, word})
			}
		}
	}
	for _, reason := range l.Reasons {
		d.errors.WithLabelValues(reason)
	}
	for _, word := range []string{allowed, denied} {
		d.local.WithLabelValues(word)
	}
	return d
}

// verdict is the word for a decision.
func verdict(ok bool) string {
	if ok {
		return allowed
	}
	return denied
}

// Decided counts a decision of the limiter.
func (m *Metrics) Decided(tier, endpoint string, ok bool) {
	m.limit.made.of(decision{tier, endpoint, verdict(ok)}).Inc()
}

// Undecided counts a request let through without a decision.
func (m *Metrics) Undecided(tier, endpoint, reason string) {
	m.limit.made.of(decision{tier, endpoint, failed}).Inc()
	m.LimiterFailed(reason)
}

// LimiterFailed counts a decision that Redis did not make.
func (m *Metrics) LimiterFailed(reason string) { m.limit.errors.WithLabelValues(reason).Inc() }

// LocalDecision counts a decision made without Redis.
func (m *Metrics) LocalDecision(ok bool) { m.limit.local.WithLabelValues(verdict(ok)).Inc() }
