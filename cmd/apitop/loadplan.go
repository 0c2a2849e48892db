package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"apitop/collectors/safe"
	"apitop/demoapi/load"
	"apitop/demoapi/serve"
)

// loadPlan is a load test that can be run.
type loadPlan struct {
	spec      load.Spec
	slos      []load.SLO
	base      *load.Report // to compare with; nil: none
	tolerance load.Tolerance
}

// requests is how many a closed loop sends; 0 for an open loop.
func (p *loadPlan) requests() int {
	n := p.spec.Closed.Users * p.spec.Closed.Requests
	if s := p.spec.Scenario; s != nil && s.Sequential {
		n *= len(s.Requests)
	}
	return n
}

var errNoTarget = errors.New("what should be loaded? give a URL, such as http://localhost:8000/products")

// plan makes a test of the flags and the positional arguments. Whatever is wrong
// with them is found here, before anything is sent.
func (f *loadFlags) plan(args []string) (*loadPlan, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	spec, err := f.spec()
	if err != nil {
		return nil, err
	}
	p := &loadPlan{spec: spec}
	switch {
	case len(args) == 0 && f.scenario == "demo":
		args = []string{serve.DefaultListen} // where demoapi listens unless it is told otherwise
	case len(args) == 0:
		return nil, errNoTarget
	case len(args) > 1:
		return nil, fmt.Errorf("one URL at a time, not %d", len(args))
	}
	if err := f.aim(&p.spec, loadTarget(args[0])); err != nil {
		return nil, err
	}
	if p.slos, err = parseObjectives(f.slos); err != nil {
		return nil, err
	}
	if err := known(p.slos, p.spec); err != nil {
		return nil, err
	}
	if err := fitting(p.spec); err != nil {
		return nil, err
	}
	if _, err := load.New(p.spec); err != nil {
		return nil, err
	}
	if f.findMax {
		if err := f.search(p).Check(); err != nil {
			return nil, err
		}
	}
	return p, f.planCompare(p)
}

// aim sets what is asked of whom.
func (f *loadFlags) aim(s *load.Spec, target string) error {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("cannot use the URL: write http://host:port/path") // it may hold a password
	}
	if !f.allowRemote && !load.IsLoopback(target) {
		return fmt.Errorf("%s is not this machine: load may harm what others run; --allow-remote allows it", safe.Clean(u.Hostname(), 60))
	}
	headers, err := parseHeaders(f.headers)
	if err != nil {
		return err
	}
	s.Target = target
	if f.scenario == "" {
		f.single(s, u, headers)
		return nil
	}
	if s.Scenario, err = f.readScenario(); err != nil {
		return err
	}
	if len(headers) > 0 && s.Scenario.Headers == nil {
		s.Scenario.Headers = map[string]string{}
	}
	maps.Copy(s.Scenario.Headers, headers)
	return nil
}

// readScenario is the scenario that the flag names. The closed loop on the demo
// is the benchmark of the course notes.
func (f *loadFlags) readScenario() (*load.Scenario, error) {
	if f.scenario == "demo" {
		if f.users != "" {
			return load.CourseScenario(), nil
		}
		return load.DemoScenario(), nil
	}
	file, err := os.Open(f.scenario)
	if err != nil {
		return nil, fmt.Errorf("--scenario: use demo or a YAML file: %w", err)
	}
	defer file.Close()
	s, err := load.ReadScenario(file)
	if err != nil {
		return nil, fmt.Errorf("--scenario %s: %w", safe.Clean(f.scenario, 80), err)
	}
	return s, nil
}

// braces are what a scenario takes for a placeholder.
var braces = regexp.MustCompile(`\{([a-z][a-z0-9_]*)\}`)

