package scrape

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"apitop/collectors/snapshot"
)

// target is a metrics address, with its secrets kept apart.
type target struct {
	name string   // for people: host:port, and the path when it is not /metrics
	url  *url.URL // without user and password
	dial string   // host:port to connect to; empty: the URL's
	// sign puts user and password into a request; nil: there are none. They live
	// in a function, so that no way of printing a target shows them.
	sign func(*http.Request)
}

// hostPort is where a connection goes.
func (t target) hostPort() string {
	if t.dial != "" {
		return t.dial
	}
	port := t.url.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[t.url.Scheme]
	}
	return net.JoinHostPort(t.url.Hostname(), port)
}

// String keeps the query, which may hold a token, out of all printing.
func (t target) String() string { return t.name }

const fixURL = "write it as http://host:port/metrics, with / ? # @ % in a password as %2F %3F %23 %40 %25"

// badURL is an error about an address. It never holds a piece of the address,
// nor what the standard library says about it: both can hold a password.
func badURL(why string) error {
	return snapshot.Fail(snapshot.Unsupported, "the metrics address cannot be used: "+why, fixURL)
}

// parseTarget reads a metrics address. The scheme may be left out (http), and
// the path (/metrics).
func parseTarget(raw string) (target, error) {
	raw = strings.TrimSpace(raw)
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	scheme, rest, _ := strings.Cut(raw, "://")
	if scheme = strings.ToLower(scheme); scheme != "http" && scheme != "https" {
		return target{}, badURL("it is neither http nor https")
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 && strings.Contains(rest[i:], "@") {
		return target{}, badURL("there is an @ behind the host")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return target{}, badURL(parseReason(err))
	}
	if u.Hostname() == "" {
		return target{}, badURL("it has no host")
	}
	if p := u.Port(); p != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return target{}, badURL("the port is not a number from 1 to 65535")
		}
	}
	t := target{url: u}
	if u.User != nil {
		user := u.User.Username()
		password, _ := u.User.Password()
		t.sign = func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	if u.Path == "" || u.Path == "/" {
		u.Path = "/metrics"
	}
	t.name = u.Host
	if u.Path != "/metrics" {
		t.name += u.Path
	}
	return t, nil
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
