package middleware

import (
	"net/http"
	"time"

	"apitop/demoapi/metrics"
)

// RequestObserver is told of each request; see [metrics.Metrics].
type RequestObserver interface {
	RequestBegan()
	RequestEnded(r metrics.Request)
}

// Observe measures requests, for o and in [Info]. A request whose handler
// panics past it counts as status 500.
func Observe(o RequestObserver) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			info := InfoFrom(r.Context())
			out := &answer{ResponseWriter: w}
			start := time.Now()
			o.RequestBegan()
			done := false
			defer func() {
				info.Status, info.Bytes, info.Took = out.final(done), out.bytes, time.Since(start)
				o.RequestEnded(metrics.Request{
					Endpoint: metrics.Endpoint{Method: method(r.Method), Route: info.Route},
					ID:       info.RequestID, Status: info.Status, Bytes: info.Bytes, Took: info.Took,
					Queries: DatabaseFrom(r.Context()).Queries.Load(),
					Subject: info.Subject, Tier: string(info.Tier),
				})
			}()
			next.ServeHTTP(out, r)
			done = true
		})
	}
}

// method bounds the number of different methods: anyone can invent one.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

// answer is a ResponseWriter that remembers what went through it.
type answer struct {
	http.ResponseWriter
	status int // 0: nothing written yet
	bytes  int64
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Written reports whether the status is out, so that it is too late for another.
func (a *answer) Written() bool { return a.status != 0 }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 { // 1xx may come before the answer
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}

// final is the status that the client sees.
func (a *answer) final(done bool) int {
	switch {
	case !done:
		return http.StatusInternalServerError
	case a.status == 0:
		return http.StatusOK // net/http sends it when a handler writes nothing
	}
	return a.status
}
