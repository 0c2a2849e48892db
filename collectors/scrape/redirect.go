package scrape

import (
	"io"
	"net/http"
	"net/url"

	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

// maxRedirectBody is how much of a redirect's body is read, so that the
// connection can be used for what follows.
const maxRedirectBody = 4 << 10

// send signs the request, sends it over l and follows redirects where the
// settings allow it. The answer is a redirect when it may not be followed.
func (c *Collector) send(req *http.Request, l *link) (*http.Response, error) {
	for hops := 0; ; hops++ {
		if c.target.sign != nil {
			c.target.sign(req)
		}
		if err := c.web.Sign(req); err != nil {
			return nil, err
		}
		resp, err := l.transport.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		to, ok := c.web.Next(resp, req.URL)
		if !ok || hops == web.MaxRedirects {
			return resp, nil
		}
		_, _ = io.CopyN(io.Discard, resp.Body, maxRedirectBody) // what is left ends with the connection
		_ = resp.Body.Close()
		req = req.Clone(req.Context())
		req.URL, req.Host = to, ""
	}
}

// redirected names only the host of the other address: the rest may be secret.
func (c *Collector) redirected(resp *http.Response, status string) error {
	to := "an unreadable address"
	if u, err := url.Parse(resp.Header.Get("Location")); err == nil {
		to = resp.Request.URL.ResolveReference(u).Host
	}
	fix := "redirects are not followed: give the final address"
	if _, ok := c.web.Next(resp, resp.Request.URL); ok {
		fix = "give the final address: redirects seem to go round in a circle"
	} else if c.web.FollowRedirects {
		fix = "redirects are followed within one host only: give the final address"
	}
	return snapshot.Fail(snapshot.Unsupported, c.target.name+" answers "+status+" -> "+to, fix)
}
