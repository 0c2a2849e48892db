package middleware

import (
	"net/http"
	"slices"
)

// Authorize answers 401 to a bad token, so that nobody is silently taken for a
// guest. The routes given are open even so, for the way to a new token.
func Authorize(open ...string) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			info := InfoFrom(r.Context())
			if info.BadToken && !slices.Contains(open, info.Route) {
				w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
				WriteProblem(w, r, Problem{Status: http.StatusUnauthorized, Detail: "The token is not valid or has expired; log in again."})
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// RequireUser answers 401 to guests.
func RequireUser(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if InfoFrom(r.Context()).UserID == 0 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			WriteProblem(w, r, Problem{Status: http.StatusUnauthorized, Detail: "Log in first."})
			return
		}
		next.ServeHTTP(w, r)
	})
}
