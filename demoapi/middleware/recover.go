package middleware

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
)

// Recover answers 500 when the handler panics, and logs why. If the answer has
// begun it cuts the connection, so that the client cannot take it for complete.
// It must stand inside [Observe].
func Recover(log *slog.Logger) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				p := recover()
				if p == nil {
					return
				}
				if p == http.ErrAbortHandler { //nolint:errorlint // the very value is agreed on
					panic(p)
				}
				info := InfoFrom(r.Context())
				log.LogAttrs(r.Context(), slog.LevelError, "panic",
					slog.String("request_id", info.RequestID), slog.String("route", info.Route),
					slog.String("panic", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))
				if begun, ok := w.(interface{ Written() bool }); ok && begun.Written() {
					panic(http.ErrAbortHandler)
				}
				WriteProblem(w, r, Problem{Status: http.StatusInternalServerError})
			}()
			next.ServeHTTP(w, r)
		})
	}
}
