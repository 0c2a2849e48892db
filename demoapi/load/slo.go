package load

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SLO is one objective of a test, such as p95<200ms. [ParseSLO] makes them; the
// zero value judges nothing.
type SLO struct {
	Expr    string  // as it was written, without blanks
	Subject string  // a route, "GET /route" or the name of a request; "" for the whole test
	Span    Span    // of a latency; "" for all other figures
	Figure  Figure  // what is judged
	Q       float64 // the quantile of FigureQuantile, above 0 and below 1
	Above   bool    // the figure must be above Bound, not below
	OrEqual bool    // Bound itself is good enough
	Bound   float64 // seconds, a ratio (1 is 100 %) or requests a second, as the figure is
}

// Figure is what an objective is about.
type Figure string

// The figures of a test. Shares are of all requests.
const (
	FigureQuantile     Figure = "quantile"      // latency, seconds
	FigureMax          Figure = "max"           // latency, seconds
	FigureMean         Figure = "mean"          // latency, seconds
	FigureErrors       Figure = "errors"        // share of requests with 5xx or without a whole answer
	FigureClientErrors Figure = "client_errors" // share of 4xx other than 429
	FigureThrottled    Figure = "throttled"     // share of 429
	FigureLate         Figure = "late"          // share of requests not sent on time, or not at all
	FigureRPS          Figure = "rps"           // successful requests a second
)

// Span is which span of a request a latency is of.
type Span string

// The spans of a request.
const (
	SpanResponse Span = "response" // intended start to end of the body: what a client waits
	SpanService  Span = "service"  // send to end of the body
	SpanTTFB     Span = "ttfb"     // send to first byte; known for the whole test only
)

// IsLatency tells whether the figure is a time.
func (f Figure) IsLatency() bool {
	return f == FigureQuantile || f == FigureMax || f == FigureMean
}

// DefaultSLOs are the objectives of the course notes: p95<200ms, rps>100 and
// errors<1%.
func DefaultSLOs() []SLO {
	return []SLO{
		{Expr: "p95<200ms", Span: SpanResponse, Figure: FigureQuantile, Q: 0.95, Bound: 0.2},
		{Expr: "rps>100", Figure: FigureRPS, Above: true, Bound: 100},
		{Expr: "errors<1%", Figure: FigureErrors, Bound: 0.01},
	}
}

// figures is how each figure but the quantiles is written.
func figures() map[string]Figure {
	return map[string]Figure{
		"max": FigureMax, "mean": FigureMean, "avg": FigureMean,
		"errors": FigureErrors, "client_errors": FigureClientErrors, "throttled": FigureThrottled,
		"late": FigureLate, "rps": FigureRPS,
	}
}

const (
	maxExpr     = 300 // bytes of an expression
	sloExamples = "p95<200ms, products.p99<400ms, errors<1%, rps>100"
)

var errNoComparison = errors.New("no comparison with <, <=, > or >=")

// ParseSLO reads an objective:
//
//	[subject.][span.]figure (< | <= | > | >=) bound
//
// subject is a route or the name of a request; span is response (the
// default), service or ttfb; figure is a percentile (p50, p99.9), max, mean,
// errors, client_errors, throttled, late or rps; bound is a duration with its
// unit, a share in %, or requests a second, as the figure is.
func ParseSLO(expr string) (SLO, error) {
	s, err := parseSLO(expr)
	if err != nil {
		return SLO{}, fmt.Errorf("objective %.60q: %w (such as %s)", expr, err, sloExamples)
	}
	return s, nil
}

func parseSLO(expr string) (SLO, error) {
	if len(expr) > maxExpr {
		return SLO{}, fmt.Errorf("longer than %d bytes", maxExpr)
	}
	at := strings.LastIndexAny(expr, "<>")
	if at < 0 {
		return SLO{}, errNoComparison
	}
	left, bound := strings.TrimSpace(expr[:at]), expr[at+1:]
	s := SLO{Above: expr[at] == '>'}
	bound, s.OrEqual = strings.CutPrefix(bound, "=")
	bound = strings.TrimSpace(bound)
	if left == "" {
		return SLO{}, errors.New("nothing before the comparison")
	}
	if bound == "" {
		return SLO{}, errors.New("nothing after the comparison")
	}
	if err := s.parseLeft(left); err != nil {
		return SLO{}, err
	}
	if err := s.parseBound(bound); err != nil {
		return SLO{}, err
	}
	s.Expr = left + expr[at:at+1] + orEqualSign(s.OrEqual) + bound
	return s, nil
}

