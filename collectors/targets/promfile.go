package targets

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Prometheus watches the targets of a prometheus.yml: those of the jobs with
// these names, or of its only job. The file is read at once, and again whenever
// it changes; a broken one changes nothing. The error is a [snapshot.Failure]:
// the file cannot be read, a job is not in it, or it has several and none is
// named, as the targets of one Watcher are instances of one service.
//
// Of a scrape_config, what says where targets are and how to ask them is
// obeyed: static_configs, file_sd_configs, dns_sd_configs, relabel_configs,
// scheme, metrics_path, params and the HTTP settings. Another way of discovery
// is said and left out. What concerns intervals, storing and limits is not used.
func Prometheus(path string, jobs ...string) (*Watcher, error) {
	p := &promFile{file: file{path: path}, want: jobs}
	content, _, err := p.read()
	if err == nil {
		err = p.parse(content)
	}
	if err == nil {
		_, err = p.chosen()
	}
	if err != nil {
		f := faultOf(err)
		return nil, snapshot.Fail(snapshot.Unsupported, f.at(path)+": "+f.why, f.fix)
	}
	return newWatcher("config "+path, p), nil
}

// promFile is the finder for a prometheus.yml.
type promFile struct {
	file
	want  []string
	jobs  []*job          // of the newest good reading
	notes []snapshot.Note // of the file as a whole
	fault *fault          // of the newest reading; nil: it was good
}

func (p *promFile) find(ctx context.Context, now time.Time) (list []Target, notes []snapshot.Note, err error) {
	switch content, fresh, failed := p.read(); {
	case failed != nil:
		p.fault = faultOf(failed)
	case fresh:
		p.fault = nil
		if failed := p.parse(content); failed != nil {
			p.fault = faultOf(failed)
		}
	}
	notes = slices.Clone(p.notes)
	if p.fault != nil {
		notes = append(notes, note(p.fault.fix, "%s: %s (the last good reading counts)", p.fault.at(p.path), p.fault.why))
	}
	jobs, failed := p.chosen()
	if failed != nil {
		f := faultOf(failed)
		return nil, notes, snapshot.Fail(snapshot.Unsupported, f.at(p.path)+": "+f.why, f.fix)
	}
	for _, j := range jobs {
		found, said, failed := j.find(ctx, now)
		list, notes, err = append(list, found...), append(notes, said...), errors.Join(err, failed)
	}
	return list, notes, err
}

// chosen is the jobs that are wanted. Its error is a *fault.
func (p *promFile) chosen() (jobs []*job, err error) {
	var names []string
	for _, j := range p.jobs {
		names = append(names, j.name)
		if slices.Contains(p.want, j.name) {
			jobs = append(jobs, j)
		}
	}
	there := safe.Clean(strings.Join(names, ", "), 120)
	for _, name := range p.want {
		if !slices.Contains(names, name) {
			return nil, &fault{why: fmt.Sprintf("it has no job %q", safe.Clean(name, 60)), fix: "its jobs are " + there}
		}
	}
	switch {
	case len(p.jobs) == 0:
		return nil, &fault{why: "it has no scrape_configs"}
	case len(p.want) == 0 && len(p.jobs) > 1:
		return nil, &fault{
			why: fmt.Sprintf("it has %d jobs, and the targets of one service are to be watched", len(p.jobs)),
			fix: "choose with --job, once or several times: " + there,
		}
	case len(p.want) == 0:
		return p.jobs, nil
	}
	return jobs, nil
}

// promText is what is read of a prometheus.yml.
// Source: config/config.go, Config and GlobalConfig.
type promText struct {
	Global struct {
		ScrapeInterval string `yaml:"scrape_interval"`
		ScrapeTimeout  string `yaml:"scrape_timeout"`
	} `yaml:"global"`
	ScrapeConfigFiles []string    `yaml:"scrape_config_files"`
	ScrapeConfigs     []yaml.Node `yaml:"scrape_configs"`
}

// parse takes the jobs of a file. Those whose text is the same stay as they are,
// and with them what their sources have found. Its error is a *fault; nothing
// has changed then.
func (p *promFile) parse(content []byte) error {
	var text promText
	if err := yaml.Unmarshal(content, &text); err != nil {
		return yamlFault(err, 0)
	}
	base := job{
		scheme: "http", path: "/metrics",
		interval: orText(text.Global.ScrapeInterval, "1m"), timeout: orText(text.Global.ScrapeTimeout, "10s"),
	}
	jobs, err := p.jobsOf(text.ScrapeConfigs, p.path, base)
	if err != nil {
		return err
	}
	more, notes, err := p.others(text.ScrapeConfigFiles, base)
	if err != nil {
		return err
	}
	jobs = append(jobs, more...)
	if double := doubled(jobs); double != "" {
		return &fault{why: fmt.Sprintf("two jobs are named %q", safe.Clean(double, 60))}
	}
	p.jobs, p.notes = jobs, notes
	return nil
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// doubled is a job name that is there twice; empty: none.
func doubled(jobs []*job) string {
	seen := map[string]bool{}
	for _, j := range jobs {
		if seen[j.name] {
			return j.name
		}
		seen[j.name] = true
	}
	return ""
}

// others reads the jobs in scrape_config_files. They are read when the main file
// is.
func (p *promFile) others(patterns []string, base job) (jobs []*job, notes []snapshot.Note, err error) {
	for _, pattern := range patterns {
		paths, err := filepath.Glob(under(filepath.Dir(p.path), pattern))
		if err != nil {
			return nil, nil, &fault{why: "scrape_config_files: the pattern cannot be read"}
		}
		if len(paths) > maxFiles {
			return nil, nil, &fault{why: fmt.Sprintf("scrape_config_files: more than %d files", maxFiles)}
		}
		for _, path := range paths {
			found, err := p.other(path, base)
			if err != nil {
				f := faultOf(err)
				notes = append(notes, note("", "%s: %s", f.at(path), f.why))
			}
			jobs = append(jobs, found...)
		}
	}
	return jobs, notes, nil
}

func (p *promFile) other(path string, base job) ([]*job, error) {
	f := file{path: path}
	content, _, err := f.read()
	if err != nil {
		return nil, err
	}
	var text promText
	if err := yaml.Unmarshal(content, &text); err != nil {
		return nil, yamlFault(err, 0)
	}
	return p.jobsOf(text.ScrapeConfigs, path, base)
}

// jobsOf reads scrape_configs.
func (p *promFile) jobsOf(nodes []yaml.Node, path string, base job) (jobs []*job, err error) {
	for i := range nodes {
		whole, hash, err := contentOf(&nodes[i], path, base)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(p.jobs, func(j *job) bool { return j.text == hash })
		if at >= 0 {
			jobs = append(jobs, p.jobs[at])
			continue
		}
		j := base
		j.text = hash
		if err := j.read(configNode{&nodes[i], whole, filepath.Dir(path)}); err != nil {
			return nil, err
		}
		jobs = append(jobs, &j)
	}
	return jobs, nil
}

// contentOf is a scrape_config as a plain map, with what its anchors and merge
// keys stand for, and a hash of all that a job is made of.
func contentOf(node *yaml.Node, path string, base job) (whole map[string]any, hash [sha256.Size]byte, err error) {
	if err := node.Decode(&whole); err != nil {
		return nil, hash, yamlFault(err, node.Line)
	}
	text, err := yaml.Marshal(whole)
	if err != nil {
		return nil, hash, yamlFault(err, node.Line)
	}
	return whole, sha256.Sum256(fmt.Appendf(text, "%s %s %s", path, base.interval, base.timeout)), nil
}
