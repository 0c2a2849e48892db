package targets

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

// Labels with a meaning of their own. Source: prometheus/common
// model/labels.go.
const (
	addressLabel  = "__address__"
	schemeLabel   = "__scheme__"
	pathLabel     = "__metrics_path__"
	intervalLabel = "__scrape_interval__"
	timeoutLabel  = "__scrape_timeout__"
	paramPrefix   = "__param_"
	jobLabel      = "job"
	instanceLabel = "instance"
)

// source finds groups of targets. find is called again and again, never twice
// at once. It gives the last good groups and a note when it can find no new
// ones, and an error when there are none to give.
type source interface {
	find(ctx context.Context, now time.Time) ([]group, []snapshot.Note, error)
}

// group is targets with the labels they share; a target's own label wins.
type group struct {
	targets []labels
	labels  labels
}

// fixed is a source that never changes: static_configs.
type fixed []group

func (f fixed) find(context.Context, time.Time) ([]group, []snapshot.Note, error) {
	return f, nil, nil
}

// job makes targets of what its sources find: a scrape_config.
type job struct {
	name     string
	scheme   string
	path     string
	params   url.Values
	interval string // for rules that ask; apitop has its own
	timeout  string
	web      web.Settings
	user     *url.Userinfo // of a URL that the user gave; nil: none
	host     string        // what URLs name instead of the address; empty: the address
	rules    []rule
	sources  []source
	notes    []snapshot.Note // what of its text is not supported
	text     [32]byte        // hash of its text
}

// maxCandidates bounds how many targets a job looks at.
const maxCandidates = 50_000

// find asks all sources. The error is that of the last source that gave none.
func (j *job) find(ctx context.Context, now time.Time) (list []Target, notes []snapshot.Note, err error) {
	notes = append(notes, j.notes...)
	looked := 0
	bad := map[string]int{}
	for _, s := range j.sources {
		groups, said, failed := s.find(ctx, now)
		notes = append(notes, said...)
		err = errors.Join(err, failed)
		for _, g := range groups {
			for _, own := range g.targets {
				if looked++; looked > maxCandidates {
					return list, append(notes, note("", "job %s: more than %d targets before relabelling: the rest is left out", j.name, maxCandidates)), err
				}
				t, keep, why := j.target(own, g.labels)
				if why != "" {
					bad[why]++
				} else if keep {
					list = append(list, t)
				}
			}
		}
	}
	for _, why := range slices.Sorted(maps.Keys(bad)) {
		notes = append(notes, note("", "job %s: %s left out: %s", j.name, many(bad[why], "target"), why))
	}
	return list, notes, err
}

// target makes a Target of its labels, as scrape/target.go (PopulateLabels,
// Target.URL) of Prometheus does. keep is false when a rule drops it; why says
// that it cannot be read.
func (j *job) target(own, shared labels) (t Target, keep bool, why string) {
	l := labels{}
	maps.Copy(l, shared)
	for name, value := range own {
		l.set(name, value)
	}
	j.fill(l)
	if !relabel(l, j.rules) {
		return t, false, ""
	}
	address := l[addressLabel]
	switch {
	case address == "":
		return t, false, "there is no address"
	case strings.Contains(address, "/"):
		return t, false, "the address holds a /: scheme and path are settings of their own"
	case l[schemeLabel] != "http" && l[schemeLabel] != "https":
		return t, false, "the scheme is neither http nor https"
	}
	if l[instanceLabel] == "" {
		l[instanceLabel] = address
	}
	u := url.URL{Scheme: l[schemeLabel], User: j.user, Host: address, Path: l[pathLabel], RawQuery: j.query(l)}
	if j.host != "" {
		u.Host, t.Dial = j.host, address
	}
	t.URL, t.Web, t.job = safe.Hide(u.String()), j.web, j
	t.Name = safe.New(l[instanceLabel] + otherPath(l[pathLabel]))
	t.Labels = visible(l)
	return t, true, ""
}

// otherPath is what a path adds to a name.
func otherPath(path string) string {
	if path == "/metrics" {
		return ""
	}
	return path
}

// fill adds the labels that the job itself gives where they are missing.
func (j *job) fill(l labels) {
	own := map[string]string{
		jobLabel: j.name, schemeLabel: j.scheme, pathLabel: j.path, intervalLabel: j.interval, timeoutLabel: j.timeout,
	}
	for name, values := range j.params {
		if len(values) > 0 {
			own[paramPrefix+name] = values[0]
		}
	}
	for name, value := range own {
		if l[name] == "" {
			l.set(name, value)
		}
	}
}

// query is the job's parameters, with the first value of each as the labels
// have it.
func (j *job) query(l labels) string {
	params := url.Values{}
	for name, values := range j.params {
		params[name] = append([]string(nil), values...)
	}
	for label, value := range l {
		name, ok := strings.CutPrefix(label, paramPrefix)
		switch {
		case !ok:
		case len(params[name]) > 0:
			params[name][0] = value
		default:
			params[name] = []string{value}
		}
	}
	return params.Encode()
}

// visible is the labels without those that begin with __.
func visible(l labels) map[string]string {
	seen := map[string]string{}
	for name, value := range l {
		if !strings.HasPrefix(name, "__") {
			seen[name] = value
		}
	}
	return seen
}

// addresses makes a group of bare addresses.
func addresses(list []string, shared labels) group {
	g := group{labels: shared, targets: make([]labels, len(list))}
	for i, a := range list {
		g.targets[i] = labels{addressLabel: a}
	}
	return g
}

// named tells apart targets that have the same name, and leaves out a second one
// of the same kind. It keeps to MaxTargets.
func named(list []Target) (kept []Target, notes []snapshot.Note) {
	names := map[string]Target{}
	for _, t := range list {
		first, taken := names[t.Name.Raw()]
		if taken && first.URL.Reveal() == t.URL.Reveal() && first.Dial == t.Dial {
			continue // Prometheus, too, asks for the same page once
		}
		for n := 2; taken; n++ {
			t.Name = safe.New(fmt.Sprintf("%s %s %d", first.Name.Raw(), t.Labels[jobLabel], n))
			_, taken = names[t.Name.Raw()]
		}
		if len(kept) == MaxTargets {
			return kept, []snapshot.Note{note("watch a Prometheus server instead: --prometheus",
				"more than %d targets: the rest is left out", MaxTargets)}
		}
		names[t.Name.Raw()] = t
		kept = append(kept, t)
	}
	return kept, nil
}
