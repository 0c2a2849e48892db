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
	FollowRedirects bool                                  // within the same host
	signer          *signer                               // nil: nothing to sign
}

// Open checks the settings and reads the certificates. It connects to nothing.
// The error is a *[FieldError].
func (s Settings) Open() (Client, error) {
	config, err := s.TLS.Open()
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
		return nil, wrong("proxy_url", "it is no URL: write http://host:port, with "+FixEscapes)
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return http.ProxyURL(u), nil
	}
	return nil, wrong("proxy_url", "it is none of http://, https:// and socks5://")
}

// sign puts credentials and headers into r. It reads files anew, so it fails
// when one of them cannot be read. The error is a [snapshot.Failure].
func (c Client) sign(r *http.Request) error {
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
