package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"apitop/demoapi/load"
)

// loadFlags are the flags of "apitop load".
type loadFlags struct {
	scenario, method, body string
	headers                []string
	allowRemote            bool

	rate, stages, arrivals string
	window, warmup         time.Duration
	users                  string
	requests               int
	timeout                time.Duration
	maxInFlight            int
	drop, obey             bool
	tiers, keys            string
	seed                   uint64

	slos       []string
	abort      bool
	abortDelay time.Duration
	findMax    bool

	format, jsonFile, csvFile string
	compare, tolerance        string
	noLive                    bool

	given func(name string) bool // tells a flag that was set from its default
}

func (f *loadFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.scenario, "scenario", "", "what to ask: demo, or a YAML `FILE`; without it the URL itself is asked for")
	fs.StringVar(&f.method, "method", "GET", "of the single URL")
	fs.StringVar(&f.body, "body", "", "of the single URL")
	fs.StringArrayVar(&f.headers, "header", nil, "`'Name: value'` of every request (repeatable)")
	fs.BoolVar(&f.allowRemote, "allow-remote", false, "allow targets that are not on this machine")

	fs.StringVar(&f.rate, "rate", "200/s", "`RATE` in requests a second (12000/m: a minute), whether answered or not")
	fs.StringVar(&f.stages, "stages", "", "`STAGES`: rates over time instead of --rate and --for: 30s:0-200,2m:200,30s:200-500")
	fs.StringVar(&f.arrivals, "arrivals", "constant", "how requests follow each other: constant or poisson")
	fs.DurationVar(&f.window, "for", 30*time.Second, "how long to measure, at most 24h")
	fs.DurationVar(&f.warmup, "warmup", 0, "time before, which is not in the report (with --stages: their beginning)")
	fs.StringVar(&f.users, "users", "", "closed loop instead: `N` users, each waits for its answer before it asks again")
	fs.IntVar(&f.requests, "requests", 100, "of each user in a closed loop; by scenario: of each endpoint")
	fs.DurationVar(&f.timeout, "timeout", 0, "of a request (default 5s, in a closed loop 30s)")
	fs.IntVar(&f.maxInFlight, "max-inflight", 0, "requests under way at once (default 4 x rate x timeout, 16 to 4096)")
	fs.BoolVar(&f.drop, "drop", false, "at that many drop requests instead of sending them late")
	fs.BoolVar(&f.obey, "obey-retry-after", false, "send nothing for a caller who was told to wait")
	fs.StringVar(&f.tiers, "tiers", "", "who asks, as `SHARES`: guest=60%,basic=25%,premium=10%,admin=5%")
	fs.StringVar(&f.keys, "keys", "", "popularity of `KEYS`: zipf:0.99:1000 or uniform:1000")
	fs.Uint64Var(&f.seed, "seed", 0, "the same seed sends the same requests (default: different ones)")

	fs.StringArrayVar(&f.slos, "slo", nil, "objective `EXPR` (repeatable): p95<200ms, /orders.p99<400ms, errors<1%, rps>100; default: those three of p95, rps and errors; broken: exit 99")
	fs.BoolVar(&f.abort, "abort-on-fail", false, "stop as soon as an objective is broken")
	fs.DurationVar(&f.abortDelay, "abort-delay", 10*time.Second, "measured time before --abort-on-fail may stop the test")
	fs.BoolVar(&f.findMax, "find-max", false, "look for the highest rate that keeps the objectives; --rate is the first, --for the length of a step (default 10s)")

	fs.StringVar(&f.format, "format", "table", "of the report: table or json")
	fs.StringVar(&f.jsonFile, "json", "", "also write the report to `FILE` as JSON")
	fs.StringVar(&f.csvFile, "csv", "", "write a line a second to `FILE`")
	fs.StringVar(&f.compare, "compare", "", "compare with the report in `FILE` (of --json); worse beyond chance: exit 99")
	fs.StringVar(&f.tolerance, "tolerance", "10%", "a change below this `SHARE` is no regression")
	fs.BoolVar(&f.noLive, "no-live", false, "no live view on a terminal")
	f.given = fs.Changed
}

