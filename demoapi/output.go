package demoapi

import (
	"context"
	"encoding/json"
	"net/http"

	"apitop/demoapi/cache"
	"apitop/demoapi/middleware"
)

// cached answers with the item's value, from the cache or else from load.
func (a *API) cached(w http.ResponseWriter, r *http.Request, item cache.Item, load cache.Loader) {
	raw, lookup, err := a.cache.Get(r.Context(), item, counted(r, load))
	a.metrics.CacheAsked(item.Cache, string(lookup.Layer), string(lookup.Result))
	info := middleware.InfoFrom(r.Context())
	info.Cache, info.Layer = string(lookup.Result), string(lookup.Layer)
	w.Header().Set("X-Cache", string(lookup.Result))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeRaw(w, http.StatusOK, raw)
}

// counted is load with its statements and its time counted as the request's.
func counted(r *http.Request, load cache.Loader) cache.Loader {
	db := middleware.DatabaseFrom(r.Context())
	return func(ctx context.Context) (any, error) {
		ctx, done := db.Asking(ctx)
		defer done()
		return load(ctx)
	}
}

// asking returns the context for a request's own calls of the store, and what to
// call after them.
func asking(ctx context.Context) (counting context.Context, done func()) {
	return middleware.DatabaseFrom(ctx).Asking(ctx)
}

// write answers with v as JSON.
func (a *API) write(w http.ResponseWriter, r *http.Request, status int, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeRaw(w, status, raw)
}

func writeRaw(w http.ResponseWriter, status int, raw []byte) {
	w.Header().Set("Content-Type", "application/json")
	if status != http.StatusOK { // which goes without saying, and then costs no copy of the headers
		w.WriteHeader(status)
	}
	_, _ = w.Write(raw) //nolint:gosec // JSON, not HTML; and the client may be gone
}
