package pgstat

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

const (
	appName  = "apitop"
	maxLinks = 2

	// sessionTimeout bounds one poll whose caller set no earlier deadline.
	sessionTimeout = 5 * time.Second

	// cancelGrace is how long a cancelled statement may take to end before its
	// connection is given up.
	cancelGrace = 500 * time.Millisecond
)

// Conn is the shared way to one server. It connects when first needed, holds at
// most two connections, and connects again after a failure by itself. It is
// safe for use by several goroutines.
type Conn struct {
	target Target
	tracer pgx.QueryTracer // sees every statement; nil but in tests
	slots  chan struct{}   // one token for each connection that may be open

	mu     sync.Mutex // guards the rest
	idle   []*link    // the one used last is at the end
	epoch  int        // connections made so far
	bare   bool       // the server is a pooler that takes no settings when connecting
	closed bool
}

// link is one connection. Only the holder of its slot uses it.
type link struct {
	conn  *pgx.Conn
	hello hello
	epoch int  // its number: larger is younger
	used  bool // it has served a session before
}

// errClosed is returned after Close.
var errClosed = errors.New("postgres: the connection was closed by us")

// Open prepares a Conn to t without touching the network.
func Open(t Target) *Conn {
	return &Conn{target: t, slots: make(chan struct{}, maxLinks)}
}

// Close closes the connections and waits a moment for those in use. Sessions
// fail from then on.
func (c *Conn) Close() {
	c.mu.Lock()
	again := c.closed
	c.closed = true
	idle := c.idle
	c.idle = nil
	c.mu.Unlock()
	for _, l := range idle {
		c.drop(l)
	}
	if again {
		return
	}
	limit := time.NewTimer(2 * time.Second)
	defer limit.Stop()
	for range maxLinks {
		select {
		case c.slots <- struct{}{}: // kept: nobody connects any more
		case <-limit.C:
			return
		}
	}
}

// session runs do with a connection of its own, in a read-only transaction where
// the connection itself is not read-only. When a connection that served before
// turns out to be dead, as after a restart of the server, do runs once more on a
// new one; so it must not keep anything from a run that failed.
func (c *Conn) session(ctx context.Context, do func(context.Context, *link) error) error {
	ctx, cancel := context.WithTimeout(ctx, sessionTimeout)
	defer cancel()
	for {
		l, err := c.acquire(ctx)
		if err != nil {
			return c.failure(ctx, err)
		}
		err = l.inTransaction(ctx, do)
		stale := err != nil && l.used && l.conn.IsClosed() && ctx.Err() == nil
		l.used = true
		c.release(l)
		if !stale {
			return c.failure(ctx, err)
		}
	}
}

// acquire waits for a free slot and takes an idle connection or makes one.
func (c *Conn) acquire(ctx context.Context) (*link, error) {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if closed {
		return nil, errClosed
	}
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a connection: %w", ctx.Err())
	}
	c.mu.Lock()
	if n := len(c.idle); n > 0 {
		l := c.idle[n-1]
		c.idle = c.idle[:n-1]
		c.mu.Unlock()
		return l, nil
	}
	c.mu.Unlock()
	l, err := c.connect(ctx)
	if err != nil {
		<-c.slots
		return nil, err
	}
	return l, nil
}

// release gives the connection back, or up when it is closed.
func (c *Conn) release(l *link) {
	c.mu.Lock()
	keep := !c.closed && !l.conn.IsClosed()
	if keep {
		c.idle = append(c.idle, l)
	}
	c.mu.Unlock()
	if keep {
		<-c.slots
		return
	}
	c.drop(l)
	// The server may still hold a connection that broke off: the slot is free
	// when it is gone, which pgx sees to within seconds.
	go func() {
		<-l.conn.PgConn().CleanupDone()
		<-c.slots
	}()
}

// drop closes l, if it is not yet closed.
func (c *Conn) drop(l *link) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.conn.Close(ctx) // nobody can do anything about a failure to say goodbye
}

// connect makes a connection. A pooler that refuses settings in the startup
// message is asked again without; that it did is remembered.
func (c *Conn) connect(ctx context.Context) (*link, error) {
	c.mu.Lock()
	bare := c.bare
	c.epoch++
	epoch := c.epoch
	c.mu.Unlock()
	conn, err := pgx.ConnectConfig(ctx, c.config(bare))
	if !bare && refusesSettings(err) {
		c.mu.Lock()
		c.bare = true
		c.mu.Unlock()
		conn, err = pgx.ConnectConfig(ctx, c.config(true))
	}
	if err != nil {
		return nil, err
	}
	l := &link{conn: conn, epoch: epoch}
	if err := l.greet(ctx); err != nil {
		c.drop(l)
		return nil, err
	}
	return l, nil
}

// limits are the settings of our sessions. A text query may need some memory;
// more of it is better than a temporary file on the watched server.
func limits() map[string]string {
	return map[string]string{
		"statement_timeout":                   statementTimeout,
		"lock_timeout":                        "200ms",
		"idle_in_transaction_session_timeout": "10s",
		"default_transaction_read_only":       "on",
		"search_path":                         "pg_catalog",
		"work_mem":                            "64MB",
	}
}

// statementTimeout is as PostgreSQL shows it, and as beginSQL sets it.
const statementTimeout = "3s"

// config is the target's with our settings in place of the DSN's.
func (c *Conn) config(bare bool) *pgx.ConnConfig {
	config := c.target.secret.Reveal().Copy()
	options := config.RuntimeParams["options"]
	config.RuntimeParams = map[string]string{"application_name": appName}
	if !bare {
		maps.Copy(config.RuntimeParams, limits())
		if options != "" { // some hosted servers are chosen by it
			config.RuntimeParams["options"] = options
		}
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // no named statement: poolers mix them up
	config.StatementCacheCapacity, config.DescriptionCacheCapacity = 0, 0
	config.Tracer = c.tracer
	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelGrace}
	}
	return config
}

// refusesSettings tells PgBouncer's answer to settings in the startup message.
func refusesSettings(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == codeProtocol && strings.Contains(e.Message, "startup parameter")
}
