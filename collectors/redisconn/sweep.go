package redisconn

import (
	"context"
	"strconv"
	"time"
)

// Verb is what a sweep over the keys of a node may ask.
type Verb uint8

// The verbs. All but AskPage ask about one key.
const (
	AskPage  Verb = iota // SCAN: the next keys
	AskFreq              // OBJECT FREQ
	AskIdle              // OBJECT IDLETIME
	AskTTL               // PTTL
	AskBytes             // MEMORY USAGE
	verbs    = 5
)

// Ask is one question of a sweep.
type Ask struct {
	Verb  Verb
	Key   string // of AskPage the cursor: "0" begins
	Count int    // of AskPage: about how many keys; 0 elsewhere
}

// Page is the answer to AskPage.
type Page struct {
	Cursor string // for the next page; "0": this was the last one
	Keys   []string
	Cut    int // further keys, whose names are longer than LongestName and were dropped
}

// LongestName is how many bytes of a key's name a [Page] keeps.
const LongestName = 1024

// name is the command of a verb; see [CommandName].
func (v Verb) name() string {
	switch v {
	case AskFreq:
		return "object|freq"
	case AskIdle:
		return "object|idletime"
	case AskTTL:
		return "pttl"
	case AskBytes:
		return "memory|usage"
	default:
		return "scan"
	}
}

// words are the command as [Conn.Do] takes it.
func (a Ask) words() []string {
	switch a.Verb {
	case AskFreq:
		return []string{"object", "freq", a.Key}
	case AskIdle:
		return []string{"object", "idletime", a.Key}
	case AskTTL:
		return []string{"pttl", a.Key}
	case AskBytes:
		return []string{"memory", "usage", a.Key}
	default:
		return []string{"scan", a.Key, "count", strconv.Itoa(a.Count)}
	}
}

// append writes the command behind out, as it is sent.
func (a Ask) append(out []byte) []byte {
	switch a.Verb {
	case AskFreq:
		out = append(out, "*3\r\n$6\r\nObject\r\n$4\r\nfreq\r\n"...)
	case AskIdle:
		out = append(out, "*3\r\n$6\r\nObject\r\n$8\r\nidletime\r\n"...)
	case AskTTL:
		out = append(out, "*2\r\n$4\r\nPttl\r\n"...)
	case AskBytes:
		out = append(out, "*3\r\n$6\r\nMemory\r\n$5\r\nusage\r\n"...)
	default:
		out = append(out, "*4\r\n$4\r\nScan\r\n"...)
	}
	out = appendBulk(out, a.Key)
	if a.Verb == AskPage {
		out = appendBulk(append(out, "$5\r\ncount\r\n"...), strconv.Itoa(a.Count))
	}
	return out
}

func appendBulk(out []byte, s string) []byte {
	out = append(out, '$')
	out = strconv.AppendInt(out, int64(len(s)), 10)
	out = append(out, "\r\n"...)
	out = append(out, s...)
	return append(out, "\r\n"...)
}

// sweepLine is the connection of a [Conn] for sweeps: a second one, on which a
// pipeline is one write and its replies are read where they lie. A keyspace has
// millions of keys, and the pooled connection takes as long for each reply as the
// server does. Who has the Conn's turn may use it; its raw is under the mutex of
// the Conn, since Close may come any time.
type sweepLine struct {
	raw    *Raw
	closed bool
	again  time.Time // no sooner is it opened
	out    []byte
}

// sweepAgain is how long a server is not asked for a second connection again that
// gave none.
const sweepAgain = 10 * time.Second

// Sweep sends asks in one pipeline and fills replies, one for each: an int64, nil,
// a [Page] or a *[ReplyError]. It shares the turn with [Conn.Do], and all of it is
// counted alike. Not done, without an error, means that there is no second
// connection to be had, and that Do may be tried. The error is a
// [snapshot.Failure].
func (c *Conn) Sweep(ctx context.Context, asks []Ask, replies []any) (done bool, err error) {
	ctx, cancel := c.leash(ctx)
	defer cancel()
	release, err := c.wait(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	r, fresh := c.openSweep(ctx)
	if r == nil {
		return false, nil
	}
	s := sweep{conn: c, raw: r}
	if err = s.exchange(ctx, asks, replies); err == nil {
		c.lost.Store(false)
		return true, nil
	}
	c.closeSweep(false)
	if !fresh && !s.answered && ctx.Err() == nil && time.Now().Before(s.end) {
		return false, nil // closed while it was idle
	}
	c.lost.Store(true)
	return false, failure(err)
}

// openSweep gives the connection; nil when there is none.
func (c *Conn) openSweep(ctx context.Context) (r *Raw, fresh bool) {
	c.mu.Lock()
	r, wait := c.line.raw, c.line.closed || time.Now().Before(c.line.again)
	c.mu.Unlock()
	if r != nil || wait {
		return r, false
	}
	r, err := c.Raw(ctx, 2)
	if err == nil && !c.sameServer(ctx, r) {
		_ = r.Close()
		r = nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || r == nil || c.line.closed {
		c.line.again = time.Now().Add(sweepAgain)
		if err == nil && r != nil {
			_ = r.Close()
		}
		return nil, false
	}
	c.line.raw = r
	return r, true
}

// closeSweep ends the connection, for good or until the next sweep.
func (c *Conn) closeSweep(forGood bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.line.raw != nil {
		_ = c.line.raw.Close()
		c.line.raw = nil
	}
	c.line.closed = c.line.closed || forGood
}

// sameServer tells whether r leads where the pooled connection does: behind a
// balancer it may be another server, with other keys and figures.
func (c *Conn) sameServer(ctx context.Context, r *Raw) bool {
	known := c.gate.serverSeen()
	if _, refused := c.gate.refusal("info"); refused || known == "" {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, ioTimeout)
	defer cancel()
	reply, err := r.ask(ctx, "info", "server")
	if err != nil {
		return false
	}
	text, _ := reply.(string)
	id := field(text, "run_id")
	return id == "" || id == known
}
