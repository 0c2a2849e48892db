package main

import (
	"slices"
	"strings"

	"apitop/collectors/analysis"
	"apitop/collectors/redisconn"
	"apitop/collectors/snapshot"
)

const fixNoRedis = "--redis redis://HOST:6379, or redis: in the config"

// rightsHint is the whole line of rights, where a user of Redis lacks several.
func rightsHint(sources []checked) []hint {
	lacking := 0
	lacks := func(fix string) {
		if strings.HasPrefix(fix, "ACL SETUSER name +") {
			lacking++
		}
	}
	for i := range sources {
		if sources[i].Kind != analysis.KindRedis {
			continue
		}
		lacks(sources[i].Fix)
		for _, n := range sources[i].Notes {
			lacks(n.Fix)
		}
	}
	if lacking < 2 {
		return nil
	}
	return []hint{{What: "the user of Redis lacks some rights; this gives it all but those of the flags --allow-…", Fix: "ACL SETUSER name " + redisconn.ACLRules}}
}

// unread says why nothing came of a Redis, or of its keys.
func (e *evidence) unread() (why, fix string) {
	return e.absent(analysis.KindRedis, "no Redis is watched", fixNoRedis)
}

// refused is what a source of Redis says of one of the commands, spelt as in
// "MEMORY USAGE"; empty when none of them is missing.
func (e *evidence) refused(commands ...string) (why, fix string) {
	for _, command := range commands {
		for i := range e.sources {
			if e.sources[i].Kind != analysis.KindRedis {
				continue
			}
			for _, n := range e.sources[i].Notes {
				what := n.What.String()
				if strings.HasPrefix(what, command+" is not permitted") || strings.HasPrefix(what, "the server has no "+command+":") {
					return what, n.Fix
				}
			}
		}
	}
	return "", ""
}

// anyNode tells whether a node of the newest reading is such.
func (e *evidence) anyNode(is func(*snapshot.RedisNode) bool) bool {
	for i := range e.redis.Nodes {
		if is(&e.redis.Nodes[i]) {
			return true
		}
	}
	return false
}

// simulated tells whether the server is a simulation, which has less to tell.
func (e *evidence) simulated() bool { return e.redis != nil && e.redis.Mode == snapshot.RedisEmbedded }

const whySimulated = "the server is a simulation and does not tell"

func (e *evidence) noRedis() (why, fix string) {
	if e.redis != nil {
		return "", ""
	}
	return e.unread()
}

func (e *evidence) noLatency() (why, fix string) {
	switch {
	case e.redis == nil:
		return e.unread()
	case e.anyNode(func(n *snapshot.RedisNode) bool {
		return slices.ContainsFunc(n.CommandStats, func(c snapshot.RedisCommand) bool { return c.P99.OK || c.Histogram != nil })
	}):
		return "", ""
	case e.simulated():
		return whySimulated, ""
	}
	return "the server keeps no percentiles of its commands: Redis 7 and newer do, unless they are turned off", "CONFIG SET latency-tracking yes"
}

func (e *evidence) noErrors() (why, fix string) {
	switch {
	case e.redis == nil:
		return e.unread()
	case e.anyNode(func(n *snapshot.RedisNode) bool { return n.ErrorReplies.OK }):
		return "", ""
	case e.simulated():
		return whySimulated, ""
	}
	return "the server does not count its error replies: Redis 6.2 and newer do", ""
}

// noHotKeys says how reads could be known, by what the server's policy allows.
func (e *evidence) noHotKeys() (why, fix string) {
	switch {
	case e.keys == nil:
		return e.unread()
	case slices.ContainsFunc(e.keys.Cache, func(k snapshot.CacheKey) bool { return k.Reads.OK || k.Rate.OK }):
		return "", ""
	case len(e.keys.Cache) == 0:
		if why, fix = e.refused("SCAN", "TYPE", "PTTL", "ZRANGE"); why != "" {
			return why, fix
		}
		return "no cache keys were seen so far", ""
	}
	if why, fix = e.refused("OBJECT FREQ", "OBJECT IDLETIME"); why != "" {
		return why, fix
	}
	policy := e.policy()
	switch {
	case isLFU(policy):
		return "a rate takes two readings of a key's counter: none is old enough yet", "watch for a minute"
	case policy == "" || e.simulated():
		return "nothing counts the reads of keys", "let the service count them: " + fixCounting
	}
	return "the policy is " + policy + ": the server knows when a key was last used, and not how often, so that keys read more than once a second look alike",
		"CONFIG SET maxmemory-policy allkeys-lfu where that suits the cache, or --allow-monitor, or let the service count: " + fixCounting
}

const fixCounting = "ZINCRBY access_frequency 1 KEY at each read"

func isLFU(policy string) bool { return strings.HasSuffix(policy, "-lfu") }

// policy is how the server chooses what it evicts; empty: unknown.
func (e *evidence) policy() string {
	if e.redis == nil || len(e.redis.Nodes) == 0 {
		return ""
	}
	return e.redis.Nodes[0].Policy.String()
}

func (e *evidence) noPrefixes() (why, fix string) {
	switch {
	case e.keys == nil:
		return e.unread()
	case len(e.keys.Groups) > 0:
		return "", ""
	}
	if why, fix = e.refused("SCAN", "DBSIZE"); why != "" {
		return why, fix
	}
	return "too few keys were seen so far to tell their prefixes", ""
}

