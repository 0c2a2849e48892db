package middleware_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"apitop/demoapi/limit"
	"apitop/demoapi/middleware"
)

func signer(t *testing.T, secret string) *middleware.Signer {
	t.Helper()
	s, err := middleware.NewSigner([]byte(secret), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestIdentify(t *testing.T) {
	s := signer(t, "0123456789abcdef")
	token, _ := s.Sign(middleware.Claims{UserID: 42, Tier: limit.Premium})
	type want struct {
		subject string
		tier    limit.Tier
		user    int64
		bad     bool
	}
	tests := map[string]struct {
		addr, auth, client string
		want               want
	}{
		"user":                 {"203.0.113.9:1", "Bearer " + token, "", want{"42", limit.Premium, 42, false}},
		"user, lower case":     {"203.0.113.9:1", "bearer " + token, "", want{"42", limit.Premium, 42, false}},
		"user beats client id": {"127.0.0.1:1", "Bearer " + token, "17", want{"42", limit.Premium, 42, false}},
		"guest by address":     {"203.0.113.9:1", "", "", want{"guest-203.0.113.9", limit.Guest, 0, false}},
		"guest by network":     {"[2001:db8:1:2:3::4]:1", "", "", want{"guest-2001-db8-1-2--", limit.Guest, 0, false}},
		"mapped address":       {"[::ffff:203.0.113.9]:1", "", "", want{"guest-203.0.113.9", limit.Guest, 0, false}},
		"guest by id":          {"127.0.0.1:1", "", "17", want{"guest-17", limit.Guest, 0, false}},
		"guest by id, IPv6":    {"[::1]:1", "", "17", want{"guest-17", limit.Guest, 0, false}},
		"unix socket":          {"@", "", "17", want{"guest-17", limit.Guest, 0, false}},
		"local without id":     {"127.0.0.1:1", "", "", want{"guest-127.0.0.1", limit.Guest, 0, false}},
		"id from far away":     {"203.0.113.9:1", "", "17", want{"guest-203.0.113.9", limit.Guest, 0, false}},
		"id with a colon":      {"127.0.0.1:1", "", "17:/orders", want{"guest-127.0.0.1", limit.Guest, 0, false}},
		"id too long":          {"127.0.0.1:1", "", strings.Repeat("1", 33), want{"guest-127.0.0.1", limit.Guest, 0, false}},
		"bad token":            {"127.0.0.1:1", "Bearer x", "17", want{"guest-17", limit.Guest, 0, true}},
		"other scheme":         {"127.0.0.1:1", "Basic " + token, "17", want{"guest-17", limit.Guest, 0, true}},
		"only a scheme":        {"127.0.0.1:1", "Bearer", "17", want{"guest-17", limit.Guest, 0, true}},
	}
	for name, tt := range tests {
		r := get("/")
		r.RemoteAddr = tt.addr
		if tt.auth != "" {
			r.Header.Set("Authorization", tt.auth)
		}
		r.Header.Set("X-Client-Id", tt.client)
		var got want
		serve(r, func(_ http.ResponseWriter, r *http.Request) {
			info := middleware.InfoFrom(r.Context())
			got = want{info.Subject, info.Tier, info.UserID, info.BadToken}
		}, middleware.RequestID(), middleware.Identify(s))
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestToken(t *testing.T) {
	s := signer(t, "0123456789abcdef")
	claims := middleware.Claims{UserID: 7, Tier: limit.Basic}
	token, _ := s.Sign(claims)
	if got, err := s.Verify(token); err != nil || got != claims {
		t.Fatalf("Verify = %+v, %v, want %+v", got, err, claims)
	}
	if got, err := signer(t, "0123456789abcdef").Verify(token); err != nil || got != claims {
		t.Errorf("a server with the same secret: %+v, %v", got, err)
	}
	parts := strings.Split(token, ".")
	other, _ := s.Sign(middleware.Claims{UserID: 8, Tier: limit.Admin})
	forged := map[string]string{
		"empty":           "",
		"no MAC":          strings.Join(parts[:3], "."),
		"empty MAC":       strings.Join(parts[:3], ".") + ".",
		"other user":      "8." + strings.Join(parts[1:], "."),
		"higher tier":     strings.Join([]string{parts[0], "admin", parts[2], parts[3]}, "."),
		"later expiry":    strings.Join([]string{parts[0], parts[1], parts[2] + "0", parts[3]}, "."),
		"another's MAC":   strings.Join(parts[:3], ".") + other[strings.LastIndexByte(other, '.'):],
		"shortened MAC":   token[:len(token)-1],
		"too long":        strings.Repeat("1", 300) + "." + token,
		"something added": token + "=",
	}
	for name, f := range forged {
		if got, err := s.Verify(f); err == nil {
			t.Errorf("%s: %q is accepted as %+v", name, f, got)
		}
	}
	if _, err := signer(t, "fedcba9876543210").Verify(token); err == nil {
		t.Error("a server with another secret accepts the token")
	}
	if _, err := signer(t, "").Verify(token); err == nil {
		t.Error("a server with a secret of its own accepts the token")
	}
}

func TestTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := signer(t, "")
		token, expires := s.Sign(middleware.Claims{UserID: 7, Tier: limit.Basic})
		if in := time.Until(expires); in > time.Hour || in <= time.Hour-time.Second {
			t.Errorf("expires in %v, want an hour", in)
		}
		time.Sleep(time.Until(expires) - time.Millisecond)
		if _, err := s.Verify(token); err != nil {
			t.Errorf("just before the expiry: %v", err)
		}
		time.Sleep(time.Millisecond)
		if _, err := s.Verify(token); err == nil {
			t.Error("accepted at the expiry")
		}
	})
}

func TestShortSecret(t *testing.T) {
	if _, err := middleware.NewSigner([]byte("short"), 0); err == nil || strings.Contains(err.Error(), "short ") {
		t.Errorf("error %v, want one about the length", err)
	}
}

func FuzzVerify(f *testing.F) {
	s, err := middleware.NewSigner([]byte("0123456789abcdef"), time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	good, _ := s.Sign(middleware.Claims{UserID: 7, Tier: limit.Basic})
	f.Add(good)
	f.Add("7.basic.99999999999.")
	f.Add("...")
	f.Fuzz(func(t *testing.T, token string) {
		if c, err := s.Verify(token); err == nil && token != good {
			t.Errorf("%q is accepted as %+v", token, c)
		}
	})
}

func TestAuthorize(t *testing.T) {
	s := signer(t, "")
	token, _ := s.Sign(middleware.Claims{UserID: 7, Tier: limit.Basic})
	tests := map[string]struct {
		auth   string
		steps  []middleware.Middleware
		status int
	}{
		"guest":                      {"", []middleware.Middleware{middleware.Authorize}, 200},
		"user":                       {"Bearer " + token, []middleware.Middleware{middleware.Authorize}, 200},
		"bad token":                  {"Bearer x", []middleware.Middleware{middleware.Authorize}, 401},
		"guest where users only":     {"", []middleware.Middleware{middleware.RequireUser}, 401},
		"user where users only":      {"Bearer " + token, []middleware.Middleware{middleware.Authorize, middleware.RequireUser}, 200},
		"bad token where users only": {"Bearer x", []middleware.Middleware{middleware.RequireUser}, 401},
	}
	for name, tt := range tests {
		r := get("/")
		if tt.auth != "" {
			r.Header.Set("Authorization", tt.auth)
		}
		steps := append([]middleware.Middleware{middleware.RequestID(), middleware.Identify(s)}, tt.steps...)
		w := serve(r, func(http.ResponseWriter, *http.Request) {}, steps...)
		if w.Code != tt.status {
			t.Errorf("%s: status %d, want %d", name, w.Code, tt.status)
		}
		if w.Code == 401 && (!strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") || problem(t, w).Detail == "") {
			t.Errorf("%s: headers %v, body %s", name, w.Header(), w.Body)
		}
	}
}
