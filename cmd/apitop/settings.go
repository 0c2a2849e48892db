package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"apitop/cmd/internal/config"
	"apitop/collectors/safe"
	"apitop/collectors/scrape"
	"apitop/collectors/web"
	"apitop/tui/theme"
)

// complete takes the positional arguments, the environment and the configuration
// file in, and checks what it can. Sources that flags or arguments name are all
// that is watched, with the settings that the file has for the same URL; without
// any, each kind is taken from the environment, else from the file. It reports a
// usageError.
func (c *Config) complete(flags *pflag.FlagSet, args []string, getenv func(string) string) error {
	c.Env, c.from = getenv, map[string]string{}
	file, err := c.readFile()
	if err != nil {
		return usageError{err}
	}
	c.File = *file
	c.Metrics = append(slices.Clone(args), c.Metrics...)
	if c.typed = c.hasSource(); !c.typed {
		c.fromEnv()
		c.fromFile()
	}
	for i, m := range c.Metrics {
		c.Metrics[i] = metricsURL(m)
	}
	if err := c.settings(flags.Changed); err != nil {
		return usageError{err}
	}
	return nil
}

func (c *Config) readFile() (*config.File, error) {
	if c.ConfigPath != "" {
		return config.Load(c.ConfigPath)
	}
	return config.LoadDefault(c.Env)
}

// hasSource tells whether anything but this machine is to be watched.
func (c *Config) hasSource() bool {
	return c.hasMetrics() || c.Prometheus != "" || c.Redis != "" || c.Postgres != ""
}

// hasMetrics tells whether metrics pages are named or can be found.
func (c *Config) hasMetrics() bool {
	return len(c.Metrics) > 0 || len(c.TargetFiles) > 0 || c.PromConfig != ""
}

// fromEnv takes the sources from the environment, by the names that others use.
func (c *Config) fromEnv() {
	for m := range strings.FieldsSeq(strings.ReplaceAll(c.Env("APITOP_METRICS"), ",", " ")) {
		c.Metrics = append(c.Metrics, m)
	}
	if c.Prometheus = c.Env("PROMETHEUS_URL"); c.Prometheus != "" && len(c.Metrics) == 0 {
		c.from["prometheus"] = "PROMETHEUS_URL"
	} else {
		c.Prometheus = ""
	}
	if c.Redis = c.Env("REDIS_URL"); c.Redis != "" {
		c.from["redis"] = "REDIS_URL"
	}
	if c.Postgres = c.Env("DATABASE_URL"); c.Postgres != "" {
		c.from["postgres"] = "DATABASE_URL"
	} else if c.Env("PGHOST") != "" {
		c.Postgres = "host=" + c.Env("PGHOST") // the rest of PG* is read by the driver
		c.from["postgres"] = "PGHOST"
	}
}

// fromFile takes from the file the sources that the environment does not name.
func (c *Config) fromFile() {
	if !c.hasMetrics() && c.Prometheus == "" {
		c.metricsFromFile()
	}
	if r := c.File.Redis; r != nil && c.Redis == "" {
		c.Redis = r.URL.Reveal()
		c.from["redis"] = c.File.Where("redis.url")
		if c.RedisPassword == "" {
			c.RedisPassword = r.PasswordFile
		}
	}
	if p := c.File.Postgres.Reveal(); p != "" && c.Postgres == "" {
		c.Postgres = p
		c.from["postgres"] = c.File.Where("postgres")
	}
}

