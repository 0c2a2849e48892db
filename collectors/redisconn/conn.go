// Package redisconn is the one way to a Redis, which all its collectors share: to
// one server, to the masters of a cluster, or to the master that sentinels name.
//
// It is made to be safe on a production server. Each node has one [Conn]: one
// request in flight at a time, only commands from a fixed list of bounded reads,
// a time limit on everything. A [Raw] listens for a moment on a connection of its
// own; a [Writer] changes one key for a person who asked for it. What is sent is
// counted with the keyspace lookups that it causes, so that a hit ratio can be
// shown without them. Passwords never leave the package, not even in an error.
package redisconn

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"apitop/collectors/safe"
)

// Conn is a guarded connection. It dials when it is first used and again after
// every failure; there is nothing to reopen. Safe for concurrent use.
type Conn struct {
	target Target
	client *redis.Client
	guard  *guard
	turn   chan struct{} // capacity 1: who holds the token may send
	gate   *Gate
	form   atomic.Int32 // of INFO, that the server understands; see infoForms

	// What tells that the nodes of the server may have changed.
	moved   atomic.Bool // a key is at another node now
	lost    atomic.Bool // the last request failed, not a command of it
	demoted atomic.Bool // a replica, when it was asked last

	hurry     atomic.Bool  // others wait for it: see leash
	dialNanos atomic.Int64 // how long it took to connect

	mu   sync.Mutex // of what line says of its connection
	line sweepLine

	// What a new connection should not try again, because the server said no.
	noName, noTouch atomic.Bool
}

// Open prepares a connection to t without using the network. It turns off the
// log of go-redis for the whole process, which otherwise writes over the screen.
func Open(t Target) *Conn {
	logging.Disable()
	c := &Conn{target: t, guard: new(guard), turn: make(chan struct{}, 1)}
	c.gate = NewGate(c)
	opt := t.options()
	opt.Dialer, opt.OnConnect = c.dial, c.introduce
	c.client = redis.NewClient(opt)
	c.client.AddHook(c.guard)
	return c
}

