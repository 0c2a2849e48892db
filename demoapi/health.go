package demoapi

import (
	"context"
	"net/http"
	"time"
)

type pinger interface {
	Ping(ctx context.Context) error
}

const pingTimeout = time.Second

// live answers 200: the process runs and can answer.
func (a *API) live(w http.ResponseWriter, r *http.Request) {
	a.write(w, r, http.StatusOK, map[string]string{"status": "ok"})
}

// ready answers 200 when requests are welcome, else 503. Redis is not asked:
// the API works without it.
func (a *API) ready(w http.ResponseWriter, r *http.Request) {
	if a.draining.Load() {
		a.write(w, r, http.StatusServiceUnavailable, map[string]string{"status": "draining"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), pingTimeout)
	defer cancel()
	if err := a.store.Ping(ctx); err != nil {
		a.fail(w, r, err)
		return
	}
	a.write(w, r, http.StatusOK, map[string]string{"status": "ok"})
}