func (c *Config) metricsFromFile() {
	f := &c.File
	if p := f.Prometheus; p != nil {
		c.Prometheus = p.URL.Reveal()
		c.from["prometheus"] = f.Where("prometheus.url")
	}
	for i := range f.Metrics {
		c.Metrics = append(c.Metrics, f.Metrics[i].URL.Reveal())
	}
	for i := range f.DNS {
		c.Metrics = append(c.Metrics, dnsURL(f.DNS[i].URL.Reveal()))
	}
	for i := range f.FileSD {
		c.TargetFiles = append(c.TargetFiles, f.FileSD[i].Path)
	}
	if p := f.PrometheusConfig; p != nil {
		c.PromConfig = p.Path
		c.from["prometheus-config"] = f.Where("prometheus_config.path")
		if len(c.Jobs) == 0 {
			c.Jobs = p.Jobs
		}
	}
}

// settings takes what is no source from the file, unless a flag says it, and
// checks it.
func (c *Config) settings(changed func(flag string) bool) error {
	where := func(flag, key string, inFile bool) string {
		if inFile && !changed(flag) {
			return c.File.Where(key)
		}
		return "--" + flag
	}
	f := &c.File
	if f.Interval != 0 && !changed("interval") {
		c.Interval = f.Interval
	}
	if c.Interval < minInterval || c.Interval > maxInterval {
		return fmt.Errorf("%s %v: use %v to %v", where("interval", "interval", f.Interval != 0), c.Interval, minInterval, maxInterval)
	}
	if f.PID != 0 && !changed("pid") {
		c.PID = f.PID
	}
	if c.PID < 0 {
		return fmt.Errorf("--pid %d: a process id is positive", c.PID)
	}
	if f.NoHost && !changed("no-host") {
		c.NoHost = true
	}
	if f.Theme != "" && !changed("theme") {
		c.Theme = f.Theme
		if !slices.Contains(theme.Names(), c.Theme) {
			return fmt.Errorf("%s: want one of %s", f.Where("theme"), strings.Join(theme.Names(), ", "))
		}
	}
	c.allowLive(changed)
	return c.checkFleet()
}

// allowLive takes from the file what it allows, which holds for its own server
// only.
func (c *Config) allowLive(changed func(flag string) bool) {
	r := c.File.Redis
	if r == nil || r.URL.Reveal() != c.Redis {
		return
	}
	c.Live.Monitor = c.Live.Monitor || r.Monitor && !changed("allow-monitor")
	c.Live.Hotkeys = c.Live.Hotkeys || r.Hotkeys && !changed("allow-hotkeys")
	c.Live.Tracking = c.Live.Tracking || r.Tracking && !changed("allow-tracking")
}

// origin is where a source comes from, for errors about it.
func (c *Config) origin(kind string) string {
	if from := c.from[kind]; from != "" {
		return from
	}
	return "--" + kind
}

// page is how to read the metrics page at url, and what errors about it begin
// with.
func (c *Config) page(url string) (page scrape.Config, where func(error) string) {
	m, path, ok := c.File.Page(url, metricsURL)
	if !ok {
		base, from := c.dnsPages(url) // a name with a scheme that is none
		base.URL = url
		return base, func(error) string { return from }
	}
	page = scraped(&m.Scrape)
	page.URL, page.Target = url, safe.Clean(m.Name, 60)
	return page, func(err error) string {
		if _, ok := errors.AsType[*web.FieldError](err); ok {
			return c.File.FieldWhere(path, err)
		}
		return c.File.Where(path + ".url")
	}
}

// scraped is what the file says of how to read pages.
func scraped(s *config.Scrape) scrape.Config {
	page := scrape.Config{Web: s.Settings, Pin: pinned(s.Mapping), Limits: scrape.Limits{BodyBytes: int64(s.Limits.BodyBytes), Series: s.Limits.Series}}
	return page
}

func pinned(m *config.Mapping) *scrape.Pin {
	if m == nil {
		return nil
	}
	return &scrape.Pin{Counter: m.Requests, Duration: m.Duration, Route: m.Route, Status: m.Status, Method: m.Method, Unit: m.Unit}
}

// The shortest interval keeps apitop a guest; the longest keeps charts charts.
const (
	minInterval = 100 * time.Millisecond
	maxInterval = time.Minute
)
