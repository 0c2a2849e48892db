package middleware_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"apitop/demoapi/limit"
	"apitop/demoapi/middleware"
)

// BenchmarkLimit is what the limit costs a request beside the decision.
func BenchmarkLimit(b *testing.B) {
	use := limit.Use{Remaining: 12, ResetAfter: time.Minute}
	l := decided{limit.Result{
		Allowed: true, Policy: limit.ByClass, Limit: 30, Window: time.Hour, Remaining: 12, RetryAfter: -1,
		ResetAfter: time.Minute, Class: use, Overall: use, At: time.Unix(1_790_000_000, 5),
	}}
	h := middleware.Limit(middleware.Limiting{Limiter: l, Plan: limit.DefaultPlan(), Observer: deaf{}})(
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	w, r := httptest.NewRecorder(), get("/orders")
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}

// decided is a limiter with one answer.
type decided struct{ res limit.Result }

func (d decided) Allow(context.Context, limit.Request) (limit.Result, error) { return d.res, nil }

// deaf hears nothing.
type deaf struct{}

func (deaf) Decided(string, string, bool)     {}
func (deaf) LocalDecision(bool)               {}
func (deaf) Undecided(string, string, string) {}
