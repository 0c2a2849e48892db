package middleware

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"apitop/demoapi/limit"
)

// policy is what holds for one tier in one class, as clients are told of it.
type policy struct {
	class       limit.Class
	quota       limit.Quota
	overall     limit.Quota // zero: none
	name        string      // "guest-orders"
	overallName string      // "guest-all"
	header      string      // the value of RateLimit-Policy
}

func newPolicy(plan limit.Plan, tier limit.Tier, class limit.Class) *policy {
	p := &policy{
		class: class, quota: plan.Quota(tier, class), overall: plan.OverallQuota(tier),
		name: policyName(tier, class), overallName: policyName(tier, limit.ByAll),
	}
	p.header = described(p.name, p.quota)
	if p.overall.Limit > 0 {
		p.header += ", " + described(p.overallName, p.overall)
	}
	return p
}

// described is a quota as a member of RateLimit-Policy.
func described(name string, q limit.Quota) string {
	return strconv.Quote(name) + ";q=" + strconv.Itoa(q.Limit) + ";w=" + strconv.FormatInt(seconds(q.Window), 10)
}

// policyName names a quota to clients: "guest-orders".
func policyName(tier limit.Tier, class limit.Class) string {
	return string(tier) + "-" + string(class[strings.LastIndexByte(string(class), '/')+1:])
}

type policyKey struct {
	tier  limit.Tier
	class limit.Class
}

// policies are those of all tiers and classes of a plan.
type policies struct {
	plan  limit.Plan
	known map[policyKey]*policy
}

func newPolicies(plan limit.Plan) policies {
	p := policies{plan: plan, known: map[policyKey]*policy{}}
	for tier := range plan.Requests {
		p.known[policyKey{tier, limit.Default}] = newPolicy(plan, tier, limit.Default)
		for class := range plan.Multipliers {
			p.known[policyKey{tier, class}] = newPolicy(plan, tier, class)
		}
	}
	return p
}

// of is the policy of a tier, which may not be in the plan, in a class.
func (p policies) of(tier limit.Tier, class limit.Class) *policy {
	if known, ok := p.known[policyKey{tier, class}]; ok {
		return known
	}
	return newPolicy(p.plan, tier, class)
}

// The header fields in the form in which net/http keeps them, which spares it the
// work for each request.
const (
	policyHeader    = "Ratelimit-Policy"
	leftHeader      = "Ratelimit"
	limitHeader     = "X-Ratelimit-Limit"
	remainingHeader = "X-Ratelimit-Remaining"
	resetHeader     = "X-Ratelimit-Reset"
)

// limitHeaders says what is left. t is the effective window: within that time
// no more than r requests pass; then one more does. All values are cut from one
// string, since this is done for every request.
func limitHeaders(h http.Header, p *policy, res *limit.Result) {
	var room [160]byte
	text := appendLeft(room[:0], p.name, res.Class)
	if p.overall.Limit > 0 {
		text = appendLeft(append(text, ", "...), p.overallName, res.Overall)
	}
	left := len(text)
	text = strconv.AppendInt(text, int64(res.Limit), 10)
	most := len(text)
	text = strconv.AppendInt(text, int64(res.Remaining), 10)
	remaining := len(text)
	text = strconv.AppendInt(text, resetTime(res), 10)
	all := string(text)
	values := []string{p.header, all[:left], all[left:most], all[most:remaining], all[remaining:]}
	for i, name := range [...]string{policyHeader, leftHeader, limitHeader, remainingHeader, resetHeader} {
		h[name] = values[i : i+1 : i+1]
	}
}

// appendLeft appends a member of RateLimit: "guest-orders";r=12;t=1789.
func appendLeft(text []byte, name string, use limit.Use) []byte {
	text = strconv.AppendQuote(text, name)
	text = strconv.AppendInt(append(text, ";r="...), int64(use.Remaining), 10)
	return strconv.AppendInt(append(text, ";t="...), seconds(use.ResetAfter), 10)
}

// seconds rounds up, so that a client that waits that long is not too early; at
// least 1.
func seconds(d time.Duration) int64 {
	return max(1, int64((d+time.Second-1)/time.Second))
}

// resetTime is the unix second, rounded up, from which one more is allowed.
func resetTime(res *limit.Result) int64 {
	at := res.At.Add(res.ResetAfter)
	if at.Nanosecond() > 0 {
		return at.Unix() + 1
	}
	return at.Unix()
}
