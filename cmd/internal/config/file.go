// Package config reads apitop's configuration file.
//
// It is strict: a key that nobody reads, a value of the wrong kind and a
// setting that cannot be used are errors, which say file, line, column and key
// and what is allowed. No error repeats a value, as any of them can be a
// password that slipped a line.
package config

import (
	"path/filepath"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/web"
)

// File is what a configuration file says. Absent keys are zero.
type File struct {
	Interval time.Duration `yaml:"interval"` // time between two readings
	Theme    string        `yaml:"theme"`
	NoHost   bool          `yaml:"no_host"`
	PID      int           `yaml:"pid"` // of the service on this machine; 0: none

	Metrics          []Metrics         `yaml:"metrics"`
	FileSD           []FileSD          `yaml:"file_sd_files"`
	DNS              []DNS             `yaml:"dns"`
	PrometheusConfig *PrometheusConfig `yaml:"prometheus_config"`
	Prometheus       *Prometheus       `yaml:"prometheus"`
	Redis            *Redis            `yaml:"redis"`
	// Postgres is a URL or key=value pairs; passwords can stay in ~/.pgpass.
	Postgres safe.Secret[string] `yaml:"postgres"`
	Limiting `yaml:",inline"`

	name   string
	places map[string]place // of keys: "metrics[0].tls_config.ca_file"
}

// Metrics is one metrics page; a bare URL is enough.
type Metrics struct {
	URL    safe.Secret[string] `yaml:"url"`
	Name   string              `yaml:"name"` // for people; empty: host and port
	Scrape `yaml:",inline"`
}

// FileSD is a file with targets in the format of Prometheus' file_sd; a bare
// path is enough. Its last element may hold a pattern: targets/*.json.
type FileSD struct {
	Path   string `yaml:"path"`
	Scrape `yaml:",inline"`
}

// DNS is a name with many addresses, each of which is a target; a bare URL is
// enough.
type DNS struct {
	URL    safe.Secret[string] `yaml:"url"`
	Scrape `yaml:",inline"`
}

// PrometheusConfig is a prometheus.yml whose jobs are scraped directly; a bare
// path is enough.
type PrometheusConfig struct {
	Path string   `yaml:"path"`
	Jobs []string `yaml:"jobs"` // empty: as without --job
}

// Prometheus is a Prometheus-compatible server to ask; a bare URL is enough.
type Prometheus struct {
	URL          safe.Secret[string] `yaml:"url"`
	Match        string              `yaml:"match"` // matchers of the service: job="api"
	Mapping      *Mapping            `yaml:"mapping"`
	web.Settings `yaml:",inline"`
}

// Redis is a Redis server, a cluster or its sentinels; a bare URL is enough.
type Redis struct {
	URL          safe.Secret[string] `yaml:"url"`
	PasswordFile string              `yaml:"password_file"`
	TLS          web.TLS             `yaml:"tls_config"` // of rediss://
	Duty         string              `yaml:"duty"`       // see [ParseDuty]; empty: [DefaultDuty]
	Monitor      bool                `yaml:"monitor"`    // as --allow-monitor
	Hotkeys      bool                `yaml:"hotkeys"`    // as --allow-hotkeys
	Tracking     bool                `yaml:"tracking"`   // as --allow-tracking
}

// Scrape is how metrics pages are asked for and understood.
type Scrape struct {
	Mapping      *Mapping `yaml:"mapping"` // empty keys are found as usual
	Limits       Limits   `yaml:"limits"`
	web.Settings `yaml:",inline"`
}

// Mapping fixes what apitop otherwise finds out by itself. Names are those on
// the page.
type Mapping struct {
	Requests string   `yaml:"requests"` // the counter of requests
	Duration string   `yaml:"duration"` // the histogram or summary of durations
	Route    []string `yaml:"route"`    // labels; several are joined
	Status   string   `yaml:"status"`   // label
	Method   string   `yaml:"method"`   // label
	Unit     string   `yaml:"unit"`     // of the durations
}

// Units are the names of units that Mapping.Unit may have.
func Units() []string {
	return []string{"seconds", "milliseconds", "microseconds", "nanoseconds", "s", "ms", "us", "ns"}
}

// Limits bound a page; 0 is the default.
type Limits struct {
	BodyBytes Size `yaml:"body_bytes"` // after decompression
	Series    int  `yaml:"series"`
}

// A struct that may be written as a bare text says here which field that is.
type bare interface{ bare() any }

func (m *Metrics) bare() any          { return &m.URL }
func (f *FileSD) bare() any           { return &f.Path }
func (d *DNS) bare() any              { return &d.URL }
func (p *PrometheusConfig) bare() any { return &p.Path }
func (p *Prometheus) bare() any       { return &p.URL }
func (r *Redis) bare() any            { return &r.URL }

// HasSources tells whether the file says what to watch.
func (f *File) HasSources() bool {
	return len(f.Metrics) > 0 || len(f.FileSD) > 0 || len(f.DNS) > 0 || f.PrometheusConfig != nil ||
		f.Prometheus != nil || f.Redis != nil || f.Postgres.Reveal() != ""
}

// Page is the settings of the metrics page at url, and where they stand; ok is
// false when the file does not list it.
func (f *File) Page(url string, complete func(string) string) (m Metrics, path string, ok bool) {
	for i := range f.Metrics {
		if complete(f.Metrics[i].URL.Reveal()) == url {
			return f.Metrics[i], element("metrics", i), true
		}
	}
	return m, "", false
}

// inDir makes relative paths start at the file's folder, as in a prometheus.yml.
func (f *File) inDir(dir string) {
	at := func(path *string) {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	for i := range f.Metrics {
		f.Metrics[i].InDir(dir)
	}
	for i := range f.DNS {
		f.DNS[i].InDir(dir)
	}
	for i := range f.LimitHeaders {
		f.LimitHeaders[i].InDir(dir)
	}
	for i := range f.FileSD {
		at(&f.FileSD[i].Path)
		f.FileSD[i].InDir(dir)
	}
	if f.PrometheusConfig != nil {
		at(&f.PrometheusConfig.Path)
	}
	if f.Prometheus != nil {
		f.Prometheus.InDir(dir)
	}
	if f.Redis != nil {
		at(&f.Redis.PasswordFile)
		at(&f.Redis.TLS.CAFile)
		at(&f.Redis.TLS.CertFile)
		at(&f.Redis.TLS.KeyFile)
	}
}
