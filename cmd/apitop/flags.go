package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"apitop/collectors"
	"apitop/tui/theme"
)

// Config is what to watch and how. Flags beat the environment.
type Config struct {
	Metrics  []string // metrics pages: URLs
	Redis    string
	Postgres string
	NoHost   bool
	PID      int // of the watched service on this machine; 0: unknown
	Interval time.Duration
	Theme    string
	Version  bool // print it and end
	Env      func(string) string
	Absent   []collectors.Absent // sources that are known to be missing
}

// Flags that several commands share are declared here: the one place for their
// defaults. Each command takes those that mean something to it.

// addSources declares what to watch.
func (c *Config) addSources(f *pflag.FlagSet) {
	f.StringArrayVar(&c.Metrics, "metrics", nil, "metrics page `URL` (also positional; repeat it for several instances)")
	f.StringVar(&c.Redis, "redis", "", "Redis `URL`: redis://, rediss:// or unix://")
	f.StringVar(&c.Postgres, "postgres", "", "Postgres `DSN`: postgres://… or key=value")
	f.IntVar(&c.PID, "pid", 0, "process `ID` of the service, when it runs on this machine")
}

// addPace declares how to watch.
func (c *Config) addPace(f *pflag.FlagSet) {
	f.BoolVar(&c.NoHost, "no-host", false, "do not read this machine's CPU, memory, disk and network")
	f.DurationVar(&c.Interval, "interval", time.Second, "time between two readings")
}

// addTheme declares how the screen looks.
func (c *Config) addTheme(f *pflag.FlagSet) {
	f.StringVar(&c.Theme, "theme", "default", "colours: "+strings.Join(theme.Names(), ", "))
}

// The shortest interval keeps apitop a guest; the longest keeps charts charts.
const (
	minInterval = 100 * time.Millisecond
	maxInterval = time.Minute
)

// complete takes positional arguments and the environment in, and checks what
// it can. It reports a usageError.
func (c *Config) complete(args []string, getenv func(string) string) error {
	c.Env = getenv
	c.Metrics = append(args, c.Metrics...)
	if c.Interval < minInterval || c.Interval > maxInterval {
		return usageError{fmt.Errorf("--interval %v: use %v to %v", c.Interval, minInterval, maxInterval)}
	}
	if c.PID < 0 {
		return usageError{fmt.Errorf("--pid %d: a process id is positive", c.PID)}
	}
	if len(c.Metrics) == 0 && c.Redis == "" && c.Postgres == "" {
		c.fromEnv()
	}
	for i, m := range c.Metrics {
		c.Metrics[i] = metricsURL(m)
	}
	return nil
}

// fromEnv takes the sources from the environment, by the names that others use.
func (c *Config) fromEnv() {
	for m := range strings.FieldsSeq(strings.ReplaceAll(c.Env("APITOP_METRICS"), ",", " ")) {
		c.Metrics = append(c.Metrics, m)
	}
	c.Redis = c.Env("REDIS_URL")
	c.Postgres = c.Env("DATABASE_URL")
	if c.Postgres == "" && c.Env("PGHOST") != "" {
		c.Postgres = "host=" + c.Env("PGHOST") // the rest of PG* is read by the driver
	}
}

// metricsURL completes what people type: "localhost:8000" is
// http://localhost:8000/metrics.
func metricsURL(s string) string {
	if strings.HasPrefix(s, ":") {
		s = "localhost" + s
	}
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	scheme, rest, _ := strings.Cut(s, "://")
	if !strings.ContainsAny(rest, "/?") {
		rest += "/metrics"
	}
	return scheme + "://" + rest
}
