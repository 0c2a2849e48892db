package load

import (
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestJudgeSoFar: what is said of a run under way is what its report says in the
// end, in both kinds of loop.
func TestJudgeSoFar(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(2 * time.Millisecond)
		if r.URL.RawQuery != "" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer s.Close()
	var slos []SLO
	for _, expr := range []string{"p50<1s", "service.max<5s", "ttfb.mean<1s", "errors<1%", "late<50%", "throttled<1%", "/ok.p50<1s", "/ok.errors<1%", "/bad.errors<1%", "p99.99<1s"} {
		slo, err := ParseSLO(expr)
		if err != nil {
			t.Fatal(err)
		}
		slos = append(slos, slo)
	}
	scenario := &Scenario{Name: "two", Requests: []Request{{Path: "/ok", Weight: 3}, {Path: "/bad?x", Weight: 1}}}
	tests := map[string]Spec{
		"open":   {Stages: []Stage{{Duration: 500 * time.Millisecond, From: 200, To: 200}}, Warmup: 100 * time.Millisecond},
		"closed": {Closed: Closed{Users: 2, Requests: 60}},
	}
	for name, spec := range tests {
		t.Run(name, func(t *testing.T) {
			spec.Target, spec.Scenario = s.URL, scenario
			r, err := New(spec)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Judge(slos); GateOf(got) != Unmeasured {
				t.Errorf("before the start: %+v", got)
			}
			stop := watch(r, slos)
			rep, err := r.Run(t.Context())
			stop()
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range Judge(slos, rep) {
				got := r.Judge(slos)[i]
				if (got.Pass == nil) != (want.Pass == nil) || got.Pass != nil && *got.Pass != *want.Pass {
					t.Errorf("%s: %+v, in the report %+v", want.Expr, got, want)
				}
				if got.Value != nil && math.Abs(*got.Value-*want.Value) > 1e-9 {
					t.Errorf("%s: %v, in the report %v", want.Expr, *got.Value, *want.Value)
				}
			}
		})
	}
}

// watch looks at a run as the live view does, but more often, until it is told
// to stop.
func watch(r *Runner, slos []SLO) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			r.Judge(slos)
			_, _, _ = r.LastSecond()
			select {
			case <-end:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}
