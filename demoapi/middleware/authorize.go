package middleware

import "net/http"

// Authorize answers 401 to a bad token, so that nobody is silently taken for a
// guest.
func Authorize(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if InfoFrom(r.Context()).BadToken {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			WriteProblem(w, r, Problem{Status: http.StatusUnauthorized, Detail: "The token is not valid or has expired; log in again."})
			return
		}
		next.ServeHTTP(w, r)
	})
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
