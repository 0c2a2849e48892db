package main

import (
	"fmt"

	"apitop/cmd/internal/config"
	"apitop/collectors"
	"apitop/collectors/limitheaders"
	"apitop/collectors/ratelimit"
	"apitop/collectors/rediskeys"
)

// keys is how the keys of Redis are looked for and understood.
func (c *Config) keys(w *watched) (rediskeys.Config, error) {
	limits, err := c.limits(w)
	if err != nil {
		return rediskeys.Config{}, err
	}
	k := rediskeys.Config{Limits: limits, Duty: c.redisDuty(), Live: c.Live}
	for i := range c.File.Limiters {
		l, err := c.File.Limiters[i].Layout()
		if err != nil {
			return k, fmt.Errorf("%s: %w", c.File.Where(fmt.Sprintf("limiters[%d]", i)), err)
		}
		k.Layouts = append(k.Layouts, l)
	}
	k.Layouts = append(k.Layouts, ratelimit.Layouts()...)
	return k, nil
}

// limits is what the file says of limits, and adds what asks a service for more.
func (c *Config) limits(w *watched) (rediskeys.Limits, error) {
	l := rediskeys.Limits{}
	for _, r := range c.File.Limits {
		l.Rules = append(l.Rules, rediskeys.LimitRule{
			Layout: r.Layout, Subject: r.Subject.Regexp, Endpoint: r.Endpoint.Regexp, Tier: r.Tier,
			Limit: float64(r.Limit), WindowSeconds: r.Window.Seconds(), Burst: float64(r.Burst), From: "config",
		})
	}
	for _, r := range c.File.Tiers {
		l.Tiers = append(l.Tiers, rediskeys.TierRule{Subject: r.Subject.Regexp, Tier: r.Tier, Key: r.Key, Field: r.Field})
	}
	if c.typed { // only what is named is asked
		return l, nil
	}
	var asked []headerRules
	for i := range c.File.LimitHeaders {
		h := &c.File.LimitHeaders[i]
		s, err := limitheaders.New(limitheaders.Config{URL: h.URL.Reveal(), Method: h.Method, Every: h.Every, Web: h.Settings})
		if err != nil {
			return l, fmt.Errorf("%s: %w", c.File.Where(fmt.Sprintf("limit_headers[%d].url", i)), err)
		}
		w.closers = append(w.closers, func() error { s.Close(); return nil })
		w.jobs = append(w.jobs, collectors.Job{Collector: s, Timeout: c.timeout()})
		asked = append(asked, headerRules{h, s})
	}
	if len(asked) > 0 {
		l.Told = func() []rediskeys.LimitRule { return told(asked) }
	}
	return l, nil
}

// headerRules is an address that is asked for its limits, and whose they are.
type headerRules struct {
	of *config.LimitHeaders
	by *limitheaders.Collector
}

// told are the limits in force that the addresses told last.
func told(asked []headerRules) []rediskeys.LimitRule {
	var rules []rediskeys.LimitRule
	for _, a := range asked {
		list := a.by.Policies()
		if len(list) == 0 {
			continue
		}
		rules = append(rules, rediskeys.LimitRule{
			Layout: a.of.Layout, Subject: a.of.Subject.Regexp, Endpoint: a.of.Endpoint.Regexp, Tier: a.of.Tier,
			Limit: list[0].Limit, WindowSeconds: list[0].WindowSeconds, From: "headers",
		})
	}
	return rules
}
