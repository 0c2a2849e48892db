package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// reachTimeout bounds one attempt to connect before a test.
const reachTimeout = 3 * time.Second

// Reach tells whether somebody takes connections at the target, so that no test
// is run against nobody. The error names no more than host and port.
func Reach(ctx context.Context, target string) error {
	u, err := parseTarget(target)
	if err != nil {
		return err
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	addr := net.JoinHostPort(u.Hostname(), port)
	d := net.Dialer{Timeout: reachTimeout}
	conn, err := d.DialContext(ctx, "tcp", addr)
	switch {
	case err == nil:
		return conn.Close()
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("load: nobody listens on %s: start the service, or correct the address", addr)
	}
	return fmt.Errorf("load: cannot connect to %s: %w", addr, err)
}
