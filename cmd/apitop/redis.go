package main

import (
	"fmt"

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
	target, err := redisconn.Parse(c.Redis)
	if err != nil {
		return fmt.Errorf("%s: %w", c.origin("redis"), err)
	}
	keys, err := c.keys(w)
	if err != nil {
		return err
	}
	target = c.redisPassword(target)
	server := redisconn.OpenServer(target)
	w.redis = server
	w.closers = append(w.closers, server.Close)
	w.jobs = append(w.jobs,
		collectors.Job{Collector: redisinfo.New(server), Timeout: c.timeout()},
		collectors.Job{Collector: rediskeys.New(server, keys), Timeout: c.timeout()},
	)
	return nil
}

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
