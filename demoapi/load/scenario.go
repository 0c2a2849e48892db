package load

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Scenario is what callers ask, and who they are. [DemoScenario] and
// [ReadScenario] make one; it is not changed by a run.
//
// Paths, bodies and header values may hold placeholders: {name} of one of
// Values, drawn anew for each request and each occurrence, and {tier}, {n} and
// {user} of the caller.
type Scenario struct {
	Name       string
	Requests   []Request         // at least one
	Values     map[string]Values // by the name of the placeholder; "key" is the one that Spec.Keys overrides
	Headers    map[string]string // of every request
	Sequential bool              // closed loop: one endpoint after another, each by all users

	Tiers        []TierShare    // who asks; empty: one caller without a name
	BaseRate     float64        // requests a second for which the identities of Tiers are meant: at a higher rate there are more; 0: they are fixed
	MaxPerTier   map[string]int // callers of a tier at most; missing: no bound but the general one
	ClientHeader string         // the header that names the caller; "": none
	Login        *Login         // how callers get a token; nil: they do not
	Abuser       *Abuser        // nil: none
}

// Request is one kind of request.
type Request struct {
	Name    string // the route template, under which it is reported; "": its path
	Method  string // "": GET
	Path    string // with query; begins with "/"
	Body    string // "": none
	Headers map[string]string
	Weight  float64 // relative to the others'; >= 0, and not 0 for all
	Account bool    // only for callers who have logged in; others ask something else
	Follow  bool    // its answer 201 has a Location, which the caller looks at next
	// FollowName is the route template of that look: "/orders/{id}".
	FollowName string
}

// Values are what stands in place of a placeholder: the numbers First to
// First + Count - 1, or List. They are drawn with the popularity of Keys.
type Values struct {
	Keys           // Count is len(List) if there is a List
	First int      // the lowest number; 0 for a List
	List  []string // instead of numbers, the most wanted first
	// Hottest is the most wanted number. The wanted ones are spread over the
	// range, as in life. 0: the lowest is the most wanted, the highest the least.
	Hottest int
}

// Login says how a caller gets a token: by a POST.
type Login struct {
	Path  string // "/auth/login"
	Body  string // JSON with placeholders
	Token string // the field of the answer's JSON that holds the token
	User  string // the caller's name with placeholders, "{tier}{n}"; available as {user}
	// Guests is the tier that has no accounts; "": every tier has.
	Guests string
}

// Abuser is one more caller, who asks too much, beside all others.
type Abuser struct {
	Client   string    // the value of ClientHeader
	Requests []Request // Weight is in requests a second
	MaxShare float64   // of the whole traffic, 0 to 1: at low rates it asks less
}

// Bounds of a scenario.
const (
	maxRequests = 200
	maxValues   = 100
	maxText     = 64 << 10
)

// check says what is wrong with the scenario.
func (s *Scenario) check() error {
	if len(s.Requests) == 0 || len(s.Requests) > maxRequests {
		return fmt.Errorf("want 1 to %d requests, not %d", maxRequests, len(s.Requests))
	}
	if len(s.Values) > maxValues {
		return fmt.Errorf("want at most %d values, not %d", maxValues, len(s.Values))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Values)) {
		if err := s.Values[name].check(); err != nil {
			return fmt.Errorf("value %q: %w", name, err)
		}
	}
	sum := 0.0
	for i, r := range s.Requests {
		if err := s.checkRequest(r); err != nil {
			return fmt.Errorf("request %d: %w", i+1, err)
		}
		if r.Account && s.Login == nil {
			return fmt.Errorf("request %d: needs an account, but there is no login", i+1)
		}
		if !r.Account {
			sum += r.Weight
		}
	}
	if sum == 0 {
		return errors.New("at least one request for everybody must have a weight above 0")
	}
	return s.checkCallers()
}

