package middleware

import (
	"log/slog"
	"net/http"
	"sync/atomic"
)

// loggedPath bounds what a client can put into the log.
const loggedPath = 200

// Log writes a line for each request that failed on our side (status >= 500),
// and for every n-th of the others; n <= 0: for none of them.
func Log(log *slog.Logger, n int) Middleware {
	var others atomic.Int64
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			info := InfoFrom(r.Context())
			level := slog.LevelInfo
			switch {
			case info.Status >= 500:
				level = slog.LevelError
			case n <= 0 || others.Add(1)%int64(n) != 0:
				return
			}
			log.LogAttrs(r.Context(), level, "request", attributes(r, info)...)
		})
	}
}

func attributes(r *http.Request, info *Info) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("request_id", info.RequestID),
		slog.String("method", r.Method),
		slog.String("route", info.Route),
		slog.Int("status", info.Status),
		slog.Float64("took_ms", float64(info.Took.Microseconds())/1000),
		slog.Int64("bytes", info.Bytes),
		slog.String("subject", info.Subject),
		slog.String("tier", string(info.Tier)),
	}
	if info.Cache != "" {
		attrs = append(attrs, slog.String("cache", info.Cache), slog.String("cache_layer", info.Layer))
	}
	if db := DatabaseFrom(r.Context()); db.Nanos.Load() > 0 {
		attrs = append(attrs, slog.Int64("db_queries", db.Queries.Load()), slog.Float64("db_ms", float64(db.Nanos.Load()/1000)/1000))
	}
	if info.Err != nil {
		attrs = append(attrs, slog.String("error", info.Err.Error()))
	}
	if info.Route == "" {
		path := r.URL.Path
		attrs = append(attrs, slog.String("path", path[:min(len(path), loggedPath)]))
	}
	return attrs
}
