package middleware

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"apitop/demoapi/limit"
)

// clientIDHeader tells guests apart behind one address.
const clientIDHeader = "X-Client-Id"

// Identify finds out who asks: the bearer of a token ("42"), else a guest. Each
// guest is a subject of its own: "guest-17" by the header X-Client-Id if the
// request comes from this machine, where a proxy or the load generator sets it;
// else by the address, "guest-203.0.113.9". A bad token makes a guest, which
// [Authorize] turns away after the limit has counted it.
func Identify(s *Signer) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			info := InfoFrom(r.Context())
			info.Tier = limit.Guest
			if header := r.Header.Get("Authorization"); header != "" {
				claims, err := bearer(s, header)
				if err == nil {
					info.UserID, info.Tier, info.Subject = claims.UserID, claims.Tier, strconv.FormatInt(claims.UserID, 10)
				} else {
					info.BadToken = true
				}
			}
			if info.UserID == 0 {
				info.Subject = "guest-" + guest(r)
			}
			next.ServeHTTP(w, r)
		})
	}
}

func bearer(s *Signer, header string) (Claims, error) {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Claims{}, ErrToken
	}
	return s.Verify(strings.TrimSpace(token))
}

// guest is what tells this guest from others; it has no colon, since Redis keys
// are taken apart at colons.
func guest(r *http.Request) string {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil { // a unix socket
		addr = netip.AddrPortFrom(netip.IPv6Loopback(), 0)
	}
	ip := addr.Addr().Unmap().WithZone("")
	if id := r.Header.Get(clientIDHeader); ip.IsLoopback() && plain(id, 32) {
		return id
	}
	if ip.Is6() && !ip.IsLoopback() {
		// One customer usually has a whole /64 to choose from.
		network, err := ip.Prefix(64)
		if err == nil {
			ip = network.Addr()
		}
	}
	return strings.ReplaceAll(ip.String(), ":", "-")
}
