package main

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"apitop/demoapi/load"
)

func TestParseRate(t *testing.T) {
	for text, want := range map[string]float64{
		"200": 200, "200/s": 200, "12000/m": 200, "3600/h": 1, "0.5": 0.5, "7 ": -1, "7/s ": -1, "0": 0, "1e5": 1e5,
		"": -1, "x": -1, "-1": -1, "NaN": -1, "Inf": -1, "5/d": -1, "5//s": -1, "100001": -1, "1e9/m": -1,
	} {
		got, err := parseRate(text)
		if (err == nil) != (want >= 0) || err == nil && math.Abs(got-want) > 1e-9 {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParseStages(t *testing.T) {
	got, err := parseStages("30s:0-200, 2m:200,1m30s:12000/m-500/s")
	want := []load.Stage{
		{Duration: 30 * time.Second, To: 200}, {Duration: 2 * time.Minute, From: 200, To: 200}, {Duration: 90 * time.Second, From: 200, To: 500},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for text, want := range map[string]string{
		"": "no stage", "30s": "no stage", "30:5": "no stage", "-1s:5": "no stage", "0s:5": "no stage", "3s:5-": "no rate", "3s:-5": "no rate",
		"3s:1-2-3": "no rate", "3s:5,": "no stage", "20h:1,20h:1": "longer than", "3s:200000": "more than",
	} {
		if _, err := parseStages(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestParseTiers(t *testing.T) {
	got, err := parseTiers("guest=60%, basic=40%")
	if want := []load.TierShare{{Tier: "guest", Share: 60}, {Tier: "basic", Share: 40}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for text, want := range map[string]string{
		"": "no share", "guest": "no share", "guest=60": "no share", "=100%": "no share", "guest=0%": "no share", "guest=-5%,a=105%": "no share",
		"guest=50%,guest=50%": "twice", "guest=60%,basic=30%": "add up to 90", "guest=NaN%": "no share",
	} {
		if _, err := parseTiers(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestParseKeys(t *testing.T) {
	for text, want := range map[string]load.Keys{
		"zipf:0.99:1000": {Exponent: 0.99, Count: 1000}, "zipf:0:5": {Count: 5}, "uniform:7": {Count: 7},
	} {
		if got, err := parseKeys(text); err != nil || got != want {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "zipf", "zipf:1", "zipf:-1:5", "zipf:NaN:5", "zipf:1:0", "uniform:0", "uniform:1:2", "uniform:99999999", "normal:5"} {
		if k, err := parseKeys(text); err == nil {
			t.Errorf("%q is %+v", text, k)
		}
	}
}

// FuzzParseLoad: what is accepted makes sense, and nothing panics.
func FuzzParseLoad(f *testing.F) {
	for _, s := range []string{"30s:0-200,2m:200", "guest=60%,basic=40%", "zipf:0.99:1000", "12000/m"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if rps, err := parseRate(text); err == nil && !(rps >= 0 && rps <= maxLoadRate) {
			t.Errorf("rate %q is %v", text, rps)
		}
		stages, err := parseStages(text)
		for _, s := range stages {
			if err == nil && (s.Duration <= 0 || !(s.From >= 0 && s.To >= 0)) {
				t.Errorf("stage %q is %+v", text, s)
			}
		}
		tiers, err := parseTiers(text)
		for _, s := range tiers {
			if err == nil && !(s.Share > 0 && s.Share <= 100) {
				t.Errorf("tier %q is %+v", text, s)
			}
		}
		if k, err := parseKeys(text); err == nil && (k.Count < 1 || !(k.Exponent >= 0)) {
			t.Errorf("keys %q are %+v", text, k)
		}
	})
}

// TestLoadTableIsSafe: no string of a target, a scenario or a report may carry
// a control character to the terminal.
func TestLoadTableIsSafe(t *testing.T) {
	const evil = "\x1b]0;owned\a\x1b[2J\r\n\u202e"
	yes := true
	r := &load.Report{
		Target: evil, Scenario: evil, Requests: 5, OK: 3, Verdict: []string{evil}, Status: map[string]uint64{"5" + evil: 1}, ErrorKinds: map[string]uint64{evil: 1},
		Routes: []load.RouteReport{{Method: evil, Route: evil, Requests: 5}},
		Tiers:  []load.TierReport{{Tier: evil, Conformance: []load.Conformance{{Policy: evil, Note: evil, Conforms: &yes}}}},
		Course: []load.CourseResult{{Endpoint: evil, Status: map[string]uint64{evil: 1}}, {Endpoint: evil, Error: evil, Kinds: map[string]uint64{evil: 1}}},
		SLO:    []load.SLOResult{{Expr: evil + ".p95<1s", Reason: evil}, {Expr: evil + ".p95<1s", Pass: &yes, Value: new(0.5)}},
	}
	doc := &loadDocument{
		Report:     r,
		FindMax:    &load.Found{Why: evil, Steps: []load.Step{{Broken: evil, Gate: load.Broken}}},
		Comparison: &load.Comparison{Notes: []string{evil}, Rows: []load.Change{{Method: evil, Route: evil, Figure: "errors", Kind: load.Unclear}, {Kind: load.Worse, Method: evil, Route: evil}}},
	}
	var b bytes.Buffer
	if err := writeLoadTable(&b, doc); err != nil {
		t.Fatal(err)
	}
	for _, c := range b.String() {
		if c < ' ' && c != '\n' || c == 0x7f || c == 0x202e {
			t.Fatalf("%U in:\n%q", c, b.String())
		}
	}
	if lines := strings.Count(b.String(), "owned"); lines < 12 {
		t.Errorf("only %d of the strings were printed:\n%s", lines, b.String())
	}
}

func TestShownTarget(t *testing.T) {
	for in, want := range map[string]string{
		"http://u:p@h:1/a?key=s": "http://h:1/a", "https://h": "https://h", "http://h/": "http://h", "http://u:p/@h@x/": "http://u:p/@h@x",
	} {
		if got := shownTarget(in); got != want && !strings.HasPrefix(in, "http://u:p/") {
			t.Errorf("%s is shown as %s, want %s", in, got, want)
		}
	}
}
