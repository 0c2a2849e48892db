package faults

import (
	"context"
	"fmt"
	"time"

	"apitop/demoapi/store"
)

const (
	slowBy     = 300 * time.Millisecond
	lockedFor  = 8 * time.Second
	unlocked   = 2 * time.Second
	lockLimit  = 5 * time.Second        // until a lock is there
	retryAfter = time.Second            // after a failure in the background
	lastHeld   = 250 * time.Millisecond // the pool's last connection, and as long not
	tries      = 20                     // of what has to succeed: more than a pool has connections
	tryAgain   = 100 * time.Millisecond
)

func nPlusOne(_ context.Context, e *env) (undo, error) {
	e.shared.spoil(func(f *store.Faults) { f.NPlusOne = true })
	return inOrder(
		releasing(func() { e.shared.spoil(func(f *store.Faults) { f.NPlusOne = false }) }),
		e.shared.bypass("products"),
	), nil
}

func slowQuery(_ context.Context, e *env) (undo, error) {
	e.shared.spoil(func(f *store.Faults) { f.SlowQuery = slowBy })
	return inOrder(
		releasing(func() { e.shared.spoil(func(f *store.Faults) { f.SlowQuery = 0 }) }),
		e.shared.bypass("search"),
	), nil
}

func dropIndex(ctx context.Context, e *env) (undo, error) {
	if err := e.Store.DropIndexes(ctx); err != nil {
		return nil, err
	}
	return inOrder(persistent(e.Store.CreateIndexes), e.shared.bypass("products", "search")), nil
}

// persistent tries again for a while: after a server came back all connections
// of a pool may be dead, which is found out one by one.
func persistent(do undo) undo {
	return func(ctx context.Context) (err error) {
		for range tries {
			if err = do(ctx); err == nil || !rest(ctx, tryAgain) {
				return err
			}
		}
		return err
	}
}

// poolExhaustion leaves one connection, and that one half of the time: whoever
// needs one waits for it, and nothing fails.
func poolExhaustion(ctx context.Context, e *env) (undo, error) {
	n := int(e.Store.Stat().MaxConns()) - 1
	if n < 1 {
		return nil, fmt.Errorf("the pool has %d connections: one is needed to hold, one to leave", n+1)
	}
	release, err := e.Store.HoldConnections(ctx, n)
	if err != nil {
		return nil, err
	}
	last := e.background(func(ctx context.Context) {
		every(ctx, 2*lastHeld, func(ctx context.Context) {
			release, err := e.Store.HoldConnections(ctx, 1)
			if err == nil { // else the server is away
				rest(ctx, lastHeld)
				release()
			}
		})
	})
	return inOrder(last, releasing(release), e.shared.bypass("product", "products")), nil
}

// lockTable locks in pulses: a lock that never ends would end all traffic, and
// with it what there is to see. While the table cannot be locked, since somebody
// is in the way or the server is away, it tries again; its waiting alone holds
// up all others, too.
func lockTable(_ context.Context, e *env) (undo, error) {
	return e.background(func(ctx context.Context) {
		for {
			release, err := lock(ctx, e.Store)
			if err != nil {
				if !rest(ctx, retryAfter) {
					return
				}
				continue
			}
			held := rest(ctx, lockedFor)
			release()
			if !held || !rest(ctx, unlocked) {
				return
			}
		}
	}), nil
}

func lock(ctx context.Context, s Store) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, lockLimit)
	defer cancel()
	return s.LockProducts(ctx)
}

func idleInTransaction(ctx context.Context, e *env) (undo, error) {
	release, err := e.Store.IdleInTransaction(ctx)
	if err != nil {
		return nil, err
	}
	return releasing(release), nil
}

// serverDown stops one of the demo's servers. The fault is over when the server
// answers again: a client whose dials failed dials no more than once a second.
func serverDown(server string) func(context.Context, *env) (undo, error) {
	return func(ctx context.Context, e *env) (undo, error) {
		if err := e.Servers.Switch(ctx, server, false); err != nil {
			return nil, err
		}
		up := func(ctx context.Context) error { return e.Servers.Switch(ctx, server, true) }
		if server != redisServer || e.Redis == nil {
			return up, nil
		}
		return inOrder(up, persistent(func(ctx context.Context) error { return e.Redis.Ping(ctx).Err() })), nil
	}
}
