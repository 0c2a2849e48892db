package middleware

import (
	"errors"
	"net/http"
)

// Injector decides which requests fail on purpose.
type Injector interface {
	Inject(route string) bool
}

// errInjected is the cause of an injected failure, for the log.
var errInjected = errors.New("failed on purpose")

// Inject answers 500 to the requests that the injector chooses.
func Inject(i Injector) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if info := InfoFrom(r.Context()); i.Inject(info.Route) {
				info.Err = errInjected
				WriteProblem(w, r, Problem{Status: http.StatusInternalServerError})
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
