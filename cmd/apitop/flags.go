package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"apitop/cmd/internal/config"
	"apitop/collectors"
	"apitop/collectors/redislive"
	"apitop/tui/theme"
)

// Config is what to watch and how. Flags beat the environment, which beats the
// configuration file.
type Config struct {
	Metrics       []string          // metrics pages: URLs
	TargetFiles   []string          // files that list metrics pages: patterns
	PromConfig    string            // a prometheus.yml whose targets are read; empty: none
	Jobs          []string          // those of it that count; empty: its only one
	Prometheus    string            // a Prometheus-compatible server: URL
	Match         string            // which of its services
	Redis         string            // URLs, with redisAnd in between
	RedisPassword string            // a file; empty: in the URL, if at all
	RedisDuty     float64           // share of one core of Redis, 0..1; 0: see redisDuty
	Live          redislive.Options // ways of looking into Redis that cost it something
	Postgres      string
	NoHost        bool
	PID           int // of the watched service on this machine; 0: unknown
	Interval      time.Duration
	Theme         string
	AllowWrites   bool   // keys may be deleted and changed, by a person who is asked first
	LogFile       string // where that is noted; empty: the usual place
	Version       bool   // print it and end
	Env           func(string) string
	Absent        []collectors.Absent // sources that are known to be missing

	ConfigPath string            // of the file; empty: the usual place
	File       config.File       // what it says
	window     time.Duration     // that the figures of a server cover at least; 0: as usual
	past       time.Duration     // that a server is asked for at the start; 0: none
	from       map[string]string // where a source comes from, when it is not its flag
	typed      bool              // the sources are those of the command line
}

// Flags that several commands share are declared here: the one place for their
// defaults. Each command takes those that mean something to it.

// addSources declares what to watch.
func (c *Config) addSources(f *pflag.FlagSet) {
	f.StringArrayVar(&c.Metrics, "metrics", nil, "metrics page `URL` (also positional; repeat it for several instances; dns+http://name:port/metrics: all addresses of a name)")
	f.StringArrayVar(&c.TargetFiles, "targets-file", nil, "`FILE` that lists metrics pages, as for Prometheus' file_sd; * matches several")
	f.StringVar(&c.PromConfig, "prometheus-config", "", "prometheus.yml `FILE` whose targets are read directly")
	f.StringArrayVar(&c.Jobs, "job", nil, "`NAME` of a job in that prometheus.yml (repeat it for several)")
	f.StringVar(&c.Prometheus, "prometheus", "", "`URL` of a Prometheus-compatible server, to watch a whole fleet")
	f.StringVar(&c.Match, "match", "", "which service of it: `MATCHERS` such as 'job=\"api\"'")
	f.Var(redisFlag{&c.Redis}, "redis", "Redis `URL`: redis://, rediss:// or unix:// (several hosts, or repeated: nodes of a cluster; ?master_name=NAME: sentinels)")
	f.StringVar(&c.RedisPassword, "redis-password-file", "", "`FILE` with the password of Redis, to keep it out of the URL")
	f.Var(dutyFlag{&c.RedisDuty}, "redis-duty", "`SHARE` of one core of Redis that looking for hot keys may use: 0.5% to 10%")
	f.BoolVar(&c.Live.Monitor, "allow-monitor", false, "listen to all commands of Redis for moments, for the rates of its keys: costs it a few milliseconds each")
	f.BoolVar(&c.Live.Hotkeys, "allow-hotkeys", false, "let Redis 8.6 and newer rank keys by time and bytes, 10 s of each minute (HOTKEYS)")
	f.BoolVar(&c.Live.Tracking, "allow-tracking", false, "find keys of rate limiters by their changes, 2 s of each minute (CLIENT TRACKING)")
	f.StringVar(&c.Postgres, "postgres", "", "Postgres `DSN`: postgres://… or key=value")
	f.IntVar(&c.PID, "pid", 0, "process `ID` of the service, when it runs on this machine")
}

// addPace declares how to watch.
func (c *Config) addPace(f *pflag.FlagSet) {
	f.BoolVar(&c.NoHost, "no-host", false, "do not read this machine's CPU, memory, disk and network")
	f.DurationVar(&c.Interval, "interval", time.Second, "time between two readings")
}

// addConfig declares where all of it may be written down.
func (c *Config) addConfig(f *pflag.FlagSet) {
	f.StringVar(&c.ConfigPath, "config", "", "configuration `FILE` (default ~/.config/apitop/config.yaml, if there is one)")
}

// addTheme declares how the screen looks.
func (c *Config) addTheme(f *pflag.FlagSet) {
	f.StringVar(&c.Theme, "theme", "default", "colours: "+strings.Join(theme.Names(), ", "))
}

// addWrites declares what a dashboard may change, and where that is noted.
func (c *Config) addWrites(f *pflag.FlagSet) {
	f.BoolVar(&c.AllowWrites, "allow-writes", false, "let keys of Redis be deleted, given a lifetime, or a caller unblocked; asks first")
	c.addLog(f)
}

// addLog declares where changes are noted.
func (c *Config) addLog(f *pflag.FlagSet) {
	f.StringVar(&c.LogFile, "log", "", "`FILE` that notes each change (default ~/.local/state/apitop/apitop.log)")
}

// offer lets shells complete the values of cmd's flags: words for some, files
// for those that name one, nothing for the rest.
func offer(cmd *cobra.Command, words map[string][]string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		known, ok := words[f.Name]
		switch {
		case ok:
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(known, cobra.ShellCompDirectiveNoFileComp)) // fails only for an unknown flag
		case f.Value.Type() != "bool" && !strings.HasSuffix(f.Name, "config") && !strings.HasSuffix(f.Name, "file") && f.Name != "log":
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.NoFileCompletions)
		}
	})
}

// formats are the ways to print a report.
func formats() []string { return []string{"table", "json"} }

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
