package targets

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

// configText is what is read of a scrape_config.
// Source: config/config.go, ScrapeConfig.
type configText struct {
	JobName        string      `yaml:"job_name"`
	Scheme         string      `yaml:"scheme"`
	MetricsPath    string      `yaml:"metrics_path"`
	Params         url.Values  `yaml:"params"`
	ScrapeInterval string      `yaml:"scrape_interval"`
	ScrapeTimeout  string      `yaml:"scrape_timeout"`
	Static         []fileGroup `yaml:"static_configs"`
	Files          []struct {
		Files []string `yaml:"files"`
	} `yaml:"file_sd_configs"`
	DNS      []dnsText    `yaml:"dns_sd_configs"`
	Relabel  []yaml.Node  `yaml:"relabel_configs"`
	Settings web.Settings `yaml:",inline"`
}

// dnsText is an element of dns_sd_configs.
// Source: discovery/dns/dns.go, SDConfig.
type dnsText struct {
	Names []string `yaml:"names"`
	Type  string   `yaml:"type"`
	Port  int      `yaml:"port"`
}

// configNode is a scrape_config in its file.
type configNode struct {
	*yaml.Node
	whole map[string]any // its content
	dir   string         // of the file: paths are relative to it
}

// line is where a key of it stands.
func (c configNode) line(key string) int {
	for _, n := range c.Content {
		if n.Value == key {
			return n.Line
		}
	}
	return c.Line
}

// read takes a scrape_config. Its error is a *fault: the file is broken. What is
// not supported is noted, and where it decides how targets are asked, they are
// left out.
func (j *job) read(node configNode) error {
	text := configText{Settings: web.Settings{FollowRedirects: true}}
	if err := node.Decode(&text); err != nil {
		return yamlFault(err, node.Line)
	}
	if text.JobName == "" {
		return &fault{line: node.Line, why: "a scrape_config without job_name"}
	}
	j.name, j.params = text.JobName, text.Params
	j.scheme, j.path = orText(text.Scheme, j.scheme), orText(text.MetricsPath, j.path)
	j.interval, j.timeout = orText(text.ScrapeInterval, j.interval), orText(text.ScrapeTimeout, j.timeout)
	var err error
	if j.rules, err = rulesOf(text.Relabel); err != nil {
		return err
	}
	j.web = text.Settings
	j.web.InDir(node.dir)
	if j.unsupported(node) {
		return nil
	}
	if _, err := j.web.Open(); err != nil { // its error names the field and holds no secret
		j.notes = append(j.notes, note("", "job %s (line %d): %s: its targets are left out", j.shown(), node.Line, err))
		return nil
	}
	return j.addSources(&text, node)
}

// shown is the job's name, fit to be shown.
func (j *job) shown() string { return safe.Clean(j.name, 60) }

// unread are the keys that would change how a target is asked, and which are not
// supported.
var unread = []string{"oauth2", "no_proxy", "proxy_connect_header", "sigv4", "azuread", "google_iam"}

// unsupported notes what is not, and tells whether it leaves the job without
// targets.
func (j *job) unsupported(node configNode) bool {
	const fix = "use --prometheus to watch it through a server"
	for _, key := range slices.Sorted(maps.Keys(node.whole)) {
		if slices.Contains(unread, key) {
			j.notes = []snapshot.Note{note(fix, "job %s (line %d): %s is not supported: its targets are left out",
				j.shown(), node.line(key), key)}
			return true
		}
		if strings.HasSuffix(key, "_sd_configs") && key != "file_sd_configs" && key != "dns_sd_configs" {
			j.notes = append(j.notes, note(fix, "job %s (line %d): %s is not supported: targets from there are left out",
				j.shown(), node.line(key), safe.Clean(key, 40)))
		}
	}
	return false
}

func (j *job) addSources(text *configText, node configNode) error {
	var groups fixed
	for _, g := range text.Static {
		groups = append(groups, addresses(g.Targets, g.Labels))
	}
	if len(groups) > 0 {
		j.sources = append(j.sources, groups)
	}
	for _, f := range text.Files {
		for _, pattern := range f.Files {
			if err := checkPattern(pattern); err != nil {
				return &fault{line: node.line("file_sd_configs"), why: "file_sd_configs: " + err.Error()}
			}
		}
		j.sources = append(j.sources, newFiles(f.Files, node.dir))
	}
	for _, d := range text.DNS {
		kind := strings.ToUpper(orText(d.Type, "SRV"))
		switch {
		case !slices.Contains([]string{"A", "AAAA", "SRV", "MX", "NS"}, kind):
			return &fault{line: node.line("dns_sd_configs"), why: "dns_sd_configs: the type is none of A, AAAA, SRV, MX, NS"}
		case kind != "SRV" && (d.Port < 1 || d.Port > 65535):
			return &fault{line: node.line("dns_sd_configs"), why: fmt.Sprintf("dns_sd_configs: %s records need a port from 1 to 65535", kind)}
		}
		j.sources = append(j.sources, &records{names: d.Names, kind: kind, port: d.Port})
	}
	return nil
}
