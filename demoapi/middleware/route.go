package middleware

import "net/http"

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
