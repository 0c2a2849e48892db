package ratelimit

import "strings"

// gateways: Envoy, Kong, Traefik and APISIX.
func gateways() []Layout {
	return append([]Layout{{
		Name: "envoy", Type: "string", Limit: limitConfig,
		Hint:   unixTail,
		Key:    rx(`^(?P<ep>[^_]+)_(?P<id>[^_]+_.*)_(?P<start>\d{10})$`),
		Reader: counter{frame: alignedFrame, byDesign: true},
	}, {
		Name: "kong", Type: "string", Limit: limitConfig,
		Starts: []string{"ratelimit:"},
		Key:    rx(`^ratelimit:(?P<ep>[0-9a-f-]{36}):(?P<svc>[0-9a-f-]{36}):(?P<id>.+):(?P<start>\d{10,13}):(?P<g>second|minute|hour|day|month|year)$`),
		Reader: counter{frame: startFrame},
	}, {
		Name: "traefik", Type: "hash", Limit: limitConfig,
		Starts: []string{"rate:"},
		Key:    rx(`^rate:(?P<id>.+)$`),
		Script: traefikScript,
		Reader: bucket{tokens: "tokens", last: "last", clock: clock{perSecond: 1e6}},
	}}, apisix()...)
}

// apisix: since version v1 of its keys the count is of what was used, before of
// what is left.
func apisix() []Layout {
	const id = `(?P<id>[^:]+|[0-9a-fA-F:.]+)`
	starts := []string{"plugin-limit-count"}
	return []Layout{{
		Name: "apisix", Type: "string", Limit: limitConfig, Starts: starts, Hint: apisixSliding,
		Key: rx(`^plugin-limit-count:?(?:v1:)?(?:(?P<ep>.+?):(?P<conf>[^:]+):)?` + id + `\.(?P<b>\d+)\.counter$`),
		Reader: twoWindows{
			before: numbered(".counter"), always: true, perSecond: 1, steps: []float64{86400, 3600, 60, 1},
		},
	}, {
		Name: "apisix", Type: "string", Limit: limitConfig, Starts: []string{"plugin-limit-count:v1:"},
		Hint:   func(key string) bool { return !apisixSliding(key) },
		Key:    rx(`^plugin-limit-count:v1:(?P<ep>.+?)(?::(?P<conf>[^:]+))?:` + id + `$`),
		Reader: counter{},
	}, {
		Name: "apisix", Type: "string", Limit: limitConfig, Starts: starts,
		Hint: func(key string) bool {
			return !strings.HasPrefix(key, "plugin-limit-count:v1:") && !apisixSliding(key)
		},
		Key:    rx(`^plugin-limit-count:?(?:(?P<ep>.+?):(?P<conf>[^:]+):)?` + id + `$`),
		Reader: counter{left: true},
	}, {
		Name: "apisix-limit-req", Type: "hash", Limit: limitConfig, Starts: []string{"limit_req:"},
		Key:    rx(`^limit_req:(?P<id>.+)$`),
		Reader: leaky{level: "excess", last: "last", per: 1000, clock: clock{perSecond: 1e3}},
	}, {
		Name: "apisix-limit-req", Type: "string", Limit: limitConfig, Starts: []string{"limit_req:"},
		Key: rx(`^limit_req:(?P<id>.+)excess$`), Beside: rx(`^limit_req:.+last$`),
		Reader: leaky{apart: true, per: 1000, clock: clock{perSecond: 1e3}},
	}, {
		Name: "apisix-limit-conn", Type: "zset", Limit: limitConfig, Starts: []string{"limit_conn:"},
		Key:    rx(`^limit_conn:(?P<id>.+)$`),
		Reader: inFlight{},
	}}
}
