package scrape

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

const fixSlow = "see whether the service is overloaded, or raise the interval"

// explain says why no HTTP answer came. What the standard library says is used
// to tell the cases apart and never shown: it can hold the URL.
func (c *Collector) explain(ctx context.Context, u *unanswered) error {
	err, took := u.err, u.took
	if f, ok := errors.AsType[*snapshot.Failure](err); ok {
		return f // made before the request was sent
	}
	first, open := u.link.first.take()
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("scrape %s: %w", c.target.name, ctx.Err())
	case web.TimedOut(ctx, err) && !open:
		return c.unreachable(fmt.Sprintf("no connection to %s within %s", c.target.HostPort(), shortly(took)),
			web.FixFiltered)
	case web.TimedOut(ctx, err):
		return c.unreachable(fmt.Sprintf("%s did not answer within %s", c.target.name, shortly(took)), fixSlow)
	}
	if f := c.web.NotConnected(err, c.target.Address); f != nil {
		return f
	}
	if f := c.speaks(first); f != nil {
		return f
	}
	if f := web.NotSecured(err, c.target.name); f != nil {
		return f
	}
	if strings.Contains(err.Error(), "response headers exceeded") { // no sentinel error exists
		return snapshot.Fail(snapshot.Unsupported,
			c.target.name+" sends more than "+size(maxHeaderBytes)+" of headers", fixPage)
	}
	if len(first) == 0 {
		return c.silent(ctx, err)
	}
	return snapshot.Fail(snapshot.Unsupported, c.target.name+" does not answer in HTTP", fixPage)
}

func (c *Collector) unreachable(what, fix string) *snapshot.Failure {
	return snapshot.Fail(snapshot.Unreachable, what, fix)
}

// shortly shortens a duration for people.
func shortly(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}

// silent explains a connection that was closed without a byte. Redis and Postgres
// do that to HTTP, so it is asked once in their words.
func (c *Collector) silent(ctx context.Context, err error) error {
	closed := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE)
	if closed && !c.proxied {
		if c.probe(ctx); c.foreigner != nil {
			return c.foreigner
		}
	}
	if closed {
		return c.unreachable(c.target.name+" closed the connection without an answer", fixPage)
	}
	return c.unreachable(c.target.name+" gave no answer", fixPage)
}
