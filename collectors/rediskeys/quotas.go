package rediskeys

import (
	"cmp"
	"regexp"
	"strings"
	"time"

	"apitop/collectors/ratelimit"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Limits is what is known of limits from elsewhere than Redis. The zero value is
// nothing.
type Limits struct {
	Rules []LimitRule // the first that fits counts
	Tiers []TierRule  // the same
	// Told are more rules, which come behind Rules and may change; nil: none. It
	// must be safe for concurrent use.
	Told func() []LimitRule
}

// LimitRule says what a limit is. What is empty or nil fits all.
type LimitRule struct {
	Layout            string         // name of the layout
	Subject, Endpoint *regexp.Regexp // "42" and "user:42" are the same subject
	Tier              string
	Limit             float64 // requests in the window
	WindowSeconds     float64 // 0: what the key tells
	Burst             float64 // at once, of buckets; 0: Limit
	From              string  // as in [snapshot.Limiter].LimitFrom; empty: "config"
}

// TierRule says which tier subjects are in.
type TierRule struct {
	Subject *regexp.Regexp // nil: all
	Tier    string         // of those; empty: it is written at Key
	Key     string         // a string, where {id} stands for the subject as in the limiter's key
	Field   string         // Key is a hash that has it there; empty: a string
}

const (
	tierEvery = time.Minute // how often a tier is looked up
	mostTier  = 64          // bytes of a tier's name
)

// quota is what the rules say of a limiter; zero: nothing.
func (l *Limits) quota(lim *snapshot.Limiter) ratelimit.Quota {
	for _, r := range l.Rules {
		if r.fits(lim) {
			return r.quota()
		}
	}
	if l.Told == nil {
		return ratelimit.Quota{}
	}
	for _, r := range l.Told() {
		if r.fits(lim) {
			return r.quota()
		}
	}
	return ratelimit.Quota{}
}

func (r *LimitRule) fits(lim *snapshot.Limiter) bool {
	return (r.Layout == "" || r.Layout == lim.Layout) &&
		(r.Tier == "" || r.Tier == lim.Tier.Raw()) &&
		(r.Endpoint == nil || r.Endpoint.MatchString(lim.Endpoint.Raw())) &&
		fitsSubject(r.Subject, lim.Subject.Raw())
}

// fitsSubject takes "42" and "user:42" for the same.
func fitsSubject(pattern *regexp.Regexp, subject string) bool {
	if pattern == nil || pattern.MatchString(subject) {
		return true
	}
	id, ok := strings.CutPrefix(subject, "user:")
	return ok && pattern.MatchString(id)
}

// quota is the rule for a [ratelimit.Reader]. There a bucket's size is the limit,
// and the window what it takes to fill.
func (r *LimitRule) quota() ratelimit.Quota {
	q := ratelimit.Quota{Limit: r.Limit, Window: r.WindowSeconds, From: cmp.Or(r.From, "config")}
	if r.Burst > 0 && r.Limit > 0 {
		q.Limit, q.Window = r.Burst, r.WindowSeconds*r.Burst/r.Limit
	}
	return q
}

// tierRule is the first rule from the i-th on that says the tier of a subject,
// and where it is; nil: none does.
func (l *Limits) tierRule(subject string, from int) (rule *TierRule, at int) {
	for i := from; i < len(l.Tiers); i++ {
		if fitsSubject(l.Tiers[i].Subject, subject) {
			return &l.Tiers[i], i
		}
	}
	return nil, 0
}

// ask is the command that looks a tier up; nil where that is not needed.
func (r *TierRule) ask(subject string) []string {
	if r.Key == "" {
		return nil
	}
	id := strings.TrimPrefix(subject, "user:")
	key := strings.ReplaceAll(r.Key, "{id}", id)
	switch {
	case len(key) > mostName:
		return nil
	case r.Field != "":
		return []string{"hmget", key, r.Field}
	}
	return []string{"getrange", key, "0", "63"}
}

// read reads the reply to ask.
func (r *TierRule) read(reply any) safe.Text {
	if list, ok := reply.([]any); ok && len(list) == 1 {
		reply = list[0]
	}
	s, _ := reply.(string)
	if len(s) > mostTier {
		return safe.Text{}
	}
	return safe.Short(s, mostTier)
}

// tier is what is known of a subject's tier.
type tier struct {
	name safe.Text
	at   time.Time // when it was looked up; zero: never
	rule *TierRule // that its name is looked up by, in the pipeline under way; nil: it is not
	from int       // the rule to begin with: those before it led to keys that are not there
}

// askTier is the command that looks up the tier of a limiter whose key does not
// tell it; nil when it is known, or not to be known.
func (l *Limits) askTier(k *limiter, now time.Time) []string {
	k.tier.rule = nil
	if len(l.Tiers) == 0 || !k.named() || now.Sub(k.tier.at) < tierEvery {
		return nil
	}
	subject := k.last.Subject.Raw()
	rule, i := l.tierRule(subject, k.tier.from)
	k.tier.at, k.tier.from = now, 0
	switch {
	case rule == nil:
		k.tier.name = safe.Text{}
	case rule.Tier != "":
		k.tier.name = safe.New(rule.Tier)
	default:
		ask := rule.ask(subject)
		if ask != nil {
			k.tier.rule, k.tier.from = rule, i+1
		}
		return ask
	}
	return nil
}

// took takes the reply to what askTier gave. Where nothing is written at a key,
// the next rule that fits is asked in the next reading; a tier that was known
// before stays until all of them were.
func (t *tier) took(reply any) {
	name := t.rule.read(reply)
	if name.Raw() == "" {
		t.at = time.Time{}
		return
	}
	t.name, t.from = name, 0
}

// highest follows the most that keys of one kind say of their limit. A bucket
// that is asked for the first time shows its size, less the one that was taken:
// when several keys have the same most, that is it.
type highest struct {
	most float64
	keys map[string]struct{} // that showed it; a few
}

const (
	sureKeys     = 3  // that show the same most
	mostHighest  = 64 // layouts and endpoints
	leastHighest = 2  // a bucket of one is any bucket
)

type kind struct{ layout, endpoint string }

// note takes what a reading says its limit is at least.
func (l *limiters) note(k *limiter, r *ratelimit.Reading) {
	if r.LimitAtLeast < leastHighest || r.Limiter.Algorithm != "token-bucket" {
		return
	}
	of := kind{r.Limiter.Layout, r.Limiter.Endpoint.Raw()}
	h := l.highest[of]
	if h == nil {
		if len(l.highest) >= mostHighest {
			return
		}
		h = &highest{}
		l.highest[of] = h
	}
	switch {
	case r.LimitAtLeast > h.most:
		h.most, h.keys = r.LimitAtLeast, map[string]struct{}{k.ref.Key: {}}
	case r.LimitAtLeast == h.most && len(h.keys) < sureKeys:
		h.keys[k.ref.Key] = struct{}{}
	}
}

// quota is what others than the key say of its limit.
func (l *limiters) quota(lim *snapshot.Limiter) ratelimit.Quota {
	if q := l.limits.quota(lim); q.From != "" {
		return q
	}
	if q := l.scripted.quota(lim); q.From != "" {
		return q
	}
	if h := l.highest[kind{lim.Layout, lim.Endpoint.Raw()}]; h != nil && len(h.keys) >= sureKeys {
		return ratelimit.Quota{Limit: h.most, From: "ceiling"}
	}
	return ratelimit.Quota{}
}
