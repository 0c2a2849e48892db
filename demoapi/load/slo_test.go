package load

import (
	"math"
	"strings"
	"testing"
)

func TestParseSLO(t *testing.T) {
	q := func(q, bound float64) SLO {
		return SLO{Span: SpanResponse, Figure: FigureQuantile, Q: q, Bound: bound}
	}
	with := func(s SLO, change func(*SLO)) SLO { change(&s); return s }
	tests := map[string]SLO{
		"p95<200ms":   q(0.95, 0.2),
		"p50<=1s":     with(q(0.5, 1), func(s *SLO) { s.OrEqual = true }),
		"p99.9<1.5s":  q(0.999, 1.5),
		"p99.99<2s":   q(0.9999, 2),
		"p99.999<2s":  q(0.99999, 2),
		"p5<1ms":      q(0.05, 0.001),
		" p95 < 2ms ": q(0.95, 0.002),
		"max<2s":      {Span: SpanResponse, Figure: FigureMax, Bound: 2},
		"avg<2s":      {Span: SpanResponse, Figure: FigureMean, Bound: 2},
		"mean<2s":     {Span: SpanResponse, Figure: FigureMean, Bound: 2},

		"products.p99<400ms":           with(q(0.99, 0.4), func(s *SLO) { s.Subject = "products" }),
		"products.p99.9<400ms":         with(q(0.999, 0.4), func(s *SLO) { s.Subject = "products" }),
		"/products/{id}.p99<400ms":     with(q(0.99, 0.4), func(s *SLO) { s.Subject = "/products/{id}" }),
		"GET /v1.2/a.b.service.p9<1s":  {Subject: "GET /v1.2/a.b", Span: SpanService, Figure: FigureQuantile, Q: 0.09, Bound: 1},
		"service.p95<100ms":            {Span: SpanService, Figure: FigureQuantile, Q: 0.95, Bound: 0.1},
		"ttfb.p95<100ms":               {Span: SpanTTFB, Figure: FigureQuantile, Q: 0.95, Bound: 0.1},
		"response.max<1m":              {Span: SpanResponse, Figure: FigureMax, Bound: 60},
		"errors<1%":                    {Figure: FigureErrors, Bound: 0.01},
		"late<0.1%":                    {Figure: FigureLate, Bound: 0.001},
		"throttled<=5%":                {Figure: FigureThrottled, Bound: 0.05, OrEqual: true},
		"client_errors<100 %":          {Figure: FigureClientErrors, Bound: 1},
		"POST /auth/login.errors<0.5%": {Subject: "POST /auth/login", Figure: FigureErrors, Bound: 0.005},
		"rps>100":                      {Figure: FigureRPS, Above: true, Bound: 100},
		"rps>=99.5/s":                  {Figure: FigureRPS, Above: true, OrEqual: true, Bound: 99.5},
		"search.rps>10":                {Subject: "search", Figure: FigureRPS, Above: true, Bound: 10},
	}
	for expr, want := range tests {
		t.Run(expr, func(t *testing.T) {
			got, err := ParseSLO(expr)
			if err != nil {
				t.Fatal(err)
			}
			got.Expr = ""
			if math.Abs(got.Bound-want.Bound) < 1e-12 {
				got.Bound = want.Bound
			}
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestParseSLOErrors(t *testing.T) {
	tests := map[string]string{
		"":                  "no comparison",
		"p95":               "no comparison",
		"p95=200ms":         "no comparison",
		"<200ms":            "nothing before",
		"p95<":              "nothing after",
		"p95<200":           "with its unit",
		"p95<-1ms":          "more than 0",
		"p95<0s":            "more than 0",
		"p100<1s":           "use max",
		"p0<1s":             "between p0 and p100",
		"p99.9999<1s":       "the highest",
		"latency<1s":        "no figure",
		"errors<1":          "in percent",
		"errors<101%":       "in percent",
		"errors<NaN%":       "in percent",
		"rps>Inf":           "no rate",
		"rps>fast":          "no rate",
		"service.errors<1%": "no latency",
		"a.ttfb.p95<1s":     "whole test only",
		"a.late<1%":         "whole test only",
		"p95<1s<2s":         "no figure",
		"p95 200ms>":        "nothing after",
		"products.<1s":      "no figure",

		strings.Repeat("x", 400) + ".p95<1s": "longer than",
	}
	for expr, want := range tests {
		t.Run(expr, func(t *testing.T) {
			_, err := ParseSLO(expr)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want an error with %q", err, want)
			}
			if err != nil && !strings.Contains(err.Error(), "such as p95<200ms") {
				t.Errorf("%v shows no example", err)
			}
		})
	}
}

// TestDefaultSLOs holds the built-in objectives to what their text says.
func TestDefaultSLOs(t *testing.T) {
	for _, want := range DefaultSLOs() {
		if got, err := ParseSLO(want.Expr); err != nil || got != want {
			t.Errorf("%s is %+v, %v; want %+v", want.Expr, got, err, want)
		}
	}
}

// FuzzParseSLO: an accepted objective is judged by numbers that make sense, and
// its text reads back as the same.
func FuzzParseSLO(f *testing.F) {
	for _, s := range []string{"p95<200ms", "a.b.service.p99.9>=1h", "errors<1%", "rps>1e3/s", "GET /x.max<1ms", "late < 0.1 %"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		s, err := ParseSLO(expr)
		if err != nil {
			return
		}
		if s.Figure == FigureQuantile && !(s.Q > 0 && s.Q < 1) {
			t.Errorf("%q: quantile %v", expr, s.Q)
		}
		if !(s.Bound >= 0) || math.IsInf(s.Bound, 0) {
			t.Errorf("%q: bound %v", expr, s.Bound)
		}
		if again, err := ParseSLO(s.Expr); err != nil || again != s {
			t.Errorf("%q reads back as %+v, %v; want %+v", s.Expr, again, err, s)
		}
	})
}
