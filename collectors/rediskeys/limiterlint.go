package rediskeys

import (
	"slices"

	"apitop/collectors/ratelimit"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// lintOf counts the rules that limiters' keys break, by rule and layout, the
// gravest rules first.
func lintOf(limiters []snapshot.Limiter) []snapshot.LimiterLint {
	var list []snapshot.LimiterLint
	for _, rule := range ratelimit.LintRules() {
		from := len(list)
		for i := range limiters {
			l := &limiters[i]
			if !slices.Contains(l.Lint, rule.Name) {
				continue
			}
			at := slices.IndexFunc(list[from:], func(n snapshot.LimiterLint) bool { return n.Layout == l.Layout })
			if at < 0 {
				at = len(list) - from
				list = append(list, snapshot.LimiterLint{
					Rule: rule.Name, Layout: l.Layout, What: safe.New(rule.What), Fix: rule.Fix, Example: l.Key,
				})
			}
			list[from+at].Keys++
		}
	}
	return list
}
