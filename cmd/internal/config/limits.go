package config

import (
	"errors"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"apitop/collectors/ratelimit"
	"apitop/collectors/safe"
	"apitop/collectors/web"
)

// Limiting is what a file says of rate limiters: what Redis does not tell.
type Limiting struct {
	Limiters     []Limiter      `yaml:"limiters"` // tried before those that are known
	Limits       []LimitRule    `yaml:"limits"`   // the first one that fits counts
	Tiers        []TierRule     `yaml:"tiers"`    // the same
	LimitHeaders []LimitHeaders `yaml:"limit_headers"`
}

// Limiter is a user's own layout of keys: see [ratelimit.Definition].
type Limiter struct {
	Name      string        `yaml:"name"`
	Key       string        `yaml:"key"`
	Like      string        `yaml:"like"`
	Type      string        `yaml:"type"`
	Algorithm string        `yaml:"algorithm"`
	Limit     int           `yaml:"limit"`
	Window    Window        `yaml:"window"`
	Burst     int           `yaml:"burst"`
	Unit      string        `yaml:"unit"`
	Epoch     int           `yaml:"epoch"`
	Fields    LimiterFields `yaml:"fields"`
	ResetFrom string        `yaml:"reset_from"`
}

// LimiterFields are the names of fields in a hash; see [ratelimit.Fields].
type LimiterFields struct {
	Used      string `yaml:"used"`
	Remaining string `yaml:"remaining"`
	Tokens    string `yaml:"tokens"`
	Limit     string `yaml:"limit"`
	Start     string `yaml:"start"`
	Reset     string `yaml:"reset"`
	Last      string `yaml:"last"`
	Denied    string `yaml:"denied"`
}

// Layout is the layout that l defines. The error begins with the key in the file
// that is wrong.
func (l *Limiter) Layout() (ratelimit.Layout, error) {
	return ratelimit.Custom(ratelimit.Definition{
		Name: l.Name, Key: l.Key, Like: l.Like, Type: l.Type, Algorithm: l.Algorithm,
		Limit: float64(l.Limit), Window: l.Window.Seconds(), Burst: float64(l.Burst),
		Unit: l.Unit, Epoch: float64(l.Epoch), Fields: ratelimit.Fields(l.Fields), ResetFrom: l.ResetFrom,
	})
}

// LimitRule says what a limit is. What is empty fits all.
type LimitRule struct {
	Layout   string  `yaml:"layout"` // "ulule-limiter"
	Subject  Pattern `yaml:"subject"`
	Endpoint Pattern `yaml:"endpoint"`
	Tier     string  `yaml:"tier"`
	Limit    int     `yaml:"limit"`  // requests in the window
	Window   Window  `yaml:"window"` // 0: what the key tells
	Burst    int     `yaml:"burst"`  // at once, of buckets; 0: Limit
}

// TierRule says which tier subjects are in: Tier, or what is written at Key.
type TierRule struct {
	Subject Pattern `yaml:"subject"` // empty: all
	Tier    string  `yaml:"tier"`
	Key     string  `yaml:"key"`   // "user_tier:{id}": a string, or with Field a hash
	Field   string  `yaml:"field"` // "tier"
}

// LimitHeaders is an address whose answers tell limits in their headers; a bare
// URL is enough. Asking costs a request.
type LimitHeaders struct {
	URL          safe.Secret[string] `yaml:"url"`
	Layout       string              `yaml:"layout"`   // the limiters it is about, as in LimitRule
	Subject      Pattern             `yaml:"subject"`  // the same
	Endpoint     Pattern             `yaml:"endpoint"` // the same
	Tier         string              `yaml:"tier"`     // the same
	Every        time.Duration       `yaml:"every"`    // 0: five minutes
	Method       string              `yaml:"method"`   // empty: HEAD
	web.Settings `yaml:",inline"`
}

func (l *LimitHeaders) bare() any { return &l.URL }

// Window is the length of a window, as [ratelimit.ParseWindow] reads it: 60, 60s,
// 1d, hour. The zero value is unknown.
type Window time.Duration

// UnmarshalText reads a length.
func (w *Window) UnmarshalText(text []byte) error {
	seconds, ok := ratelimit.ParseWindow(string(text))
	if !ok || math.Abs(seconds) > longestWindow {
		return errors.New("want a duration such as 60s, 15m, 1h or 1d")
	}
	*w = Window(seconds * float64(time.Second))
	return nil
}

// Seconds is the length in seconds.
func (w Window) Seconds() float64 { return time.Duration(w).Seconds() }

// longestWindow is what a window may last, in seconds: ten years.
const longestWindow = 10 * 366 * 86400

// Pattern matches names: a text in which * stands for anything and ? for one
// character, or behind ~ a regular expression. The zero value matches all.
type Pattern struct {
	Regexp *regexp.Regexp // nil: matches all
}

// UnmarshalText reads a pattern.
func (p *Pattern) UnmarshalText(text []byte) error {
	if expr, ok := strings.CutPrefix(string(text), "~"); ok {
		r, err := regexp.Compile(expr)
		if err != nil {
			return errors.New("it is no regular expression (RE2)")
		}
		p.Regexp = r
		return nil
	}
	glob := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(string(text)))
	p.Regexp = regexp.MustCompile("(?s)^" + glob + "$")
	return nil
}

