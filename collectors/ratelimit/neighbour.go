package ratelimit

import (
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// shownCells is how much of a name is drawn.
const shownCells = 80

// limiterOf is what the key itself tells.
func limiterOf(r Ref, algorithm string) snapshot.Limiter {
	return snapshot.Limiter{
		Key:       safe.Short(r.Key, shownCells),
		Series:    r.series(),
		Subject:   safe.Short(subject(r.Subject), shownCells),
		Endpoint:  safe.Short(r.Endpoint, shownCells),
		Tier:      safe.Short(r.group("tier"), shownCells),
		Layout:    r.Layout.Name,
		Algorithm: algorithm,
	}
}

// askNeighbour asks the hash beside the key.
func askNeighbour(r Ref) []string {
	ep := r.Endpoint
	return []string{"hmget", r.Layout.Neighbour(r.Subject), "tier", "window", "limit:" + ep, "allowed:" + ep, "denied:" + ep}
}

// readNeighbour takes what the hash beside the key tells: tier, window, limit,
// and how many requests were let through and denied since it was born.
func readNeighbour(l *snapshot.Limiter, reply any) {
	f, ok := reply.([]any)
	if !ok || len(f) != 5 {
		return
	}
	if tier, ok := f[0].(string); ok {
		l.Tier = safe.Short(tier, shownCells)
	}
	if w := number(f[1]); w.V > 0 {
		l.WindowSeconds = w
	}
	if limit := number(f[2]); limit.OK && limit.V >= 0 {
		l.Limit, l.LimitFrom = limit, "neighbour"
	}
	allowed, denied := number(f[3]), number(f[4])
	if allowed.OK || denied.OK { // a counter that was never bumped is not there
		l.DeniedTotal = snapshot.Known(denied.V)
		l.RequestedTotal = snapshot.Known(allowed.V + denied.V)
	}
}