func (s *Scenario) checkCallers() error {
	if err := checkTiers(s.Tiers); err != nil {
		return err
	}
	if err := s.checkHeaders(s.Headers); err != nil {
		return err
	}
	if s.ClientHeader != "" && !tokenPattern.MatchString(s.ClientHeader) {
		return fmt.Errorf("client header: %q is not a valid name", s.ClientHeader)
	}
	if err := s.checkLogin(); err != nil || s.Abuser == nil {
		return err
	}
	if len(s.Abuser.Requests) == 0 || !(s.Abuser.MaxShare >= 0 && s.Abuser.MaxShare <= 1) {
		return errors.New("the abuser: want requests, and a share of 0 to 1")
	}
	for i, r := range s.Abuser.Requests {
		if err := s.checkRequest(r); err != nil || r.Weight == 0 {
			return fmt.Errorf("the abuser's request %d: %w", i+1, cmp.Or(err, errors.New("weight: want more than 0")))
		}
	}
	return nil
}

func (s *Scenario) checkLogin() error {
	l := s.Login
	if l == nil {
		return nil
	}
	if l.Token == "" || l.User == "" {
		return errors.New("login: want the name of the token's field, and of the user")
	}
	if err := s.checkRequest(Request{Path: l.Path, Body: l.Body}); err != nil {
		return fmt.Errorf("login: %w", err)
	}
	for _, m := range placeholderPattern.FindAllStringSubmatch(l.User, -1) {
		if m[1] != "tier" && m[1] != "n" {
			return fmt.Errorf("login: the user may hold {tier} and {n}, not {%s}", m[1])
		}
	}
	return nil
}

// tokenPattern is what a method or a header's name may consist of.
var tokenPattern = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

func (s *Scenario) checkRequest(r Request) error {
	switch {
	case !strings.HasPrefix(r.Path, "/"):
		return errors.New("path: want one that begins with /")
	case strings.ContainsAny(r.Path, " \t\r\n#"):
		return errors.New("path: spaces and # must be escaped")
	case r.Method != "" && !tokenPattern.MatchString(r.Method), r.Method == http.MethodConnect:
		return fmt.Errorf("method: cannot use %q", r.Method)
	case !(r.Weight >= 0 && r.Weight <= 1e9):
		return errors.New("weight: want a number of at least 0")
	case len(r.Path) > maxText, len(r.Body) > maxText:
		return fmt.Errorf("path and body: want at most %d bytes", maxText)
	}
	for _, text := range []string{r.Path, r.Body} {
		if err := s.checkPlaceholders(text); err != nil {
			return err
		}
	}
	return s.checkHeaders(r.Headers)
}

func (s *Scenario) checkHeaders(headers map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if !tokenPattern.MatchString(name) || strings.ContainsAny(headers[name], "\r\n\x00") {
			return fmt.Errorf("header %q: not a valid header", name)
		}
		if err := s.checkPlaceholders(headers[name]); err != nil {
			return fmt.Errorf("header %q: %w", name, err)
		}
	}
	return nil
}

// placeholderPattern matches {name}; JSON has no such thing outside of strings.
var placeholderPattern = regexp.MustCompile(`\{([a-z][a-z0-9_]*)\}`)

func (s *Scenario) checkPlaceholders(text string) error {
	for _, m := range placeholderPattern.FindAllStringSubmatch(text, -1) {
		if _, known := s.Values[m[1]]; !known && m[1] != "tier" && m[1] != "n" && m[1] != "user" {
			return fmt.Errorf("there is no value for {%s}", m[1])
		}
	}
	return nil
}

func (v Values) check() error {
	count := v.Count
	if len(v.List) > 0 {
		count = len(v.List)
	}
	switch {
	case count < 1 || count > maxKeys:
		return fmt.Errorf("count: want 1 to %d", maxKeys)
	case !(v.Exponent >= 0 && v.Exponent <= 100):
		return errors.New("zipf: want an exponent of 0 to 100")
	case v.First < 0 || v.Hottest < 0:
		return errors.New("first and hottest: want no negative number")
	}
	return nil
}
