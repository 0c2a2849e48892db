package screentest

import (
	"fmt"

	"apitop/collectors/analysis"
	"apitop/collectors/safe"
)

// Fleet is Calm with so many metrics pages, found in a file, of which some are
// down: each down'th, from the second on.
func Fleet(pages, down int) *analysis.Report {
	r := *Calm()
	r.Sources = []analysis.Source{{
		Name: safe.New("targets file /etc/prometheus/shop.json"), Kind: analysis.KindTargets, State: analysis.StateOK,
		AgeSeconds: known(3), TookSeconds: known(0.0004),
	}}
	refused := "connection refused"
	for i := range pages {
		s := analysis.Source{
			Name: safe.New(fmt.Sprintf("metrics 10.0.%d.%d:9100", i/100, i%100)), Kind: analysis.KindMetrics,
			State: analysis.StateOK, AgeSeconds: known(0.4), TookSeconds: known(0.002),
		}
		if i%down == 1 {
			s.State, s.Error, s.Fix = analysis.StateFailed, &refused, "see whether the service runs and listens there"
			s.AgeSeconds, s.RetryInSeconds = known(95), known(17)
		}
		r.Sources = append(r.Sources, s)
	}
	return &r
}
