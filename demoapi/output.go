package demoapi

import (
	"encoding/json"
	"net/http"

	"apitop/demoapi/cache"
	"apitop/demoapi/middleware"
)

// cached answers with the item's value, from the cache or else from load.
func (a *API) cached(w http.ResponseWriter, r *http.Request, item cache.Item, load cache.Loader) {
	raw, lookup, err := a.cache.Get(r.Context(), item, load)
	a.metrics.CacheAsked(item.Cache, string(lookup.Layer), string(lookup.Result))
	middleware.InfoFrom(r.Context()).Cache = string(lookup.Result)
	w.Header().Set("X-Cache", string(lookup.Result))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeRaw(w, http.StatusOK, raw)
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
	w.WriteHeader(status)
	_, _ = w.Write(raw) //nolint:gosec // JSON, not HTML; and the client may be gone
}
