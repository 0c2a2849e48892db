package load

import (
	"math"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"
)

// retryLogin is how long a user waits after a failed login within the load.
const retryLogin = 30 * time.Second

// caller is somebody who asks. Its atomics are shared by the requests under
// way, the rest never changes.
type caller struct {
	tier   int    // index of its tier
	number int    // within the tier, from 1
	name   string // of the tier
	user   string // of the account; "" for none
	client string // the client header

	token     atomic.Pointer[string] // nil: not logged in
	loggingIn atomic.Bool
	retryAt   atomic.Int64             // unix nanoseconds: no login before
	heldUntil atomic.Int64             // unix nanoseconds: no request before
	follow    atomic.Pointer[followUp] // what it has made and not yet looked at
}

// followUp is what a caller looks at next.
type followUp struct {
	route *route
	path  string
}

// about is what a placeholder says about the caller.
func (c *caller) about(what string) string {
	switch what {
	case "tier":
		return c.name
	case "n":
		return strconv.Itoa(c.number)
	}
	if c.user == "" {
		return "visitor" + strconv.Itoa(c.number)
	}
	return c.user
}

// mayLogIn claims the caller's login for one request; logged or failed ends it.
func (c *caller) mayLogIn(now time.Time) bool {
	return now.UnixNano() >= c.retryAt.Load() && c.loggingIn.CompareAndSwap(false, true)
}

func (c *caller) logged(token string) {
	c.token.Store(&token)
	c.loggingIn.Store(false)
}

func (c *caller) failed(now time.Time) {
	c.retryAt.Store(now.Add(retryLogin).UnixNano())
	c.loggingIn.Store(false)
}

// held says whether the caller was told to wait.
func (c *caller) held(now time.Time) bool { return c.heldUntil.Load() > now.UnixNano() }

// crowd is everybody who asks.
type crowd struct {
	tiers   []TierShare // of the scenario or the spec, with their number of callers
	upTo    []float64   // upTo[i] is the share of the tiers up to i
	callers [][]*caller // per tier
	abuser  *caller     // nil: none
	guests  int         // the tier without accounts; -1: none
}

// runNames is how many runs have different devices.
const runNames = 36 * 36 * 36

// newCrowd makes the callers for a spec.
func newCrowd(s *Scenario, spec Spec) *crowd {
	tiers, rate, run := spec.Tiers, spec.highestRate(), strconv.FormatUint(spec.Seed%runNames, 36)
	c := &crowd{guests: -1}
	if len(tiers) == 0 {
		for _, t := range s.Tiers {
			tiers = append(tiers, TierShare{Tier: t.Tier, Share: t.Share}) // their numbers depend on the rate
		}
	}
	if len(tiers) == 0 {
		tiers = []TierShare{{Share: 1, Identities: 1}}
	}
	sum, all := 0.0, sumShares(tiers)
	for i, t := range tiers {
		t.Identities = s.identities(t, t.Share/all, rate)
		sum += t.Share
		c.tiers = append(c.tiers, t)
		c.upTo = append(c.upTo, sum)
		c.callers = append(c.callers, s.group(i, t, run))
	}
	for i, t := range tiers {
		if s.Login != nil && s.Login.Guests != "" && t.Tier == s.Login.Guests {
			c.guests = i
		}
	}
	if s.Abuser != nil {
		c.abuser = &caller{tier: max(c.guests, 0), name: s.Abuser.Client, number: 1, client: s.Abuser.Client}
	}
	return c
}

// identities is how many callers a tier with a share of the load, 0 to 1, has at
// a rate: so many that none asks more often than those of the scenario.
func (s *Scenario) identities(t TierShare, share, rate float64) int {
	n := float64(t.Identities)
	if n == 0 {
		n = 1
		for _, known := range s.Tiers {
			if known.Tier == t.Tier && known.Identities > 0 {
				n = float64(known.Identities) * max(1, share*sumShares(s.Tiers)/known.Share)
			}
		}
		if s.BaseRate > 0 {
			n *= max(1, rate/s.BaseRate)
		}
	}
	if most := s.MaxPerTier[t.Tier]; most > 0 {
		n = min(n, float64(most))
	}
	return max(int(math.Ceil(min(n, maxIdentities)-rounding)), 1)
}

func sumShares(tiers []TierShare) (sum float64) {
	for _, t := range tiers {
		sum += t.Share
	}
	return sum
}

func (s *Scenario) group(tier int, t TierShare, run string) []*caller {
	callers := make([]*caller, t.Identities)
	for i := range callers {
		c := &caller{tier: tier, number: i + 1, name: t.Tier, client: strconv.Itoa(i + 1)}
		if s.Login != nil && (s.Login.Guests == "" || s.Login.Guests != t.Tier) {
			c.user = newTemplate(s.Login.User, nil).render(c, nil, inHeader)
			// A new device for each run: the limits of logins are by device.
			c.client = "device-" + c.user + "-" + run
		}
		callers[i] = c
	}
	return callers
}

// pick draws who asks next: the tier by its share, then any of its callers. A
// caller who was told to wait is passed over; nil if that is the whole tier.
func (c *crowd) pick(rng *rand.Rand, now time.Time, obey bool) *caller {
	last := len(c.upTo) - 1
	tier := 0
	if last > 0 {
		u := rng.Float64() * c.upTo[last]
		for tier < last && u >= c.upTo[tier] {
			tier++
		}
	}
	return c.from(c.callers[tier], rng, now, obey)
}

func (c *crowd) from(group []*caller, rng *rand.Rand, now time.Time, obey bool) *caller {
	first := 0
	if len(group) > 1 {
		first = rng.IntN(len(group))
	}
	if !obey {
		return group[first]
	}
	for i := range group {
		if who := group[(first+i)%len(group)]; !who.held(now) {
			return who
		}
	}
	return nil
}