// minHeaderEvery keeps what is asked for limits a rare request.
const minHeaderEvery = 10 * time.Second

// mostRules bounds the rules, as each is tried for each key.
const mostRules = 200

func (f *File) checkLimiting() error {
	if err := f.checkLimiters(); err != nil {
		return err
	}
	if len(f.Limits) > mostRules || len(f.Tiers) > mostRules || len(f.LimitHeaders) > mostRules {
		return f.errorAt("limits", "more than 200 rules")
	}
	known := f.layoutNames()
	for i := range f.Limits {
		r, path := &f.Limits[i], element("limits", i)
		switch {
		case r.Layout != "" && !slices.Contains(known, r.Layout):
			return f.errorAt(path+".layout", "no limiter has this name: want one of "+strings.Join(known, ", "))
		case r.Limit == 0:
			return f.errorAt(path, "it has no limit")
		case r.Limit < 0:
			return f.errorAt(path+".limit", "want a positive number")
		case r.Window < 0:
			return f.errorAt(path+".window", "want a duration such as 1m")
		case r.Burst < 0:
			return f.errorAt(path+".burst", "want a positive number")
		}
	}
	for i := range f.Tiers {
		r, path := &f.Tiers[i], element("tiers", i)
		switch {
		case r.Tier == "" && r.Key == "":
			return f.errorAt(path, "it has neither tier nor key")
		case r.Tier != "" && r.Key != "":
			return f.errorAt(path+".key", "give either it or tier")
		case r.Key != "" && !strings.Contains(r.Key, "{id}"):
			return f.errorAt(path+".key", "want {id} in it, where the subject stands")
		case r.Field != "" && r.Key == "":
			return f.errorAt(path+".field", "want the key of a hash beside it")
		}
	}
	return f.checkLimitHeaders()
}

// layoutNames are the names that limiters may have: those of the file first.
func (f *File) layoutNames() []string {
	var own, known []string
	for i := range f.Limiters {
		own = append(own, f.Limiters[i].Name)
	}
	for _, l := range ratelimit.Layouts() {
		known = append(known, l.Name)
	}
	known = append(known, ratelimit.Tutorial)
	slices.Sort(known)
	return append(own, slices.Compact(known)...)
}

func (f *File) checkLimiters() error {
	if len(f.Limiters) > mostRules {
		return f.errorAt("limiters", "more than 200 layouts")
	}
	names := map[string]bool{}
	for i := range f.Limiters {
		l, path := &f.Limiters[i], element("limiters", i)
		switch {
		case l.Name == "":
			return f.errorAt(path, "it has no name")
		case names[l.Name]:
			return f.errorAt(path+".name", "another layout has this name")
		case l.Key == "":
			return f.errorAt(path, "it has no key")
		}
		if _, err := regexp.Compile(l.Key); err != nil { // its error holds the text
			return f.errorAt(path+".key", "it is no regular expression (RE2)")
		}
		if !ratelimit.NamesSubject(l.Key) {
			return f.errorAt(path+".key", "want a regular expression with a group (?P<id>…), the subject")
		}
		names[l.Name] = true
		if _, err := l.Layout(); err != nil {
			return f.limiterError(path, err)
		}
	}
	return nil
}

var (
	// limiterKey is the key in the file that an error of a layout begins with.
	limiterKey = regexp.MustCompile(`^([a-z_]+)(?:\.[a-z]+)?(?: is |: | and | says )`)
	isQuoted   = regexp.MustCompile(` is "([^"]*)"`)
)

// limiterError is what is wrong with a layout, without what could be a secret in
// the wrong place.
func (f *File) limiterError(path string, err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		err = inner // the name of the layout is in the path
	}
	why := isQuoted.ReplaceAllStringFunc(err.Error(), func(s string) string {
		if word := isQuoted.FindStringSubmatch(s)[1]; ordinary.MatchString(strings.ReplaceAll(word, "-", "_")) {
			return s
		}
		return " is not known"
	})
	if m := limiterKey.FindStringSubmatch(why); m != nil {
		path += "." + m[1]
		why = strings.TrimPrefix(why, m[1]+": ")
	}
	return f.errorAt(path, why)
}

func (f *File) checkLimitHeaders() error {
	methods := []string{"", http.MethodHead, http.MethodGet, http.MethodOptions}
	known := f.layoutNames()
	for i := range f.LimitHeaders {
		h, path := &f.LimitHeaders[i], element("limit_headers", i)
		switch {
		case h.URL.Reveal() == "":
			return f.errorAt(path, "it has no url")
		case h.Layout != "" && !slices.Contains(known, h.Layout):
			return f.errorAt(path+".layout", "no limiter has this name: want one of "+strings.Join(known, ", "))
		case h.Every != 0 && h.Every < minHeaderEvery:
			return f.errorAt(path+".every", "want 10s or more: each time is a request to the service")
		case !slices.Contains(methods, h.Method):
			return f.errorAt(path+".method", "want one of HEAD, GET, OPTIONS")
		}
		if _, err := web.ParseAddress(h.URL.Reveal()); err != nil {
			return f.errorAt(path+".url", err.Error())
		}
		if err := f.checkWeb(h.Settings, path); err != nil {
			return err
		}
	}
	return nil
}
