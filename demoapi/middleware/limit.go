package middleware

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"apitop/demoapi/limit"
	"apitop/demoapi/rdb"
)

// Limiter decides whether a request may go on; see [limit.Window].
type Limiter interface {
	Allow(ctx context.Context, r limit.Request) (limit.Result, error)
}

// LimitObserver is told of each decision, and of each request that was let
// through without one.
type LimitObserver interface {
	Decided(tier, endpoint string, allowed bool)
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
	Exempt   []string // routes that are not limited
}

// Limit answers 429 to requests over the quota of their tier and class, and
// tells all others how much is left: RateLimit and RateLimit-Policy
// (draft-ietf-httpapi-ratelimit-headers-11) and the older X-RateLimit-*. If
// the limiter cannot decide, the request goes on without these headers.
func Limit(l Limiting) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			info := InfoFrom(r.Context())
			if slices.Contains(l.Exempt, info.Route) {
				next.ServeHTTP(w, r)
				return
			}
			class := l.Plan.Class(info.Route)
			res, err := l.Limiter.Allow(r.Context(), limit.Request{
				Subject: info.Subject, Tier: info.Tier, Class: class, Quota: l.Plan.Quota(info.Tier, class),
			})
			if err != nil {
				l.Observer.Undecided(string(info.Tier), string(class), rdb.Reason(err))
				next.ServeHTTP(w, r)
				return
			}
			l.Observer.Decided(string(info.Tier), string(class), res.Allowed)
			policy := policyName(info.Tier, class)
			limitHeaders(w.Header(), policy, res)
			if !res.Allowed {
				deny(w, r, policy, res)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// policyName names a quota to clients: "guest-orders".
func policyName(tier limit.Tier, class limit.Class) string {
	return string(tier) + "-" + string(class[strings.LastIndexByte(string(class), '/')+1:])
}

// limitHeaders says what is left. t is the effective window: within that time
// no more than r requests pass; then one more does.
func limitHeaders(h http.Header, policy string, res limit.Result) {
	reset := seconds(res.ResetAfter)
	h.Set("RateLimit-Policy", fmt.Sprintf("%q;q=%d;w=%d", policy, res.Limit, seconds(res.Window)))
	h.Set("RateLimit", fmt.Sprintf("%q;r=%d;t=%d", policy, res.Remaining, reset))
	h.Set("X-RateLimit-Limit", strconv.Itoa(res.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(res.Remaining))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(resetTime(res), 10))
}

func deny(w http.ResponseWriter, r *http.Request, policy string, res limit.Result) {
	wait := seconds(res.RetryAfter)
	w.Header().Set("Retry-After", strconv.FormatInt(wait, 10))
	WriteProblem(w, r, Problem{
		Type: quotaExceeded, Status: http.StatusTooManyRequests, Title: "Quota exceeded",
		Detail:           fmt.Sprintf("%d requests in %d seconds are allowed; the next one is in %d seconds.", res.Limit, seconds(res.Window), wait),
		ViolatedPolicies: []string{policy}, Limit: res.Limit, ResetTime: resetTime(res),
	})
}

// seconds rounds up, so that a client that waits that long is not too early; at
// least 1.
func seconds(d time.Duration) int64 {
	return max(1, int64((d+time.Second-1)/time.Second))
}

// resetTime is the unix second, rounded up, from which one more is allowed.
func resetTime(res limit.Result) int64 {
	at := res.At.Add(res.ResetAfter)
	if at.Nanosecond() > 0 {
		return at.Unix() + 1
	}
	return at.Unix()
}
