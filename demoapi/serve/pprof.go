package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"time"
)

const (
	// profileTimeout bounds an answer; the longest profile is shorter.
	profileTimeout = 2 * time.Minute
	// profileGrace is how long a profile under way may take at the end.
	profileGrace = 100 * time.Millisecond
)

// ErrNotLoopback is returned for an address of the profiles that others could
// reach: profiles show what is in memory and cost time.
var ErrNotLoopback = errors.New("want an address of this machine alone, as 127.0.0.1:6060")

// profiles serves net/http/pprof on a listener of its own.
type profiles struct {
	server *http.Server
	addr   string
	ended  chan struct{}
}

// startProfiles listens on addr, host:port with a loopback address or
// "localhost"; port 0 takes a free one.
func startProfiles(ctx context.Context, addr string) (*profiles, error) {
	if err := CheckLoopback(addr); err != nil {
		return nil, fmt.Errorf("serve profiles on %s: %w", addr, err)
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("serve profiles: %w", err)
	}
	p := &profiles{addr: ln.Addr().String(), ended: make(chan struct{})}
	p.server = &http.Server{
		Handler: profileMux(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second,
		WriteTimeout: profileTimeout, MaxHeaderBytes: 16 << 10,
	}
	go func() {
		defer close(p.ended)
		_ = p.server.Serve(ln) // it says that the server was closed
	}()
	return p, nil
}

// profileMux has what the package registers on the default mux by itself.
func profileMux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// CheckLoopback returns [ErrNotLoopback] unless addr is host:port with a loopback
// address or "localhost": what other names stand for may change.
func CheckLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return ErrNotLoopback
	}
	if host == "localhost" {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.Unmap().IsLoopback() {
		return ErrNotLoopback
	}
	return nil
}

// close ends the listener; a profile under way is cut off.
func (p *profiles) close() {
	ctx, cancel := context.WithTimeout(context.Background(), profileGrace)
	defer cancel()
	if p.server.Shutdown(ctx) != nil {
		_ = p.server.Close() // on purpose
	}
	<-p.ended
}
