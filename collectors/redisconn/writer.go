package redisconn

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Writer changes keys when a person asks for it. It has a way of its own to the
// server, apart from that of the collectors, which only read: a connection for
// each change, closed after it, on which nothing but the commands of [Remove] and
// [Lifetime] can be sent. Whoever makes none cannot write. Safe for concurrent
// use.
type Writer struct {
	server *Server
	note   func(Written) error
}

// WriteRules are the rights that a [Writer] needs beside [ACLRules], to be typed
// after "ACL SETUSER name".
const WriteRules = "%RW~* +unlink +pexpire +persist"

// Written is a command that is about to be sent, or was.
type Written struct {
	Server  string   // the node's address, without user and password
	Command []string // its words
	Done    bool     // false: it is sent next, unless noting it fails
	Reply   string   // to a command that is done: "1", "0", or the server's error
	Err     error    // it is done, and failed
}

// NewWriter makes a Writer for what stands behind server, which it does not
// close. note is called before each command, which is not sent when note fails,
// and after it.
func NewWriter(server *Server, note func(Written) error) *Writer {
	return &Writer{server: server, note: note}
}

// Remove is the command that deletes a key, in the background where it is big.
func Remove(key string) []string { return []string{"unlink", key} }

// Lifetime is the command that lets a key live for ttl from now on, in whole
// milliseconds; 0: for ever.
func Lifetime(key string, ttl time.Duration) []string {
	if ttl == 0 {
		return []string{"persist", key}
	}
	return []string{"pexpire", key, strconv.FormatInt(ttl.Milliseconds(), 10)}
}

// mayWrite tells whether a command is one of [Remove] or [Lifetime], of one key.
func mayWrite(words []string) bool {
	switch CommandName(words) {
	case "unlink", "del", "persist":
		return len(words) == 2
	case "pexpire":
		if len(words) != 3 {
			return false
		}
		ms, err := strconv.ParseInt(words[2], 10, 64)
		return err == nil && ms > 0 // less would delete the key
	}
	return false
}

// Do sends one command that changes one key, to the node that holds it. It tells
// whether there was anything to change. A server that has no UNLINK gets a DEL.
// The error is a [snapshot.Failure], a *[ReplyError], or that of noting.
func (w *Writer) Do(ctx context.Context, command []string) (changed bool, err error) {
	if !mayWrite(command) {
		return false, refusedWrite(CommandName(command))
	}
	node, err := w.server.NodeOf(ctx, command[1])
	if err != nil {
		return false, err
	}
	n, err := w.send(ctx, node, command)
	if e, ok := errors.AsType[*ReplyError](err); ok && e.Unknown() && command[0] == "unlink" {
		n, err = w.send(ctx, node, []string{"del", command[1]})
	}
	if e, ok := errors.AsType[*ReplyError](err); ok && (e.Denied() || e.KeyDenied()) {
		err = snapshot.Fail(snapshot.Denied, "the server does not permit it to this user", "ACL SETUSER name "+WriteRules)
	}
	return n > 0, err
}

// send notes the command, sends it on a connection of its own and notes the end.
func (w *Writer) send(ctx context.Context, node *Conn, command []string) (int64, error) {
	entry := Written{Server: node.Name().String(), Command: command}
	if err := w.note(entry); err != nil {
		return 0, fmt.Errorf("nothing was sent: the log cannot be written: %w", err)
	}
	n, err := node.target.write(ctx, command)
	entry.Done, entry.Reply, entry.Err = true, strconv.FormatInt(n, 10), err
	if e, ok := errors.AsType[*ReplyError](err); ok {
		entry.Reply = e.Text.String()
	}
	if noted := w.note(entry); noted != nil && err == nil {
		err = fmt.Errorf("it was done, but its end is not in the log: %w", noted)
	}
	return n, err
}

// write sends one command on a new connection and closes that.
func (t Target) write(ctx context.Context, command []string) (int64, error) {
	opt := t.options()
	opt.OnConnect = sayName
	client := redis.NewClient(opt)
	defer func() { _ = client.Close() }() // nothing is lost with it
	client.AddHook(writeGuard{})
	args := make([]any, len(command))
	for i, w := range command {
		args[i] = w
	}
	reply, err := client.Do(ctx, args...).Result()
	if err != nil {
		if _, said := errors.AsType[redis.Error](err); !said {
			return 0, failure(err)
		}
		e := newReplyError(err.Error())
		if f := e.state(); f != nil {
			return 0, f
		}
		return 0, e
	}
	n, ok := reply.(int64)
	if !ok {
		return 0, snapshot.Fail(snapshot.Unsupported, "the server gave something else than a number", "")
	}
	return n, nil
}

// sayName tells the server who writes. A no is no reason not to.
func sayName(ctx context.Context, conn *redis.Conn) error {
	err := conn.Process(ctx, redis.NewStatusCmd(ctx, "client", "setname", "apitop-write"))
	if err != nil && !serverSaid(err) {
		return err
	}
	return nil
}

// writeGuard lets only the greeting and the commands of a [Writer] through.
type writeGuard struct{}

// DialHook changes nothing.
func (writeGuard) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook guards a single command.
func (writeGuard) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := checkWrite(cmd); err != nil {
			return err
		}
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook guards a pipeline, such as the greeting.
func (writeGuard) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			if err := checkWrite(cmd); err != nil {
				return err
			}
		}
		return next(ctx, cmds)
	}
}

func checkWrite(cmd redis.Cmder) error {
	name := nameOf(cmd)
	if handshake(name) || mayWrite(wordsOf(cmd)) {
		return nil
	}
	err := refusedWrite(name)
	cmd.SetErr(err)
	return err
}

func refusedWrite(name string) error {
	return &snapshot.Failure{
		Kind: snapshot.Internal,
		What: safe.Short(fmt.Sprintf("refused to send %q: not a change that is allowed", name), 120),
	}
}