func orEqualSign(on bool) string {
	if on {
		return "="
	}
	return ""
}

// leftSide is what stands before the comparison. The figure is what can be read
// as one at the end, so that a subject may have dots.
var leftSide = regexp.MustCompile(`^(?:(.+?)\.)??(?:(response|service|ttfb)\.)?(p[0-9]+(?:\.[0-9]+)?|[a-z_]+)$`)

func (s *SLO) parseLeft(left string) error {
	m := leftSide.FindStringSubmatch(left)
	if m == nil {
		return fmt.Errorf("%.40q is no figure: use a percentile (p95), %s", left, figureNames())
	}
	s.Subject = m[1]
	name := m[3]
	if f, ok := figures()[name]; ok {
		s.Figure = f
	} else if err := s.parseQuantile(name); err != nil {
		return err
	}
	switch {
	case !s.Figure.IsLatency() && m[2] != "":
		return fmt.Errorf("%s is no latency, so it has no %s", name, m[2])
	case s.Figure == FigureLate && s.Subject != "":
		return errors.New("late is known for the whole test only")
	case Span(m[2]) == SpanTTFB && s.Subject != "":
		return errors.New("ttfb is known for the whole test only")
	case s.Figure.IsLatency():
		s.Span = SpanResponse
		if m[2] != "" {
			s.Span = Span(m[2])
		}
	}
	return nil
}

// figureNames lists the figures for an error.
func figureNames() string {
	var names []string
	for n := range figures() {
		names = append(names, n)
	}
	slices.Sort(names)
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

func (s *SLO) parseQuantile(name string) error {
	digits, ok := strings.CutPrefix(name, "p")
	p, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil {
		return fmt.Errorf("%.40q is no figure: use a percentile (p95), %s", name, figureNames())
	}
	if !(p > 0 && p < 100) {
		return fmt.Errorf("%s: a percentile lies between p0 and p100; for the slowest request use max", name)
	}
	if p > 99.999 {
		return fmt.Errorf("%s: p99.999 is the highest that is measured", name)
	}
	s.Figure, s.Q = FigureQuantile, quantile(digits, p)
	return nil
}

// quantile is p/100 without the error of the division: "99.9" gives the very
// number 0.999.
func quantile(digits string, p float64) float64 {
	whole, fraction, _ := strings.Cut(digits, ".")
	q, err := strconv.ParseFloat("0."+fmt.Sprintf("%02s", whole)+fraction, 64)
	if err != nil || len(strings.TrimLeft(whole, "0")) > 2 {
		return p / 100
	}
	return q
}

func (s *SLO) parseBound(text string) error {
	switch {
	case s.Figure.IsLatency():
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%.20q is no duration: write it with its unit, such as 200ms or 1.5s", text)
		}
		if d <= 0 {
			return errors.New("a latency is compared with more than 0")
		}
		s.Bound = d.Seconds()
		return nil
	case s.Figure == FigureRPS:
		v, err := parseNumber(strings.TrimSuffix(text, "/s"))
		if err != nil {
			return fmt.Errorf("%.20q is no rate: write requests a second, such as 100", text)
		}
		s.Bound = v
		return nil
	}
	share, ok := strings.CutSuffix(text, "%")
	v, err := parseNumber(strings.TrimSpace(share))
	if !ok || err != nil || v > 100 {
		return fmt.Errorf("%.20q is no share: write it in percent, such as 1%% or 0.1%%", text)
	}
	s.Bound = v / 100
	return nil
}

// parseNumber reads a number that is finite and not negative.
func parseNumber(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err == nil && (v < 0 || math.IsInf(v, 0) || math.IsNaN(v)) {
		err = strconv.ErrRange
	}
	return v, err
}
