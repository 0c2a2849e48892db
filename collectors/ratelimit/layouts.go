package ratelimit

import (
	"regexp"
	"slices"
	"strings"
)

// Layouts are the layouts that are known, in the order in which they are tried:
// those whose keys say most come first, those that only the value tells last.
// The sources, with versions and what was run, are in the tests.
func Layouts() []Layout {
	return slices.Concat(ours(), gateways(), python(), node(), golang(), ruby(), php(), java(), byValue())
}

// rx compiles the pattern of a built-in layout.
func rx(pattern string) *regexp.Regexp { return regexp.MustCompile(`(?s)` + pattern) }

// How limits are known, beside by what users configure; see [Layout].Limit.
const (
	limitConfig    = "config, 429 metrics or headers"
	limitKey       = "in the key's name"
	limitValue     = "in the value"
	limitNeighbour = "beside the key, in rate_limit_meta:SUBJECT"
)

// Tutorial is what keys of the demo's first layout are called whose members are
// whole seconds.
const Tutorial = "tutorial"

// ours are the demo's sorted sets or single times, by its limiter's algorithm;
// its endpoint "all" is a subject's quota over all endpoints. The tutorial's
// limiter has the keys of the first; what is in a key tells them apart.
func ours() []Layout {
	about := func(subject string) string { return "rate_limit_meta:" + subject }
	return []Layout{{
		Name: "apitop-demo", Type: "zset", Limit: limitNeighbour,
		Starts:    []string{"rate_limit:"},
		Key:       rx(`^rate_limit:(?P<id>[^:]+):(?P<ep>.+)$`),
		Neighbour: about,
		Reader:    slidingLog{name: Tutorial},
	}, {
		Name: "apitop-demo", Type: "string", Limit: limitNeighbour,
		Starts:    []string{"rate_gcra:"},
		Key:       rx(`^rate_gcra:(?P<id>[^:]+):(?P<ep>.+)$`),
		Neighbour: about,
		Reader:    gcra{clock: clock{perSecond: 1e6}, whole: true},
	}}
}

// python: limits (slowapi, flask-limiter), fastapi-limiter, django-ratelimit and
// Django REST framework, whose caches put their prefix and version in front.
func python() []Layout {
	const name = `LIMITER/(?P<id>[^/]+)(?:/(?P<ep>.+))?/(?P<L>\d+)/(?P<mul>\d+)/(?P<g>second|minute|hour|day|month|year)`
	plain, braced := rx(`^(?:[^/{]*:)?`+name+`$`), rx(`^(?:[^/{]*:)?\{`+name+`\}$`)
	before := rx(`^[^/{]*\{LIMITER/.*\}/-1$`)
	within := []string{"LIMITER/"}
	return []Layout{
		{Name: "limits", Type: "string", Limit: limitKey, Within: within, Key: plain, Reader: counter{frame: namedFrame}},
		{Name: "limits", Type: "list", Limit: limitKey, Within: within, Key: plain, Reader: timeList{}},
		{Name: "limits", Type: "string", Limit: limitKey, Within: within, Key: braced, Beside: before, Reader: ageing{}},
		{
			Name: "fastapi-limiter", Type: "string", Limit: limitConfig + "; the most that was seen",
			Starts: []string{"fastapi-limiter:"},
			Key:    rx(`^fastapi-limiter:(?P<id>[^:]+|\[?[0-9a-f:.]+\]?):(?P<ep>/.*?):(?P<route>\d+)(?::(?P<dep>\d+))?$`),
			Script: fastapiScript,
			Reader: counter{atMost: true},
		}, {
			Name: "django-ratelimit", Type: "string", Limit: limitConfig,
			Within: []string{":rl:"},
			Key:    rx(`^[^:]*:\d+:rl:(?P<id>[0-9a-f]{64}|[0-9a-f]{32})$`),
			Reader: counter{slack: 5},
		}, {
			Name: "drf", Type: "string", Limit: limitConfig,
			Within: []string{":throttle_"},
			Key:    rx(`^[^:]*:\d+:throttle_(?P<ep>[^_]+)_(?P<id>.+)$`),
			Reader: pickleLog{},
		},
	}
}

// node: @upstash/ratelimit, rate-limit-redis and rate-limiter-flexible.
func node() []Layout {
	upstash := []string{"@upstash/ratelimit:"}
	numbered := twoWindows{before: numbered(""), perSecond: 1000, steps: []float64{86400e3, 3600e3, 60e3, 1e3, 1}}
	frame := func(r Ref, _ lifetime, now float64) frame {
		b := positive(r.group("b"))
		length, ok := window(b, now*1000, numbered.steps...)
		return frame{length: length / 1000, ends: (b + 1) * length / 1000, ok: ok}
	}
	key := rx(`^@upstash/ratelimit:(?P<id>.+):(?P<b>\d+)$`)
	return []Layout{{
		Name: "upstash", Type: "string", Limit: limitConfig, Starts: upstash,
		Key: key, Beside: rx(`:dynamic:global$|^@upstash/ratelimit:events(?::|$)`),
		Script: upstashCounts, Reader: numbered,
	}, {
		Name: "upstash", Type: "hash", Limit: limitConfig, Starts: upstash,
		Key: key, Reader: fieldCount{frame: frame},
	}, {
		Name: "upstash", Type: "hash", Limit: limitConfig, Starts: upstash,
		Key:    rx(`^@upstash/ratelimit:(?P<id>.+)$`),
		Script: upstashBucket,
		Reader: bucket{tokens: "tokens", last: "refilledAt", clock: clock{perSecond: 1e3}, intervally: true},
	}, {
		Name: "rate-limit-redis", Type: "string", Limit: limitConfig,
		Starts: []string{"rl:"},
		Key:    rx(`^rl:(?P<id>.+)$`),
		Reader: counter{},
	}, {
		Name: "rate-limiter-flexible", Type: "string", Limit: limitConfig,
		Starts: []string{"rlflx:"},
		Key:    rx(`^rlflx:(?P<id>.+)$`),
		Reader: counter{extends: true},
	}}
}

