package load

import (
	"fmt"
	"math"
	"net/http"
	"time"
)

// Bounds of what is remembered of limits.
const (
	maxUses   = 200_000 // pairs of caller and policy
	maxTexts  = 1024    // different headers
	maxLimits = 1000    // rows
)

// conformance compares advertised limits with what callers are admitted.
type conformance struct {
	crowd *crowd
	rows  []*limitRow
	index map[limitKey]*limitRow
	known map[string][]policy // by the text of RateLimit-Policy
	uses  int
	lost  bool // some uses are not remembered
}

type limitKey struct {
	tier   int
	policy string
}

// limitRow is one limit for the callers of a tier.
type limitRow struct {
	limitKey
	limit   uint64
	window  float64
	changed bool // the answers do not agree on the limit
	uses    map[*caller]*use
}

// use is what one caller got under one limit.
type use struct {
	admitted, denied uint64
	first, last      time.Duration // of those admitted
	most             int64         // the most that was left and admitted together; -1: not said
}

func newConformance(c *crowd) *conformance {
	return &conformance{crowd: c, index: map[limitKey]*limitRow{}, known: map[string][]policy{}}
}

// record takes an answer into account.
func (c *conformance) record(o *outcome) {
	found := c.policies(o.limits)
	if len(found) == 0 {
		return
	}
	remaining(found, o.limits)
	denied := o.status == http.StatusTooManyRequests
	blamed := !denied || !anyEmpty(found)
	for _, p := range found {
		if p.name == "" {
			p.name = o.route.name
		}
		u := c.use(o, p)
		switch {
		case u == nil:
		case !denied:
			u.admit(o.end, p.left)
		case blamed || p.left == 0:
			u.denied++
		}
	}
}

// anyEmpty says whether an answer names a limit that is used up; then the
// others are not the cause of a denial.
func anyEmpty(found []policy) bool {
	for _, p := range found {
		if p.left == 0 {
			return true
		}
	}
	return false
}

func (u *use) admit(at time.Duration, left int64) {
	if u.admitted == 0 {
		u.first = at
	}
	u.admitted++
	u.last = max(u.last, at)
	if left >= 0 {
		u.most = max(u.most, left+int64(u.admitted))
	}
}

// policies are those of an answer, in a slice of its own. Most answers repeat a
// header seen before.
func (c *conformance) policies(h http.Header) []policy {
	text := joined(h, "Ratelimit-Policy")
	if text == "" {
		return policies(h)
	}
	found, known := c.known[text]
	if !known {
		if found = policies(h); len(c.known) < maxTexts {
			c.known[text] = found
		}
	}
	return append([]policy(nil), found...)
}

// use finds or begins what is known of a caller under a limit; nil: there is no
// room.
func (c *conformance) use(o *outcome, p policy) *use {
	key := limitKey{c.crowd.tierNow(o), p.name}
	row := c.index[key]
	if row == nil {
		if len(c.rows) == maxLimits {
			c.lost = true
			return nil
		}
		row = &limitRow{limitKey: key, limit: p.quota, window: p.window, uses: map[*caller]*use{}}
		c.rows, c.index[key] = append(c.rows, row), row
	}
	row.changed = row.changed || row.limit != p.quota
	u := row.uses[o.who]
	if u == nil {
		if c.uses == maxUses {
			c.lost = true
			return nil
		}
		c.uses++
		u = &use{most: -1}
		row.uses[o.who] = u
	}
	return u
}

// tierNow is the tier as which the API saw a request: without a token a user is
// like any other stranger.
func (c *crowd) tierNow(o *outcome) int {
	if o.who.user != "" && o.token == nil && c.guests >= 0 {
		return c.guests
	}
	return o.who.tier
}

// report compares the limits of a tier.
func (c *conformance) report(tier int) []Conformance {
	list := []Conformance{}
	for _, row := range c.rows {
		if row.tier == tier {
			list = append(list, row.report(c.lost))
		}
	}
	return list
}

// judgement of one caller's use.
type judgement int

const (
	unreached judgement = iota
	kept
	usedBefore
	deniedBelow
	admittedAbove
)

func (r *limitRow) report(lost bool) Conformance {
	c := Conformance{Policy: r.policy, Limit: r.limit, Window: r.window, Identities: len(r.uses)}
	worst, refilled := unreached, false
	for _, u := range r.uses {
		c.Most = max(c.Most, u.admitted)
		c.Denied += u.denied
		if u.denied > 0 {
			c.Denying++
		}
		worst = max(worst, r.judge(u))
		refilled = refilled || u.admitted > r.limit
	}
	if r.changed {
		c.Note = "the answers advertise different limits"
		return c
	}
	c.Conforms, c.Note = verdictOf(worst, refilled)
	if worst == admittedAbove {
		c.Note = fmt.Sprintf("%d admitted, %d advertised", c.Most, r.limit)
	}
	if lost && c.Conforms != nil && *c.Conforms {
		c.Note = "some callers are not counted"
	}
	return c
}

func verdictOf(worst judgement, refilled bool) (conforms *bool, note string) {
	switch worst {
	case kept:
		if refilled {
			return new(true), "more than the limit was admitted as time passed, within its refill"
		}
		return new(true), ""
	case usedBefore:
		return nil, "cannot be told: used before the run, or without an advertised window"
	case deniedBelow:
		return new(false), "denied below the advertised limit"
	case admittedAbove:
		return new(false), ""
	}
	return nil, "no caller reached the limit"
}

// judge compares a use with the limit. A limit refills as time passes: by
// quota/window a second at most.
func (r *limitRow) judge(u *use) judgement {
	refill := 0.0
	if r.window > 0 {
		refill = math.Ceil(float64(r.limit) / r.window * max(u.last-u.first, 0).Seconds())
	}
	switch {
	case u.admitted > r.limit && r.window == 0:
		return usedBefore // nothing is known of the refill
	case float64(u.admitted) > float64(r.limit)+refill:
		return admittedAbove
	case u.denied > 0 && u.admitted < r.limit && (u.admitted == 0 || u.most >= 0 && u.most < int64(r.limit)):
		return usedBefore
	case u.denied > 0 && u.admitted < r.limit:
		return deniedBelow
	case u.admitted >= r.limit || u.denied > 0:
		return kept
	}
	return unreached
}
