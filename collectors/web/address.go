package web

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Address is where a service answers in HTTP, with its secrets kept apart.
// Printing one shows host and port alone. The zero value is of no use.
type Address struct {
	URL  *url.URL // without user, password and fragment; its query may hold a token
	Dial string   // host:port to connect to, whatever the URL names; empty: the URL's
	// basic puts user and password into a request; nil: the address has none. They
	// live in a function, so that no way of printing shows them.
	basic func(*http.Request)
}

// FixEscapes is what to write in an address for what has a meaning there.
const FixEscapes = "/ ? # @ % in a password as %2F %3F %23 %40 %25"

// ParseAddress reads http://[user:password@]host[:port][/path][?query]. The
// scheme may be left out (http). The error is what is wrong, to stand behind a
// colon. It never holds a piece of the address, nor what the standard library
// says about it: both can hold a password.
func ParseAddress(raw string) (Address, error) {
	raw = strings.TrimSpace(raw)
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	scheme, rest, _ := strings.Cut(raw, "://")
	if scheme = strings.ToLower(scheme); scheme != "http" && scheme != "https" {
		return Address{}, errors.New("it is neither http nor https")
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 && strings.Contains(rest[i:], "@") {
		return Address{}, errors.New("there is an @ behind the host")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return Address{}, parseReason(err)
	}
	if u.Hostname() == "" {
		return Address{}, errors.New("it has no host")
	}
	if p := u.Port(); p != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return Address{}, errors.New("the port is not a number from 1 to 65535")
		}
	}
	a := Address{URL: u}
	if u.User != nil {
		user := u.User.Username()
		password, _ := u.User.Password()
		a.basic = func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	return a, nil
}

// parseReason says in our own words why an address did not parse.
func parseReason(err error) error {
	if _, ok := errors.AsType[url.EscapeError](err); ok {
		return errors.New("a % in it is not followed by two hexadecimal digits")
	}
	if _, ok := errors.AsType[url.InvalidHostError](err); ok {
		return errors.New("the host holds a character that is not allowed")
	}
	return errors.New("it does not read as an address")
}

// HostPort is where a connection goes, when it goes over no proxy.
func (a Address) HostPort() string {
	if a.Dial != "" {
		return a.Dial
	}
	return net.JoinHostPort(a.URL.Hostname(), port(a.URL))
}

// Signs tells whether there are user and password in the address.
func (a Address) Signs() bool { return a.basic != nil }

// String keeps the query, which may hold a token, out of all printing.
func (a Address) String() string { return a.URL.Host }

// GoString keeps it out of %#v.
func (a Address) GoString() string { return a.String() }

// port is the port of u, or its scheme's.
func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}
