package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"apitop/demoapi/load"
)

// Bounds of what one can ask of a load test.
const (
	maxLoadTime = 24 * time.Hour
	maxLoadRate = 100_000.0 // requests a second
)

// parseRate reads "200", "200/s", "12000/m" or "3600/h" as requests a second.
func parseRate(text string) (float64, error) {
	number, unit, _ := strings.Cut(text, "/")
	per, ok := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[unit]
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !ok || math.IsNaN(v) || v < 0 {
		return 0, fmt.Errorf("%.40q is no rate: write 200/s, 12000/m or 3600/h", text)
	}
	if v /= per; v > maxLoadRate {
		return 0, fmt.Errorf("%.40q is more than %.0f requests a second", text, maxLoadRate)
	}
	return v, nil
}

// parseStages reads "30s:0-200,2m:200,30s:200-500": a duration and a rate, or
// two between which the rate changes evenly.
func parseStages(text string) ([]load.Stage, error) {
	var stages []load.Stage
	var total time.Duration
	for part := range strings.SplitSeq(text, ",") {
		length, rates, ok := strings.Cut(strings.TrimSpace(part), ":")
		d, err := time.ParseDuration(length)
		if !ok || err != nil || d <= 0 {
			return nil, fmt.Errorf("%.40q is no stage: write them as 30s:0-200,2m:200", part)
		}
		from, to, ramp := strings.Cut(rates, "-")
		if !ramp {
			to = from
		}
		s := load.Stage{Duration: d}
		if s.From, err = parseRate(from); err == nil {
			s.To, err = parseRate(to)
		}
		if err != nil {
			return nil, fmt.Errorf("stage %.40q: %w", part, err)
		}
		if total += d; total > maxLoadTime {
			return nil, fmt.Errorf("the stages last longer than %v", maxLoadTime)
		}
		stages = append(stages, s)
	}
	return stages, nil
}

// parseTiers reads "guest=60%,basic=40%": the shares must add up to all.
func parseTiers(text string) ([]load.TierShare, error) {
	var tiers []load.TierShare
	sum := 0.0
	for part := range strings.SplitSeq(text, ",") {
		name, share, ok := strings.Cut(strings.TrimSpace(part), "=")
		number, percent := strings.CutSuffix(share, "%")
		v, err := strconv.ParseFloat(number, 64)
		if !ok || !percent || err != nil || name == "" || !(v > 0 && v <= 100) {
			return nil, fmt.Errorf("%.40q is no share: write them as guest=60%%,basic=40%%", part)
		}
		if slices.ContainsFunc(tiers, func(t load.TierShare) bool { return t.Tier == name }) {
			return nil, fmt.Errorf("%.40q is there twice", name)
		}
		tiers = append(tiers, load.TierShare{Tier: name, Share: v})
		sum += v
	}
	if math.Abs(sum-100) > 0.5 {
		return nil, fmt.Errorf("the shares add up to %.4g %%, not to 100 %%", sum)
	}
	return tiers, nil
}

var errKeys = errors.New("write zipf:EXPONENT:COUNT (zipf:0.99:1000) or uniform:COUNT")

// parseKeys reads "zipf:0.99:1000" or "uniform:1000".
func parseKeys(text string) (load.Keys, error) {
	parts := strings.Split(text, ":")
	k := load.Keys{}
	var err error
	switch {
	case len(parts) == 3 && parts[0] == "zipf":
		if k.Exponent, err = strconv.ParseFloat(parts[1], 64); err != nil || !(k.Exponent >= 0 && k.Exponent <= 10) {
			return k, fmt.Errorf("%.40q: %w; an exponent is 0 to 10", text, errKeys)
		}
	case len(parts) != 2 || parts[0] != "uniform":
		return k, fmt.Errorf("%.40q: %w", text, errKeys)
	}
	const most = 10_000_000
	if k.Count, err = strconv.Atoi(parts[len(parts)-1]); err != nil || k.Count < 1 || k.Count > most {
		return k, fmt.Errorf("%.40q: %w; a count is 1 to %d", text, errKeys, most)
	}
	return k, nil
}

// parseHeaders reads "Name: value" lines.
func parseHeaders(lines []string) (map[string]string, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	headers := map[string]string{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, errors.New("a header is written 'Name: value'") // the line may hold a token
		}
		headers[name] = strings.TrimSpace(value)
	}
	return headers, nil
}

// parseObjectives reads the objectives; "default" stands for those of the course
// notes.
func parseObjectives(exprs []string) ([]load.SLO, error) {
	var slos []load.SLO
	for _, e := range exprs {
		if e == "default" {
			slos = append(slos, load.DefaultSLOs()...)
			continue
		}
		s, err := load.ParseSLO(e)
		if err != nil {
			return nil, err
		}
		slos = append(slos, s)
	}
	return slos, nil
}

// loadTarget completes what people type: "localhost:8000" is
// http://localhost:8000.
func loadTarget(s string) string {
	if strings.HasPrefix(s, ":") {
		s = "localhost" + s
	}
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	return s
}
