package demoapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Bounds of a connection, against clients that are slow on purpose or by
// accident. Handlers bound their own work.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 16 << 10

	// shutdownGrace is how long requests under way may take at the end.
	shutdownGrace = 10 * time.Second
)

// Serve answers requests on l until ctx ends. Then /health says 503, no new
// connections are taken, and requests under way and orders in the queue get ten
// seconds to finish. It returns nil if all did; it closes l in any case, and a
// like [API.Close]. Meanwhile it fills the cache with what is asked for most and
// takes up orders that are pending.
func (a *API) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           a,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	background, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { a.desk.sweep(background) })
	running.Go(func() { a.warm(background) })
	defer running.Wait()
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	var broken error
	select {
	case broken = <-ended:
	case <-ctx.Done():
	}
	a.draining.Store(true)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if broken != nil {
		return errors.Join(fmt.Errorf("demoapi: serve: %w", broken), a.Close(grace))
	}
	err := srv.Shutdown(grace)
	if err != nil {
		err = errors.Join(fmt.Errorf("demoapi: requests still under way after %v: %w", shutdownGrace, err), srv.Close())
	}
	err = errors.Join(err, a.Close(grace))
	if end := <-ended; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("demoapi: serve: %w", end))
	}
	return err
}