// single makes a scenario of one request of the URL, where it is more than a GET
// by the clock. Nothing in it is a placeholder: each stands for itself.
func (f *loadFlags) single(s *load.Spec, u *url.URL, headers map[string]string) {
	if f.method == "GET" && f.body == "" && len(headers) == 0 && f.users == "" {
		return
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	r := load.Request{Name: path, Method: f.method, Path: path, Body: f.body, Headers: headers, Weight: 1}
	if u.RawQuery != "" {
		r.Path += "?" + u.RawQuery
	}
	values := map[string]load.Values{}
	for _, text := range slices.AppendSeq([]string{r.Body, r.Path}, maps.Values(headers)) {
		for _, m := range braces.FindAllStringSubmatch(text, -1) {
			values[m[1]] = load.Values{List: []string{m[0]}}
		}
	}
	s.Scenario = &load.Scenario{Name: "url", Requests: []load.Request{r}, Values: values, Sequential: true} // in a closed loop it is an endpoint
	base := *u
	base.Path, base.RawPath, base.RawQuery, base.Fragment = "", "", "", ""
	s.Target = base.String()
}

// known refuses objectives on routes that will never be asked.
func known(slos []load.SLO, s load.Spec) error {
	routes := specRoutes(s)
	for _, o := range slos {
		if o.Subject == "" {
			continue
		}
		if !slices.ContainsFunc(routes, func(r [2]string) bool { return o.Concerns(r[0], r[1]) }) {
			var names []string
			for _, r := range routes {
				names = append(names, r[0]+" "+r[1])
			}
			slices.Sort(names)
			return fmt.Errorf("--slo %s: no such route is asked; there are %s", safe.Clean(o.Expr, 80), safe.Clean(strings.Join(slices.Compact(names), ", "), 600))
		}
	}
	return nil
}

// fitting refuses callers and keys that the scenario does not know.
func fitting(s load.Spec) error {
	var tiers []string
	hasKey := false
	if s.Scenario != nil {
		for _, t := range s.Scenario.Tiers {
			tiers = append(tiers, t.Tier)
		}
		_, hasKey = s.Scenario.Values["key"]
	}
	for _, t := range s.Tiers {
		switch {
		case len(tiers) == 0:
			return errors.New("--tiers: nothing is known of tiers here; a scenario has some")
		case !slices.Contains(tiers, t.Tier):
			return fmt.Errorf("--tiers: no tier is called %.40q; there are %s", t.Tier, safe.Clean(strings.Join(tiers, ", "), 200))
		}
	}
	if s.Keys != (load.Keys{}) && !hasKey {
		return errors.New("--keys: nothing here has the placeholder {key}; a scenario may have it")
	}
	return nil
}

// specRoutes are the method and the route of everything a run asks.
func specRoutes(s load.Spec) [][2]string {
	if s.Scenario == nil {
		u, err := url.Parse(s.Target)
		if err != nil || u.EscapedPath() == "" {
			return [][2]string{{"GET", "/"}}
		}
		return [][2]string{{"GET", u.EscapedPath()}}
	}
	var out [][2]string
	add := func(requests []load.Request) {
		for _, r := range requests {
			method, name := r.Method, r.Name
			if method == "" {
				method = "GET"
			}
			if name == "" {
				name, _, _ = strings.Cut(r.Path, "?")
			}
			out = append(out, [2]string{method, name})
			if r.Follow {
				out = append(out, [2]string{"GET", r.FollowName})
			}
		}
	}
	add(s.Scenario.Requests)
	if s.Scenario.Abuser != nil {
		add(s.Scenario.Abuser.Requests)
	}
	return out
}

// maxReport bounds a report that is read back.
const maxReport = 64 << 20

// planCompare reads the report to compare with.
func (f *loadFlags) planCompare(p *loadPlan) error {
	var err error
	if p.tolerance, err = f.toleranceRatio(); err != nil || f.compare == "" {
		return err
	}
	if p.base, err = readLoadReport(f.compare); err != nil {
		return fmt.Errorf("--compare: %w", err)
	}
	now := &load.Report{Mode: load.OpenLoop, Scenario: "url"}
	if p.spec.Closed != (load.Closed{}) {
		now.Mode = load.ClosedLoop
	}
	if p.spec.Scenario != nil {
		now.Scenario = p.spec.Scenario.Name
	}
	if err := load.Comparable(p.base, now); err != nil {
		return fmt.Errorf("--compare: %w", err)
	}
	return nil
}

func readLoadReport(name string) (*load.Report, error) {
	file, err := os.Open(name) //nolint:gosec // the file that the user names
	if err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	defer file.Close()
	r := &load.Report{}
	if err := json.NewDecoder(io.LimitReader(file, maxReport)).Decode(r); err != nil {
		return nil, fmt.Errorf("read the report %s: %w", safe.Clean(name, 80), err)
	}
	return r, nil
}
