package middleware

import (
	"net/http"
	"strings"
)

// At notes the route that the handlers behind it serve: "/products/{id}". It
// stands inside the mux, once for each route.
func At(route string) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			InfoFrom(r.Context()).Route = route
			next.ServeHTTP(w, r)
		})
	}
}

// Route notes which route of mux the request will take. The mux itself says so
// only when it has dispatched, too late for a limit.
func Route(mux *http.ServeMux) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, pattern := mux.Handler(r)
			InfoFrom(r.Context()).Route = RoutePath(pattern)
			next.ServeHTTP(w, r)
		})
	}
}

// RoutePath is the path of a mux pattern without method, host and a trailing
// slash: "GET /products/{id}/{$}" gives "/products/{id}".
func RoutePath(pattern string) string {
	slash := strings.IndexByte(pattern, '/')
	if slash < 0 {
		return ""
	}
	path := strings.TrimSuffix(pattern[slash:], "{$}")
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	return path
}
