package main

import (
	"fmt"
	"strings"

	"apitop/collectors"
	"apitop/collectors/redisconn"
	"apitop/collectors/redisinfo"
	"apitop/collectors/rediskeys"
	"apitop/collectors/safe"
	"apitop/collectors/web"
)

func (c *Config) addRedis(w *watched) error {
	if c.Redis == "" {
		return nil
	}
	target, err := c.redisTarget()
	if err != nil {
		return err
	}
	keys, err := c.keys(w)
	if err != nil {
		return err
	}
	server := redisconn.OpenServer(target)
	explorer := rediskeys.New(server, keys)
	w.redis, w.keys, w.layouts = server, explorer, keys.Layouts
	w.closers = append(w.closers, explorer.Close, server.Close)
	w.jobs = append(w.jobs,
		collectors.Job{Collector: redisinfo.New(server), Timeout: c.timeout()},
		collectors.Job{Collector: explorer, Timeout: c.timeout()},
	)
	return nil
}

// redisTarget is where Redis is, with the file's settings for the same address.
func (c *Config) redisTarget() (redisconn.Target, error) {
	all := strings.Split(c.Redis, redisAnd)
	target, err := redisconn.Parse(all[0], all[1:]...)
	if err != nil {
		return target, fmt.Errorf("%s: %w", c.origin("redis"), err)
	}
	if r := c.File.Redis; r != nil && r.URL.Reveal() == c.Redis {
		secure, err := r.TLS.Open()
		if err != nil { // the file was good when it was read
			return target, fmt.Errorf("%s: %w", c.File.Where("redis.tls_config"), err)
		}
		if secure != nil && !target.Encrypted() {
			return target, fmt.Errorf("%s: it needs rediss://", c.File.Where("redis.tls_config"))
		}
		target = target.WithTLS(secure)
	}
	return c.redisPassword(target), nil
}

// redisAnd stands between the addresses of several --redis flags: no address has
// it.
const redisAnd = "\n"

// redisFlag is a flag that may be repeated: several addresses are those of one
// cluster, or of its sentinels.
type redisFlag struct{ addresses *string }

// Set implements pflag.Value.
func (r redisFlag) Set(s string) error {
	if *r.addresses != "" {
		s = *r.addresses + redisAnd + s
	}
	*r.addresses = s
	return nil
}

// String implements pflag.Value; there is no default.
func (r redisFlag) String() string { return "" }

// Type implements pflag.Value.
func (r redisFlag) Type() string { return "string" }

// redisPassword gives t the password that stands beside its address: in a file,
// or where redis-cli looks for it.
func (c *Config) redisPassword(t redisconn.Target) redisconn.Target {
	switch {
	case c.RedisPassword != "":
		return t.WithPassword(web.SecretFile("the password file", c.RedisPassword))
	case !t.HasPassword() && c.Env("REDISCLI_AUTH") != "":
		password := safe.Hide(c.Env("REDISCLI_AUTH"))
		return t.WithPassword(func() (string, error) { return password.Reveal(), nil })
	}
	return t
}
