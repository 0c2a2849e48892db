package demoapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"apitop/demoapi/cache"
	"apitop/demoapi/limit"
	"apitop/demoapi/middleware"
	"apitop/demoapi/store"
)

type userStore interface {
	User(ctx context.Context, id int64) (store.User, error)
	UserByName(ctx context.Context, name string) (store.User, error)
}

const (
	longestName     = 64
	longestPassword = 256
)

// errWrongLogin does not tell which of the two was wrong.
var errWrongLogin = errors.New("wrong user name or password")

func (a *API) me(w http.ResponseWriter, r *http.Request) {
	id := middleware.InfoFrom(r.Context()).UserID
	a.cached(w, r, cache.User(id), func(ctx context.Context) (any, error) { return a.store.User(ctx, id) })
}

func (a *API) login(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
	if !decode(w, r, &body) {
		return
	}
	var in input
	// Postgres takes no NUL in a text.
	in.check(body.Username != "" && len(body.Username) <= longestName && !strings.ContainsFunc(body.Username, unicode.IsControl),
		"username", fmt.Sprintf("must have 1 to %d bytes and no control characters", longestName))
	in.check(body.Password != "" && len(body.Password) <= longestPassword, "password", fmt.Sprintf("must have 1 to %d bytes", longestPassword))
	if in.refused(w, r) {
		return
	}
	u, err := a.authenticate(r.Context(), body.Username, body.Password)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	token, expires := a.signer.Sign(middleware.Claims{UserID: u.ID, Tier: limit.Tier(u.Tier)})
	w.Header().Set("Cache-Control", "no-store")
	a.write(w, r, http.StatusOK, map[string]any{"token": token, "token_type": "Bearer", "expires_at": expires.UTC(), "tier": u.Tier})
}

// authenticate returns the user, or errWrongLogin. It takes as long for a name
// that does not exist as for a wrong password.
func (a *API) authenticate(ctx context.Context, name, password string) (store.User, error) {
	ctx, done := asking(ctx)
	u, err := a.store.UserByName(ctx, name)
	done()
	unknown := errors.Is(err, store.ErrNotFound)
	if err != nil && !unknown {
		return store.User{}, err
	}
	if unknown {
		u.PasswordHash = a.dummy
	}
	if !store.CheckPassword(u.PasswordHash, password) || unknown {
		return store.User{}, errWrongLogin
	}
	return u, nil
}
