package load

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"
)

// Of the demo's accounts: names are tier and number, "basic7", and all share
// the password.
const password = "apitop-demo"

// retryLogin is how long a user waits after a failed login.
const retryLogin = 30 * time.Second

// baseRPS is the rate for which [groups] gives the number of callers; at higher
// rates there are more of them, so that each does not ask more often.
const baseRPS = 50

// group is a kind of caller.
type group struct {
	tier  string
	share float64 // of the traffic
	count int     // callers at baseRPS
	most  int     // as many accounts as there are
}

// groups are chosen so that at baseRPS most callers stay below their hourly
// limits: a guest asks 90 times an hour, a basic user 375, a premium user 1575,
// an admin 9000, of which four fifths fall into the default class.
func groups() []group {
	return []group{
		{"guest", 0.15, 300, math.MaxInt},
		{"basic", 0.25, 120, 410},
		{"premium", 0.35, 40, 80},
		{"admin", 0.25, 5, 10},
	}
}

// caller is a guest or a user. Its atomics are shared by the requests under
// way, the rest never changes.
type caller struct {
	name   string // of the account; "" for a guest
	client string // the X-Client-Id

	token     atomic.Pointer[string] // nil: not logged in
	loggingIn atomic.Bool
	retryAt   atomic.Int64           // unix nanoseconds: no login before
	newOrder  atomic.Pointer[string] // path of an order not yet looked at
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

// crowd is everybody who asks.
type crowd struct {
	groups  []group
	callers [][]*caller // per group
	abuser  *caller     // nil: none
	abuse   float64     // the abuser's share of the traffic
}

// The abuser lists products about once a second, and tries a login with a wrong
// password so often that the ten an hour are used up after 15 seconds.
const (
	abuserClient    = "scraper"
	abuseRPS        = abuseListRPS + abuseLoginRPS
	abuseListRPS    = 1.0
	abuseLoginRPS   = 0.7
	abuseMostShare  = 0.2 // of little traffic
	abuserUser      = "admin1"
	abuserPasswords = 1000
)

func newCrowd(rps float64, calm bool) *crowd {
	c := &crowd{groups: groups()}
	for _, g := range c.groups {
		n := min(int(math.Ceil(float64(g.count)*max(1, rps/baseRPS))), g.most)
		callers := make([]*caller, n)
		for i := range callers {
			if callers[i] = (&caller{client: strconv.Itoa(i + 1)}); g.tier != "guest" {
				callers[i].name = fmt.Sprint(g.tier, i+1)
				callers[i].client = "device-" + callers[i].name
			}
		}
		c.callers = append(c.callers, callers)
	}
	if !calm {
		c.abuser = &caller{client: abuserClient}
		c.abuse = min(abuseRPS/rps, abuseMostShare)
	}
	return c
}

// pick draws who asks next.
func (c *crowd) pick(rng *rand.Rand) *caller {
	u := rng.Float64()
	if u < c.abuse {
		return c.abuser
	}
	u = (u - c.abuse) / (1 - c.abuse)
	last := len(c.groups) - 1
	for i, g := range c.groups {
		if u < g.share || i == last {
			return c.callers[i][rng.IntN(len(c.callers[i]))]
		}
		u -= g.share
	}
	return nil // not reached: the last group takes the rest
}

func (c *crowd) guest(rng *rand.Rand) *caller {
	return c.callers[0][rng.IntN(len(c.callers[0]))]
}
