package middleware

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"sync/atomic"
)

// requestIDHeader is sent back with every answer.
const requestIDHeader = "X-Request-Id"

// processIDLength is how much of an id tells processes apart: 60 bits.
const processIDLength = 12

// RequestID returns a middleware that gives each request an id and its [Info].
// An id that the client sent is kept if it has 1 to 64 letters, digits, dots,
// dashes and underscores. Ours are those of the process and a number: unique,
// but no secret.
func RequestID() Middleware {
	var last atomic.Uint64
	process := rand.Text()[:processIDLength] + "-"
	next := func() string {
		id := make([]byte, 0, processIDLength+12)
		return string(strconv.AppendUint(append(id, process...), last.Add(1), 36))
	}
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := &call{Context: r.Context()}
			c.info.RequestID = r.Header.Get(requestIDHeader)
			if !plain(c.info.RequestID, 64) {
				c.info.RequestID = next()
			}
			w.Header().Set(requestIDHeader, c.info.RequestID)
			h.ServeHTTP(w, r.WithContext(c))
		})
	}
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
