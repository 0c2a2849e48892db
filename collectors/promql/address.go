package promql

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"apitop/collectors/snapshot"
)

// address is where a server's API is, with its secrets kept apart.
type address struct {
	name string   // for people: host:port, and the prefix
	base *url.URL // without user, password and query
	// sign puts user and password into a request, and asks gives the URL's query.
	// They are functions, so that no way of printing an address shows secrets.
	sign func(*http.Request) // nil: nobody
	asks func() url.Values
}

// String keeps the secrets of an address out of all printing.
func (a address) String() string { return a.name }

// hostPort is where a connection goes.
func (a address) hostPort() string {
	port := a.base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[a.base.Scheme]
	}
	return net.JoinHostPort(a.base.Hostname(), port)
}

const fixURL = "write it as http://host:9090, with the prefix behind it where there is one, and / ? # @ % in a password as %2F %3F %23 %40 %25"

// badURL is an error about an address. It never holds a piece of the address,
// nor what the standard library says about it: both can hold a password.
func badURL(why string) error {
	return snapshot.Fail(snapshot.Unsupported, "the address of the Prometheus server cannot be used: "+why, fixURL)
}

// parseAddress reads the address of a server. The scheme may be left out (http),
// and the path of the API may be there.
func parseAddress(raw string) (address, error) {
	raw = strings.TrimSpace(raw)
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	scheme, rest, _ := strings.Cut(raw, "://")
	if scheme = strings.ToLower(scheme); scheme != "http" && scheme != "https" {
		return address{}, badURL("it is neither http nor https")
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 && strings.Contains(rest[i:], "@") {
		return address{}, badURL("there is an @ behind the host")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return address{}, badURL(parseReason(err))
	}
	if u.Hostname() == "" {
		return address{}, badURL("it has no host")
	}
	if p := u.Port(); p != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return address{}, badURL("the port is not a number from 1 to 65535")
		}
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return address{}, badURL("its query does not read as one")
	}
	a := address{base: u, asks: func() url.Values { return query }}
	if u.User != nil {
		user := u.User.Username()
		password, _ := u.User.Password()
		a.sign = func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	prefix, _, _ := strings.Cut(strings.TrimRight(u.EscapedPath(), "/")+"/", "/api/v1/")
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment, u.RawPath, u.Path = nil, "", false, "", "", "", "/"
	u = u.JoinPath(strings.TrimRight(prefix, "/"))
	a.base, a.name = u, u.Host+strings.TrimRight(u.EscapedPath(), "/")
	return a, nil
}

// parseReason says in our own words why an address did not parse.
func parseReason(err error) string {
	if _, ok := errors.AsType[url.EscapeError](err); ok {
		return "a % in it is not followed by two hexadecimal digits"
	}
	if _, ok := errors.AsType[url.InvalidHostError](err); ok {
		return "the host holds a character that is not allowed"
	}
	return "it does not read as an address"
}
