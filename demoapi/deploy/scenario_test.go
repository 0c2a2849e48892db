package deploy_test

import (
	"bytes"
	"maps"
	"strings"
	"testing"
	"time"

	"apitop/demoapi/load"
)

func readScenario(t *testing.T) *load.Scenario {
	t.Helper()
	s, err := load.ReadScenario(bytes.NewReader(read(t, "scenarios/demo.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestScenarioMix compares the weights with the built-in scenario's, route by
// route: they are the same mix.
func TestScenarioMix(t *testing.T) {
	mix := func(s *load.Scenario) map[string]float64 {
		weights := map[string]float64{}
		for _, r := range s.Requests {
			route := r.Name
			if route == "" {
				route = r.Path
			}
			weights[r.Method+" "+route] += r.Weight
		}
		return weights
	}
	got, want := mix(readScenario(t)), mix(load.DemoScenario())
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	sum := 0.0
	for _, w := range got {
		sum += w
	}
	if sum != 100 {
		t.Errorf("weights make %v %%", sum)
	}
}

// stress runs the scenario against the shop for a moment: it must be answered,
// each route must be one that the API counts, and nobody may be refused that soon.
func (s *shop) stress() {
	s.t.Helper()
	runner, err := load.New(load.Spec{
		Target: "http://" + s.addr, Scenario: readScenario(s.t), Seed: 1,
		Stages: []load.Stage{{Duration: 4 * time.Second, From: 100, To: 100}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	report, err := runner.Run(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	// A guest who tries to log in learns that there is no such account: 401.
	if report.Errors > 0 || report.Throttled > 0 || report.Requests < 300 || report.Logins.Failed > 0 || report.Status["400"]+report.Status["404"]+report.Status["422"] > 0 {
		s.t.Errorf("requests %d, errors %d, throttled %d, logins %+v, status %v", report.Requests, report.Errors, report.Throttled, report.Logins, report.Status)
	}
	counted := string(s.do("GET", "/metrics", "", 200))
	for _, r := range report.Routes {
		if !strings.Contains(counted, `http_requests_total{method="`+r.Method+`",route="`+r.Route+`",`) {
			s.t.Errorf("the API has no route %s %s", r.Method, r.Route)
		}
	}
	if len(report.Routes) != 8 {
		s.t.Errorf("%d routes were asked", len(report.Routes))
	}
}
