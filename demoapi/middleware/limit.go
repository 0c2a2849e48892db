package middleware

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"apitop/demoapi/limit"
	"apitop/demoapi/rdb"
)

// Limiter decides whether a request may go on; see [limit.Shared].
type Limiter interface {
	Allow(ctx context.Context, r limit.Request) (limit.Result, error)
}

// LimitObserver is told of each decision, of those among them that were made
// without Redis, and of each request that was let through without any.
type LimitObserver interface {
	Decided(tier, endpoint string, allowed bool)
	LocalDecision(allowed bool)
	Undecided(tier, endpoint, reason string)
}

// quotaExceeded is the problem type of a request over its quota
// (draft-ietf-httpapi-ratelimit-headers-11, section 6).
const quotaExceeded = "https://iana.org/assignments/http-problem-types#quota-exceeded"

// Limiting is what [Limit] works with.
type Limiting struct {
	Limiter  Limiter
	Plan     limit.Plan
	Observer LimitObserver
}

// Limit answers 429 to requests over the quota of their tier and class or over
// the user's quota of all classes, and tells all others how much is left:
// RateLimit and RateLimit-Policy with both quotas
// (draft-ietf-httpapi-ratelimit-headers-11), and the older X-RateLimit-* with the
// one that binds. If the limiter cannot decide, the request goes on without these
// headers.
func Limit(l Limiting) Middleware {
	policies := newPolicies(l.Plan)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			info := InfoFrom(r.Context())
			if l.pass(w, r, policies.of(info.Tier, l.Plan.Class(info.Route))) {
				next.ServeHTTP(w, r)
			}
		})
	}
}

// pass decides on a request and tells everyone; false: it was answered.
func (l *Limiting) pass(w http.ResponseWriter, r *http.Request, p *policy) bool {
	info := InfoFrom(r.Context())
	tier, class := string(info.Tier), string(p.class)
	res, err := l.Limiter.Allow(r.Context(), limit.Request{
		Subject: info.Subject, Tier: info.Tier, Class: p.class, Quota: p.quota, Overall: p.overall,
	})
	if err != nil {
		l.Observer.Undecided(tier, class, rdb.Reason(err))
		return true
	}
	l.Observer.Decided(tier, class, res.Allowed)
	if res.Local {
		l.Observer.LocalDecision(res.Allowed)
	}
	limitHeaders(w.Header(), p, &res)
	if !res.Allowed {
		deny(w, r, p, &res)
	}
	return res.Allowed
}

func deny(w http.ResponseWriter, r *http.Request, p *policy, res *limit.Result) {
	name := p.name
	if res.Policy == limit.ByAll {
		name = p.overallName
	}
	wait := seconds(res.RetryAfter)
	w.Header().Set("Retry-After", strconv.FormatInt(wait, 10))
	WriteProblem(w, r, Problem{
		Type: quotaExceeded, Status: http.StatusTooManyRequests, Title: "Quota exceeded",
		Detail:           fmt.Sprintf("%d requests in %d seconds are allowed; the next one is in %d seconds.", res.Limit, seconds(res.Window), wait),
		ViolatedPolicies: []string{name}, Limit: res.Limit, ResetTime: resetTime(res),
	})
}
