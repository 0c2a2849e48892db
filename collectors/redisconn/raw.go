package redisconn

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"time"

	"apitop/collectors/snapshot"
)

// Raw is a connection of its own to the node of a [Conn], logged in, for what
// goes on after a command: MONITOR, CLIENT TRACKING, subscriptions. It is for one
// goroutine; only Close may be called from another. What it sends goes through
// the same list of commands as a Conn's, extended by those streams.
type Raw struct {
	conn  net.Conn
	in    *bufio.Reader
	meter *meter // what in reads from
	guard *guard
	line  []byte // of ReadLine
}

// rawBuffer holds a few hundred lines of MONITOR.
const rawBuffer = 32 << 10

// Raw opens a connection beside the pooled one that speaks protocol 2 or 3. The
// error is a [snapshot.Failure].
func (c *Conn) Raw(ctx context.Context, proto int) (*Raw, error) {
	r, err := openRaw(ctx, c.target, proto, c.guard)
	if err != nil || c.noName.Load() {
		return r, err
	}
	// Not being permitted a name is no reason to fail, nor to ask again.
	ctx, cancel := context.WithTimeout(ctx, ioTimeout)
	defer cancel()
	reply, err := r.ask(ctx, "client", "setname", "apitop")
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	if _, refused := reply.(*ReplyError); refused {
		c.noName.Store(true)
	}
	return r, nil
}

func openRaw(ctx context.Context, t Target, proto int, g *guard) (*Raw, error) {
	conn, err := t.dial(ctx, "", "")
	if err != nil {
		return nil, failure(err)
	}
	if lost, failed := conn.(unreached); failed {
		return nil, lost.why
	}
	m := &meter{from: conn, left: math.MaxInt64}
	r := &Raw{conn: conn, in: bufio.NewReaderSize(m, rawBuffer), meter: m, guard: g}
	ctx, cancel := context.WithTimeout(ctx, ioTimeout)
	defer cancel()
	if err := r.login(ctx, t, proto); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// login says who we are.
func (r *Raw) login(ctx context.Context, t Target, proto int) error {
	user, password, err := t.credentials()
	if err != nil {
		return failure(err)
	}
	var greeting [][]string
	hello := []string{"hello", strconv.Itoa(proto)}
	switch {
	case proto == 3 && password != "":
		greeting = append(greeting, append(hello, "auth", orDefault(user), password))
	case proto == 3:
		greeting = append(greeting, hello)
	case user != "":
		greeting = append(greeting, []string{"auth", user, password})
	case password != "":
		greeting = append(greeting, []string{"auth", password})
	}
	if t.db != 0 {
		greeting = append(greeting, []string{"select", strconv.Itoa(t.db)})
	}
	for _, words := range greeting {
		reply, err := r.ask(ctx, words...)
		if err != nil {
			return err
		}
		if e, refused := reply.(*ReplyError); refused {
			return greetingFailure(e)
		}
	}
	return nil
}

func orDefault(user string) string {
	if user == "" {
		return "default"
	}
	return user
}

func greetingFailure(e *ReplyError) *snapshot.Failure {
	switch f := e.state(); {
	case f != nil:
		return f
	case e.Denied():
		return snapshot.Fail(snapshot.Denied, "the user may not open a connection of this kind", "ACL SETUSER name +hello +auth +select")
	}
	return snapshot.Fail(snapshot.Unsupported, "the server does not know the greeting: "+e.Error(), "")
}

// ask sends one command and waits for its reply.
func (r *Raw) ask(ctx context.Context, words ...string) (any, error) {
	if err := r.Send(ctx, words...); err != nil {
		return nil, err
	}
	return r.ReadReply(ctx)
}

// Send sends one command and does not wait for a reply. The error is a
// [snapshot.Failure]; a command that is not on the list is not sent.
func (r *Raw) Send(ctx context.Context, words ...string) error {
	if name := CommandName(words); !streams(name) && !r.guard.permits(name, words) {
		return refused(name)
	}
	out := fmt.Appendf(nil, "*%d\r\n", len(words))
	words = append([]string{sign(words[0])}, words[1:]...)
	for _, w := range words {
		out = fmt.Appendf(out, "$%d\r\n%s\r\n", len(w), w)
	}
	end := time.Now().Add(ioTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(end) {
		end = d
	}
	_ = r.conn.SetWriteDeadline(end)
	if _, err := r.conn.Write(out); err != nil {
		return failure(err)
	}
	r.guard.sent(CommandName(words))
	return nil
}

// streams tells whether a command turns a connection into a stream.
func streams(name string) bool {
	return slices.Contains([]string{"monitor", "client|tracking", "subscribe", "psubscribe", "unsubscribe", "punsubscribe"}, name)
}

// SetDeadline is when [Raw.ReadLine] gives up; the zero time: never.
func (r *Raw) SetDeadline(t time.Time) { _ = r.conn.SetReadDeadline(t) }

// ReadLine reads up to a line feed and gives the line without its end, at most
// max bytes of it; cut tells that there was more, which is dropped. The slice is
// valid until the next call. The error is a [snapshot.Failure]; what there was of
// the line comes with it.
func (r *Raw) ReadLine(max int) (line []byte, cut bool, err error) {
	r.line = r.line[:0]
	for {
		part, err := r.in.ReadSlice('\n')
		whole := err == nil
		if whole {
			part = part[:len(part)-1]
		}
		room := max - len(r.line)
		cut = cut || len(part) > room+1 || len(part) == room+1 && part[len(part)-1] != '\r'
		r.line = append(r.line, part[:min(len(part), room+1)]...)
		if whole {
			break
		}
		if err != bufio.ErrBufferFull { //nolint:errorlint // ReadSlice gives it as it is
			return r.line[:min(len(r.line), max)], true, failure(err)
		}
	}
	if n := len(r.line); n > 0 && r.line[n-1] == '\r' {
		r.line = r.line[:n-1]
	}
	return r.line[:min(len(r.line), max)], cut, nil
}

// Close ends the connection; a read in flight fails.
func (r *Raw) Close() error {
	if err := r.conn.Close(); err != nil {
		return failure(err)
	}
	return nil
}