// golang: redis_rate, ulule/limiter, throttled.
func golang() []Layout {
	return []Layout{{
		Name: "redis_rate", Type: "string", Limit: limitConfig,
		Starts: []string{"rate:"},
		Key:    rx(`^rate:(?P<id>.+)$`),
		Script: redisRate,
		Reader: gcra{clock: clock{epoch: 1483228800}, strict: true}, // 2017-01-01
	}, {
		Name: "ulule-limiter", Type: "string", Limit: limitConfig,
		Starts: []string{"limiter:"},
		Key:    rx(`^limiter:(?P<id>.+)$`),
		Reader: counter{},
	}, {
		Name: "throttled", Type: "string", Limit: limitConfig,
		Within: []string{"\n"},
		Key: rx(`^(?:[\w.-]*[g-zG-Z_-][\w.-]*:)?(?P<id>[^\n]+)\n` +
			`(?:(?P<method>get|head|post|put|patch|delete|options|connect|trace)\n)?(?:(?P<ep>/[^\n]*)\n)?(?:[^\n]*\n)*$`),
		Reader: gcra{clock: clock{perSecond: 1e9}, strict: true},
	}}
}

// ruby: Rack::Attack, behind the namespace of Rails' cache or not.
func ruby() []Layout {
	within := []string{"rack::attack:"}
	return []Layout{{
		Name: "rack-attack-ban", Type: "string", Limit: "banned while the key is there", Within: within,
		Key:    rx(`^(?:.*:)?rack::attack:(?:g\d+:)?(?P<ep>fail2ban|allow2ban):ban:(?P<id>.+)$`),
		Reader: ban{},
	}, {
		Name: "rack-attack", Type: "string", Limit: limitConfig, Within: within,
		Key:    rx(`^(?:.*:)?rack::attack:(?:g\d+:)?(?P<b>\d+):(?P<ep>(?:fail2ban|allow2ban):count|[^:]+):(?P<id>.+)$`),
		Reader: counter{frame: numberFrame},
	}}
}

// php: Laravel's two limiters and Symfony's. Laravel's counts are found by their
// names when the cache's prefix is the usual one, else by the timer beside them.
func php() []Layout {
	return []Layout{{
		Name: "laravel", Type: "string", Limit: limitConfig, Within: []string{"cache"},
		Hint:   func(key string) bool { return hexTail(key) >= 32 },
		Key:    rx(`^.*cache[-_:]+(?P<id>[0-9a-f]{40}|[0-9a-f]{32})$`),
		Reader: laravel{},
	}, {
		Name: "laravel", Type: "string", Limit: limitConfig, Within: []string{":timer"},
		Key:    rx(`^(?:.*cache[-_:]+)?(?:(?P<ep>[^:]+):)?(?P<id>.+):timer$`),
		Trim:   ":timer",
		Reader: laravel{},
	}, {
		Name: "symfony", Type: "string", Limit: "in the value, but for sliding windows",
		Hint:   func(key string) bool { return hexTail(key) == 40 },
		Key:    rx(`^[-+.\w]+:(?P<id>[0-9a-f]{40})$`),
		Reader: symfony{},
	}}
}

// java: Spring Cloud Gateway. Older versions have two strings or no route.
func java() []Layout {
	const id = `(?:(?P<ep>[^{}]+?)\.)??(?P<id>(?:\d{1,3}\.){3}\d{1,3}|[^.{}@]+@[^{}]+|[^.{}]+)`
	starts := []string{"request_rate_limiter."}
	both := func(r Ref) []string {
		return []string{r.Key, strings.TrimSuffix(r.Key, "tokens") + "timestamp"}
	}
	return []Layout{{
		Name: "spring-gateway", Type: "string", Limit: "config; the most tokens that were seen", Starts: starts,
		Key:    rx(`^request_rate_limiter\.\{` + id + `\}\.tokens$`),
		Beside: rx(`\}\.timestamp$`),
		Script: springScript,
		Reader: bucket{keys: both, twice: true},
	}, {
		Name: "spring-gateway", Type: "hash", Limit: "config; the most tokens that were seen", Starts: starts,
		Key:    rx(`^request_rate_limiter\.\{` + id + `\}$`),
		Script: springScript,
		Reader: bucket{tokens: "tokens", last: "timestamp", twice: true},
	}}
}

// byValue are those whose keys are whatever the user chose: a name that speaks
// of limits, or ends in an address, is looked at, and the value has to be of a
// shape that nothing else has. Users give other names as a [Definition].
func byValue() []Layout {
	any := rx(`^(?P<id>.+)$`)
	return []Layout{
		{Name: "redis-cell", Type: "string", Limit: limitConfig, AnyName: true, Key: any, Reader: gcra{clock: clock{perSecond: 1e9}, strict: true}},
		{Name: "bucket4j", Type: "string", Limit: limitValue, AnyName: true, Key: any, Reader: bucket4j{}},
		{Name: "sethvargo-limiter", Type: "hash", Limit: limitValue, AnyName: true, Key: any, Reader: tickBucket{}},
		{
			Name: "laravel-throttle", Type: "hash", Limit: limitConfig, AnyName: true,
			Key:    rx(`^(?:[\w-]*[-_]database[-_])?(?P<id>.+)$`), // behind the usual prefix
			Script: laravelDuration,
			Reader: fields{used: "count", start: "start", reset: "end"},
		},
	}
}