// check refuses flags that do not go together.
func (f *loadFlags) check() error {
	if err := checkFormat(f.format); err != nil {
		return err
	}
	apart := [][2]string{
		{"stages", "rate"}, {"stages", "for"}, {"stages", "find-max"},
		{"users", "rate"}, {"users", "stages"}, {"users", "for"}, {"users", "warmup"}, {"users", "find-max"}, {"users", "arrivals"},
		{"users", "max-inflight"}, {"users", "drop"},
		{"scenario", "method"}, {"scenario", "body"},
		{"find-max", "compare"}, {"find-max", "abort-on-fail"}, {"find-max", "csv"},
	}
	for _, pair := range apart {
		if f.given(pair[0]) && f.given(pair[1]) {
			return fmt.Errorf("--%s and --%s do not go together", pair[0], pair[1])
		}
	}
	switch {
	case f.given("requests") && !f.given("users"):
		return errors.New("--requests belongs to a closed loop: add --users")
	case f.abort && len(f.slos) == 0:
		return errors.New("--abort-on-fail needs an objective: add --slo")
	case f.findMax && len(f.slos) == 0:
		return errors.New("--find-max needs an objective: add --slo 'p95<200ms'")
	case f.window <= 0 || f.window > maxLoadTime:
		return fmt.Errorf("--for %v: use more than 0, at most %v", f.window, maxLoadTime)
	case f.warmup < 0 || f.warmup > maxLoadTime:
		return fmt.Errorf("--warmup %v: use 0 to %v", f.warmup, maxLoadTime)
	case f.timeout < 0 || f.maxInFlight < 0 || f.abortDelay < 0:
		return errors.New("--timeout, --max-inflight and --abort-delay must not be negative")
	}
	return nil
}

// spec is the run that the flags describe, without its target.
func (f *loadFlags) spec() (load.Spec, error) {
	s := load.Spec{
		Warmup: f.warmup, Timeout: f.timeout, MaxInFlight: f.maxInFlight, Drop: f.drop, ObeyRetryAfter: f.obey, Seed: f.seed,
	}
	var err error
	switch f.arrivals {
	case "constant":
	case "poisson":
		s.Arrivals = load.Poisson
	default:
		return s, fmt.Errorf("--arrivals %.40q: use constant or poisson", f.arrivals)
	}
	if f.tiers != "" {
		if s.Tiers, err = parseTiers(f.tiers); err != nil {
			return s, fmt.Errorf("--tiers: %w", err)
		}
	}
	if f.keys != "" {
		if s.Keys, err = parseKeys(f.keys); err != nil {
			return s, fmt.Errorf("--keys: %w", err)
		}
	}
	return s, f.pace(&s)
}

// pace sets when the run sends.
func (f *loadFlags) pace(s *load.Spec) error {
	var err error
	if f.users != "" {
		s.Closed, err = f.closed()
		return err
	}
	if f.stages != "" {
		if s.Stages, err = parseStages(f.stages); err != nil {
			return fmt.Errorf("--stages: %w", err)
		}
		return nil
	}
	rps, err := parseRate(f.rate)
	if err != nil {
		return fmt.Errorf("--rate: %w", err)
	}
	if rps == 0 {
		return errors.New("--rate 0 sends nothing")
	}
	s.Stages = []load.Stage{{Duration: f.warmup + f.window, From: rps, To: rps}}
	return nil
}

func (f *loadFlags) closed() (load.Closed, error) {
	if strings.Contains(f.users, "=") {
		return load.Closed{}, fmt.Errorf("--users is a number; for shares use --tiers %.80s", f.users)
	}
	n, err := strconv.Atoi(f.users)
	if err != nil || n < 1 {
		return load.Closed{}, fmt.Errorf("--users %.40q: use a number of 1 or more", f.users)
	}
	if f.requests < 1 {
		return load.Closed{}, fmt.Errorf("--requests %d: use 1 or more", f.requests)
	}
	return load.Closed{Users: n, Requests: f.requests}, nil
}

// toleranceRatio is --tolerance as a ratio.
func (f *loadFlags) toleranceRatio() (load.Tolerance, error) {
	number, ok := strings.CutSuffix(f.tolerance, "%")
	v, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(v >= 0 && v <= 1000) {
		return load.Tolerance{}, fmt.Errorf("--tolerance %.40q: write it in percent, such as 10%%", f.tolerance)
	}
	t := load.DefaultTolerance()
	t.Ratio = v / 100
	return t, nil
}
