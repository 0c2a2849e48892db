package web

import (
	"io"
	"net/http"
	"net/url"

	"apitop/collectors/snapshot"
)

const (
	maxRedirects = 5
	// maxRedirectBody is how much of a redirect's body is read, so that its
	// connection can be used for what follows.
	maxRedirectBody = 4 << 10
)

// Send signs req as the address and the settings say, sends it over t and follows
// redirects where the settings allow it. The answer is a redirect when it may not
// be followed. It needs no http.Client, which would follow redirects to anywhere
// and fail on a bad one before it is seen.
func (c Client) Send(req *http.Request, a Address, t http.RoundTripper) (*http.Response, error) {
	for hops := 0; ; hops++ {
		if a.basic != nil {
			a.basic(req)
		}
		if err := c.sign(req); err != nil {
			return nil, err
		}
		resp, err := t.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		to, ok := c.next(resp, req.URL)
		if !ok || hops == maxRedirects {
			return resp, nil
		}
		Discard(resp)
		body := req.GetBody
		req = req.Clone(req.Context())
		req.URL, req.Host = to, ""
		if body == nil {
			continue
		}
		if req.Body, err = body(); err != nil {
			return nil, err
		}
	}
}

// Discard ends an answer that nobody reads, so that its connection serves again.
func Discard(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, maxRedirectBody) // what is left ends with the connection
	_ = resp.Body.Close()
}

// next is the address that an answer redirects to, when it may be followed: to
// the same host and port, or from http to https on the same host. Credentials
// go where requests go, so no other host is ever asked.
func (c Client) next(resp *http.Response, from *url.URL) (to *url.URL, ok bool) {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, false
	}
	location, err := url.Parse(resp.Header.Get("Location"))
	if !c.FollowRedirects || err != nil || resp.Header.Get("Location") == "" {
		return nil, false
	}
	to = from.ResolveReference(location)
	to.User, to.Fragment, to.RawFragment = nil, "", ""
	same := to.Scheme == from.Scheme && port(to) == port(from)
	upgrade := from.Scheme == "http" && to.Scheme == "https"
	return to, to.Hostname() == from.Hostname() && (same || upgrade)
}

// Redirected explains an answer of [Client.Send] that is a redirect; what is who
// answers how. It names only the host of the other address: the rest may be
// secret.
func (c Client) Redirected(resp *http.Response, what string) error {
	to := "an unreadable address"
	if u, err := url.Parse(resp.Header.Get("Location")); err == nil {
		to = resp.Request.URL.ResolveReference(u).Host
	}
	fix := "redirects are not followed: give the final address"
	if _, ok := c.next(resp, resp.Request.URL); ok {
		fix = "give the final address: redirects seem to go round in a circle"
	} else if c.FollowRedirects {
		fix = "redirects are followed within one host only: give the final address"
	}
	return snapshot.Fail(snapshot.Unsupported, what+" -> "+to, fix)
}
