package load

import (
	"context"
	"net"
	"time"
)

// lookupTimeout bounds how long a name may take to resolve.
const lookupTimeout = 2 * time.Second

// IsLoopback says whether a target is on this machine: all addresses that its
// host has are loopback. It resolves names; one that does not resolve within
// two seconds, or an address that is none, is not on this machine.
func IsLoopback(target string) bool {
	u, err := parseTarget(target)
	if err != nil {
		return false
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil {
		return ip.IsLoopback()
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupIPAddr(ctx, u.Hostname())
	for _, a := range addrs {
		if !a.IP.IsLoopback() {
			return false
		}
	}
	return err == nil && len(addrs) > 0
}
