package scrape

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

// link is one connection to the service, made anew when it broke.
type link struct {
	transport *http.Transport
	first     *firstBytes
}

// open makes a link; it connects with its first request.
func (c *Collector) open() *link {
	l := &link{first: &firstBytes{}}
	l.transport = c.newTransport(l.first)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.links[l] = true
	return l
}

// drop closes a link for good.
func (c *Collector) drop(l *link) {
	if l == nil {
		return
	}
	l.transport.CloseIdleConnections()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.links, l)
}

// reply is what one request brought.
type reply struct {
	*snapshot.HTTP
	marks  *marks // nil: not looked at
	notes  []snapshot.Note
	fresh  bool      // over a new connection: whoever listens there answered
	closes bool      // the server does not keep the connection
	date   time.Time // when it was sent, by the server's clock where it says that
}

// fetch reads the page over l into r. The error may be *[unanswered].
func (c *Collector) fetch(ctx context.Context, l *link, r *Reader) (reply, error) {
	began, before := time.Now(), l.first.made()
	resp, err := c.get(ctx, l)
	if err != nil {
		return reply{}, &unanswered{link: l, err: err, took: time.Since(began)}
	}
	defer resp.Body.Close()
	p := reply{fresh: l.first.made() != before, closes: resp.Close, date: time.Now()}
	at := p.date
	if sent, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		p.date = sent
	}
	if resp.StatusCode != http.StatusOK {
		return reply{}, c.refused(resp)
	}
	if limit := r.limits.BodyBytes; resp.ContentLength > limit {
		return reply{}, tooLong(limit)
	}
	p.HTTP, err = r.read(resp.Body, resp.Header.Get("Content-Type"),
		strings.Join(resp.Header.Values("Content-Encoding"), ", "))
	if p.HTTP == nil {
		return reply{}, c.broken(ctx, err, broke{size(r.src.total), time.Since(began)})
	}
	p.At, p.Instance, p.notes = at, p.Target, r.notes
	return p, err
}

// look is fetch with the marks of the page.
func (c *Collector) look(ctx context.Context, l *link, r *Reader) (reply, error) {
	p, err := c.fetch(ctx, l, r)
	if p.HTTP != nil {
		p.marks = marksOf(r, p.HTTP)
	}
	return p, err
}

// unanswered is a request without an answer, to be explained by one goroutine.
type unanswered struct {
	link *link
	err  error
	took time.Duration
}

// Error implements error. It is for nobody to read: what the standard library
// says can hold the address.
func (u *unanswered) Error() string { return "no answer" }

// explained is err for people.
func (c *Collector) explained(ctx context.Context, err error) error {
	if u, ok := errors.AsType[*unanswered](err); ok {
		return c.explain(ctx, u)
	}
	return err
}

// broke is how far a page came, and how long that took.
type broke struct {
	came string
	took time.Duration
}

// broken explains a page that did not arrive or could not be read.
func (c *Collector) broken(ctx context.Context, err error, b broke) error {
	if f, ok := errors.AsType[*snapshot.Failure](err); ok {
		return f
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("scrape %s: %w", c.target.name, ctx.Err())
	case web.TimedOut(ctx, err):
		return snapshot.Fail(snapshot.Unreachable,
			fmt.Sprintf("the page did not arrive within %s (%s came)", shortly(b.took), b.came), fixSlow)
	}
	return snapshot.Fail(snapshot.Unreachable, "the page broke off after "+b.came,
		"see whether the service restarts or a proxy cuts its answers")
}
