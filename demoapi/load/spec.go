package load

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Spec says what to send where. Target is needed, and either Stages or Closed.
type Spec struct {
	Target   string    // base URL: "http://127.0.0.1:8000"
	Scenario *Scenario // what is asked; nil: GET of Target itself

	Stages   []Stage  // open loop: the rate over time
	Closed   Closed   // closed loop instead
	Arrivals Arrivals // open loop: how the requests are spread within the rate

	Warmup      time.Duration // from the start, not in the report; part of the stages' time; closed loops have none
	Timeout     time.Duration // of a request, to the end of its body; 0: 5 s in an open loop, 30 s in a closed one
	MaxInFlight int           // open loop: requests under way at once; 0: 4 x highest rate x timeout, 16 to 4096
	Drop        bool          // at MaxInFlight: drop requests instead of letting them wait

	ObeyRetryAfter bool        // send nothing for a caller who was told to wait, until the time is over
	LoginInLoad    bool        // users log in as requests of the load, when they first ask, instead of before it
	Tiers          []TierShare // who asks; empty: the scenario's
	Keys           Keys        // popularity of the scenario's "key"; zero: the scenario's
	Seed           uint64      // the same seed gives the same requests; 0: different ones each time; the report has it

	Transport http.RoundTripper // nil: one of its own, HTTP/1.1 with keep-alive
}

// Stage is a stretch of time with a rate that changes evenly from From to To,
// both in requests a second, 0 to 100,000. Duration must be above 0; in the last
// stage 0 means until the context ends, at the rate To.
type Stage struct {
	Duration time.Duration
	From, To float64
}

// Closed is a closed loop: each of Users sends its next request when it has the
// answer before, Requests times; with a sequential scenario so often for each
// endpoint, one endpoint after another. Zero: an open loop.
type Closed struct {
	Users    int
	Requests int
}

// Arrivals is how the requests of an open loop follow each other.
type Arrivals int

// The kinds of arrivals.
const (
	Constant Arrivals = iota // evenly: request i is due at start + i/rate
	Poisson                  // at random, as independent callers come: exponential gaps
)

// String is the name in reports.
func (a Arrivals) String() string {
	if a == Poisson {
		return "poisson"
	}
	return "constant"
}

// TierShare is one kind of callers.
type TierShare struct {
	Tier       string  // as the scenario names it: "guest"; "" where there are no tiers
	Share      float64 // of the requests, relative to the others'; > 0
	Identities int     // different callers; 0: the scenario's number for the rate
}

// Keys is a popularity: rank k of Count has a probability proportional to
// 1/k^Exponent. Exponent 0 is uniform; real traffic has about 1. The zero Keys
// stands for the default where it is used.
type Keys struct {
	Exponent float64 // >= 0
	Count    int     // different keys; 1 to 1,000,000, 0 with Exponent 0: the default
}

// Bounds of a Spec: what one process can schedule and keep in memory.
const (
	maxRPS        = 1e5
	maxUsers      = 4096
	maxKeys       = 1_000_000
	maxIdentities = 100_000
	maxStages     = 1000
)

func (s Spec) check() error {
	if _, err := parseTarget(s.Target); err != nil {
		return err
	}
	if (len(s.Stages) > 0) == (s.Closed != Closed{}) {
		return errors.New("load: want either stages or a closed loop")
	}
	if s.Closed != (Closed{}) && (s.Closed.Users < 1 || s.Closed.Users > maxUsers || s.Closed.Requests < 1) {
		return fmt.Errorf("load: %d users with %d requests: want 1 to %d users and at least one request", s.Closed.Users, s.Closed.Requests, maxUsers)
	}
	if s.Arrivals != Constant && s.Arrivals != Poisson {
		return fmt.Errorf("load: unknown arrivals %d", s.Arrivals)
	}
	if s.MaxInFlight < 0 || s.Timeout < 0 || s.Warmup < 0 {
		return errors.New("load: warm-up, requests in flight and timeout must not be negative")
	}
	if err := checkStages(s.Stages, s.Warmup); err != nil {
		return err
	}
	if !(s.Keys.Exponent >= 0 && s.Keys.Exponent <= 100) || s.Keys.Count < 0 || s.Keys.Count > maxKeys || s.Keys.Exponent > 0 && s.Keys.Count == 0 {
		return fmt.Errorf("load: %d keys with exponent %v: want 1 to %d keys and an exponent of 0 to 100", s.Keys.Count, s.Keys.Exponent, maxKeys)
	}
	return checkTiers(s.Tiers)
}

func checkStages(stages []Stage, warmup time.Duration) error {
	if len(stages) > maxStages {
		return fmt.Errorf("load: %d stages: want at most %d", len(stages), maxStages)
	}
	var total time.Duration
	highest := 0.0
	for i, g := range stages {
		endless := g.Duration == 0 && i == len(stages)-1
		if g.Duration < 0 || g.Duration == 0 && !endless || g.Duration > math.MaxInt64/maxStages {
			return fmt.Errorf("load: stage %d lasts %v: want more than 0", i+1, g.Duration)
		}
		if !(g.From >= 0 && g.From <= maxRPS && g.To >= 0 && g.To <= maxRPS) {
			return fmt.Errorf("load: stage %d from %v to %v requests a second: want 0 to %v", i+1, g.From, g.To, maxRPS)
		}
		highest = max(highest, g.From, g.To)
		if total += g.Duration; endless {
			total = math.MaxInt64
		}
	}
	if len(stages) > 0 && highest == 0 {
		return errors.New("load: a rate of 0 sends nothing: want more")
	}
	if len(stages) > 0 && warmup >= total {
		return fmt.Errorf("load: a warm-up of %v leaves nothing of %v", warmup, total)
	}
	return nil
}

func checkTiers(tiers []TierShare) error {
	n := 0
	seen := map[string]bool{}
	for _, t := range tiers {
		if !(t.Share > 0 && t.Share <= 1e9) || t.Identities < 0 || seen[t.Tier] {
			return fmt.Errorf("load: tier %q: want one share above 0 and no negative number of callers", t.Tier)
		}
		seen[t.Tier] = true
		n += min(t.Identities, maxIdentities+1)
	}
	if n > maxIdentities {
		return fmt.Errorf("load: more than %d callers", maxIdentities)
	}
	return nil
}

// parseTarget never repeats the address in an error: it may hold a password.
func parseTarget(target string) (*url.URL, error) {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("load: cannot use the URL: want http://host:port")
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

func (s Spec) withDefaults() Spec {
	closed := s.Closed != Closed{}
	if s.Timeout == 0 {
		s.Timeout = 5 * time.Second
		if closed {
			s.Timeout = 30 * time.Second
		}
	}
	if s.MaxInFlight == 0 {
		s.MaxInFlight = int(min(max(4*s.highestRate()*s.Timeout.Seconds(), 16), 4096))
	}
	if closed {
		s.Warmup = 0
	}
	if s.Seed == 0 {
		s.Seed = rand.Uint64()
	}
	s.Target = strings.TrimSuffix(s.Target, "/")
	return s
}

func (s Spec) highestRate() float64 {
	highest := 0.0
	for _, g := range s.Stages {
		highest = max(highest, g.From, g.To)
	}
	return highest
}
