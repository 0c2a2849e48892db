package middleware

import (
	"context"
	"crypto/rand"
	"net/http"
)

// requestIDHeader is sent back with every answer.
const requestIDHeader = "X-Request-Id"

// RequestID gives each request an id and its [Info]. An id that the client sent
// is kept if it has 1 to 64 letters, digits, dots, dashes and underscores.
func RequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !plain(id, 64) {
			id = rand.Text()
		}
		w.Header().Set(requestIDHeader, id)
		ctx := context.WithValue(r.Context(), infoKey{}, &Info{RequestID: id})
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// plain reports whether s has 1 to most characters that are harmless in logs,
// headers and Redis keys.
func plain(s string, most int) bool {
	if s == "" || len(s) > most {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
