package web

import (
	"crypto/tls"
	"net/http"
	"net/url"

	"apitop/collectors/snapshot"
)

// Client is what a client makes of Settings. It is safe for concurrent use, and
// printing one shows no secret. The zero value asks as nobody.
type Client struct {
	TLS             *tls.Config                           // nil: the system's authorities
	Proxy           func(*http.Request) (*url.URL, error) // nil: none
	FollowRedirects bool                                  // within the same host: see Next
	Dial            string                                // host:port to connect to, whatever the URL names; empty: the URL's
	signer          *signer                               // nil: nothing to sign
}

// Open checks the settings and reads the certificates. It connects to nothing.
// The error is a *[FieldError].
func (s Settings) Open() (Client, error) {
	config, err := s.TLS.open()
	if err != nil {
		return Client{}, err
	}
	proxy, err := s.proxy()
	if err != nil {
		return Client{}, err
	}
	sign, err := s.signer()
	if err != nil {
		return Client{}, err
	}
	return Client{TLS: config, Proxy: proxy, FollowRedirects: s.FollowRedirects, signer: sign}, nil
}

// proxy is the proxy function; nil when there is none.
func (s Settings) proxy() (func(*http.Request) (*url.URL, error), error) {
	raw := s.ProxyURL.Reveal()
	switch {
	case raw == "" && s.ProxyFromEnvironment:
		return http.ProxyFromEnvironment, nil
	case raw == "":
		return nil, nil
	case s.ProxyFromEnvironment:
		return nil, wrong("proxy_from_environment", "give either it or proxy_url")
	}
	u, err := url.Parse(raw) // its error holds the URL and is not shown
	if err != nil || u.Hostname() == "" {
		return nil, wrong("proxy_url", "it is no URL: write http://host:port, with / ? # @ % in a password as %2F %3F %23 %40 %25")
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return http.ProxyURL(u), nil
	}
	return nil, wrong("proxy_url", "it is none of http://, https:// and socks5://")
}

// Sign puts credentials and headers into r. It reads files anew, so it fails
// when one of them cannot be read. The error is a [snapshot.Failure].
func (c Client) Sign(r *http.Request) error {
	if c.signer == nil {
		return nil
	}
	if err := c.signer.sign(r); err != nil {
		return snapshot.Fail(snapshot.Denied, err.Error(), fixFile)
	}
	return nil
}

// Signs tells whether requests carry credentials.
func (c Client) Signs() bool { return c.signer != nil && c.signer.authorized() }

// Notes warns of files with secrets that other users may read; it knows those
// that Sign has read.
func (c Client) Notes() []snapshot.Note {
	if c.signer == nil {
		return nil
	}
	return c.signer.notes()
}

// MaxRedirects is how many redirects are followed at most.
const MaxRedirects = 5

// Next is the address that an answer redirects to, when it may be followed: to
// the same host and port, or from http to https on the same host. Credentials
// go where requests go, so no other host is ever asked.
func (c Client) Next(resp *http.Response, from *url.URL) (to *url.URL, ok bool) {
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

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}