// options are those of a client with one connection. Nothing is sent twice: the
// next round is the retry, and who asked for a change sees how it went.
func (t Target) options() *redis.Options {
	return &redis.Options{
		Network: t.network,
		Addr:    t.addr,
		DB:      t.db,
		Dialer:  t.dial,
		CredentialsProviderContext: func(context.Context) (string, string, error) {
			return t.credentials()
		},
		Protocol:                 2, // its replies are the same on every server and need no push messages
		MaxRetries:               -1,
		DialerRetries:            1,
		DialTimeout:              dialTimeout,
		ReadTimeout:              ioTimeout,
		WriteTimeout:             ioTimeout,
		ContextTimeoutEnabled:    true,
		PoolSize:                 1,
		PipelinePoolSize:         -1,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// Name is the server's address for people; see [Target.Name].
func (c *Conn) Name() safe.Text { return c.target.Name() }

// Gate is what all collectors of this node send through.
func (c *Conn) Gate() *Gate { return c.gate }

// Close ends the connection. Calls in flight fail, as do later ones.
func (c *Conn) Close() error {
	c.closeSweep(true)
	if err := c.client.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
		return failure(err)
	}
	return nil
}

// Do sends commands in one pipeline and waits for all replies. A reply is a
// string, an int64, a []any of replies, nil, or a *[ReplyError]. The error is a
// [snapshot.Failure]: no connection, no answer in time, a refused login, a
// server that is not ready, or a command that is not on the list of reads, of
// which nothing is sent.
func (c *Conn) Do(ctx context.Context, commands ...[]string) ([]any, error) {
	ctx, cancel := c.leash(ctx)
	defer cancel()
	release, err := c.wait(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	return c.send(ctx, commands)
}

// wait takes the turn to send. One request in flight keeps our share of the
// server small and makes the counts of our own lookups exact at every INFO.
func (c *Conn) wait(ctx context.Context) (release func(), err error) {
	select {
	case c.turn <- struct{}{}:
		return func() { <-c.turn }, nil
	case <-ctx.Done():
		return nil, failure(ctx.Err())
	}
}

func (c *Conn) send(ctx context.Context, commands [][]string) ([]any, error) {
	if len(commands) == 0 {
		return nil, nil
	}
	pipe := c.client.Pipeline()
	cmds := make([]*redis.Cmd, len(commands))
	for i, words := range commands {
		args := make([]any, len(words))
		for j, w := range words {
			args[j] = w
		}
		if len(words) > 0 {
			args[0] = sign(words[0])
		}
		cmds[i] = pipe.Do(ctx, args...)
	}
	_, execErr := pipe.Exec(ctx)
	replies, err := c.collect(cmds)
	if err == nil && execErr != nil && !anyError(cmds) {
		err = failure(execErr) // the connection failed, not a command
	}
	c.lost.Store(err != nil)
	if err != nil {
		return nil, err
	}
	return replies, nil
}

// collect takes the replies off cmds. It fails when the connection did, or when
// a reply says that the whole server or login is at fault. A key that another node
// of the cluster holds now is one that does not exist here.
func (c *Conn) collect(cmds []*redis.Cmd) ([]any, error) {
	replies := make([]any, len(cmds))
	for i, cmd := range cmds {
		err := cmd.Err()
		if err == nil {
			replies[i] = plain(cmd.Val())
			continue
		}
		if errors.Is(err, redis.Nil) {
			continue
		}
		if _, ok := errors.AsType[redis.Error](err); !ok {
			return nil, failure(err)
		}
		if replies[i], err = c.judgeError(newReplyError(err.Error())); err != nil {
			return nil, err
		}
	}
	return replies, nil
}

// judgeError is the reply that an error for one command stands for.
func (c *Conn) judgeError(e *ReplyError) (any, error) {
	if f := e.state(); f != nil {
		return nil, f
	}
	if e.elsewhere() {
		c.moved.Store(true)
		return nil, nil
	}
	return e, nil
}

func anyError(cmds []*redis.Cmd) bool {
	for _, cmd := range cmds {
		if cmd.Err() != nil {
			return true
		}
	}
	return false
}

// plain makes errors inside an array our own.
func plain(reply any) any {
	list, ok := reply.([]any)
	if !ok {
		return reply
	}
	for i, r := range list {
		if err, bad := r.(error); bad {
			list[i] = newReplyError(err.Error())
			continue
		}
		list[i] = plain(r)
	}
	return list
}

// introduce tells the server on a new connection who we are and, from 7.2 on,
// that our reads are not uses of a key. A no is remembered, so that it enters
// the server's error counts and ACL log once and not at each connection.
func (c *Conn) introduce(ctx context.Context, conn *redis.Conn) error {
	if !c.noName.Load() {
		if err := conn.Process(ctx, redis.NewStatusCmd(ctx, "client", "setname", "apitop")); err != nil {
			if !serverSaid(err) {
				return err
			}
			c.noName.Store(true)
		}
	}
	if c.noTouch.Load() || !knowsNoTouch(c.guard.version.Load()) {
		return nil
	}
	if err := conn.Process(ctx, redis.NewStatusCmd(ctx, "client", "no-touch", "on")); err != nil {
		if !serverSaid(err) {
			return err
		}
		c.noTouch.Store(true)
	}
	return nil
}

func serverSaid(err error) bool {
	_, ok := errors.AsType[redis.Error](err)
	return ok
}

// knowsNoTouch tells by its version whether a server has CLIENT NO-TOUCH.
func knowsNoTouch(version *string) bool {
	if version == nil {
		return false
	}
	major, rest, _ := strings.Cut(*version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(minor)
	return errA == nil && errB == nil && (a > 7 || a == 7 && b >= 2)
}