func (e *evidence) noSizes() (why, fix string) {
	switch {
	case e.redis == nil && e.keys == nil:
		return e.unread()
	case e.redis != nil && e.anyNode(func(n *snapshot.RedisNode) bool { return n.KeySizes != nil }),
		e.keys != nil && len(e.keys.Sample.Bytes) > 0,
		e.keys != nil && slices.ContainsFunc(e.keys.Cache, func(k snapshot.CacheKey) bool { return k.Bytes.OK }):
		return "", ""
	}
	if why, fix = e.refused("MEMORY USAGE", "SCAN"); why != "" {
		return why, fix
	}
	return "no key's size was asked for so far", ""
}

func (e *evidence) noMissed() (why, fix string) {
	switch {
	case e.keys == nil:
		return e.unread()
	case e.keys.Missed != nil:
		return "", ""
	case e.simulated():
		return whySimulated, ""
	}
	if why, fix = e.refused("CONFIG GET"); why != "" {
		return "whether the server tells of lookups that find nothing is unknown: CONFIG GET is not permitted", fix
	}
	return "the server does not tell which keys are looked up and not there", "CONFIG SET notify-keyspace-events Em: each such lookup costs it a message more"
}

func (e *evidence) noLimiters() (why, fix string) {
	switch {
	case e.keys == nil:
		return e.unread()
	case len(e.keys.Limiters) > 0:
		return "", ""
	}
	if why, fix = e.refused("SCAN", "TYPE", "ZRANGE", "GETRANGE"); why != "" {
		return why, fix
	}
	return "no keys of a known rate limiter were seen so far", "describe your limiter's keys: limiters: in the config"
}

func (e *evidence) noLimits() (why, fix string) {
	if why, fix = e.noLimiters(); why != "" {
		return why, fix
	}
	if slices.ContainsFunc(e.keys.Limiters, func(l snapshot.Limiter) bool { return l.Limit.OK }) {
		return "", ""
	}
	if why, fix = e.refused("HMGET"); why != "" {
		return why, fix
	}
	return "the keys of " + e.layouts() + " do not tell how much is allowed", "limits: in the config, by layout, endpoint or tier"
}

func (e *evidence) noDenied() (why, fix string) {
	if why, fix = e.noLimiters(); why != "" {
		return why, fix
	}
	if slices.ContainsFunc(e.keys.Limiters, func(l snapshot.Limiter) bool { return l.DeniedTotal.OK || l.Blocked }) ||
		anySeries(e.pages, func(s *snapshot.Series) bool { return s.Status.Raw() == "429" }) {
		return "", ""
	}
	return "the keys of " + e.layouts() + " do not count what was denied", "a metrics page of the service tells it: requests answered with 429"
}

// layouts names the limiters that were found.
func (e *evidence) layouts() string {
	var names []string
	for i := range e.keys.Limiters {
		if name := e.keys.Limiters[i].Layout; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) > 3 {
		names = append(names[:3], "others")
	}
	return strings.Join(names, ", ")
}

// withMethods adds, behind the hot keys, by which ways they are found and why not
// by the others.
func (e *evidence) withMethods(panels []panel) []panel {
	at := slices.IndexFunc(panels, func(p panel) bool { return p.Area == "Cache" && p.Panel == "hot keys" })
	if e.keys == nil || at < 0 {
		return panels
	}
	var rows []panel
	for _, m := range e.keys.Methods {
		p := panel{Area: "Cache", Panel: "hot keys by " + methodName(m.Method), Empty: !m.On}
		if p.Empty {
			p.Why, p.Fix = m.Why.String(), e.methodFix(m.Method)
		}
		rows = append(rows, p)
	}
	return slices.Insert(panels, at+1, rows...)
}

func methodName(m snapshot.Method) string {
	switch m {
	case snapshot.MethodApp:
		return "the app's counts"
	case snapshot.MethodMonitor:
		return "MONITOR"
	case snapshot.MethodHotkeys:
		return "HOTKEYS"
	case snapshot.MethodFreq:
		return "OBJECT FREQ"
	case snapshot.MethodIdle:
		return "OBJECT IDLETIME"
	case snapshot.MethodEvents:
		return "keyspace events"
	case snapshot.MethodTrack:
		return "CLIENT TRACKING"
	}
	return string(m)
}

// methodFix is what turns a way to find hot keys on; empty where nothing does, or
// where another way is as good.
func (e *evidence) methodFix(m snapshot.Method) string {
	policy := e.policy()
	switch m {
	case snapshot.MethodApp:
		return fixCounting
	case snapshot.MethodMonitor:
		return "--allow-monitor: moments of listening, of 2,000 commands at most"
	case snapshot.MethodHotkeys:
		return "--allow-hotkeys, on Redis 8.6 and newer"
	case snapshot.MethodTrack:
		return "--allow-tracking"
	case snapshot.MethodEvents:
		return "CONFIG SET notify-keyspace-events Em"
	case snapshot.MethodFreq:
		if _, fix := e.refused("OBJECT FREQ"); fix != "" {
			return fix
		}
		if policy != "" && !isLFU(policy) {
			return "CONFIG SET maxmemory-policy allkeys-lfu where that suits the cache; else OBJECT IDLETIME is all there is, or --allow-monitor"
		}
	case snapshot.MethodIdle:
		_, fix := e.refused("OBJECT IDLETIME")
		return fix
	}
	return ""
}
