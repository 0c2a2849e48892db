package promql

import (
	"net/url"
	"strings"

	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

// address is where a server's API is. The path of its URL is the prefix.
type address struct {
	web.Address
	name string // for people: host:port, and the prefix
	// asks gives the URL's query, as a function, so that no way of printing an
	// address shows it.
	asks func() url.Values
}

// String is what people call the server.
func (a address) String() string { return a.name }

const fixURL = "write it as http://host:9090, with the prefix behind it where there is one, and " + web.FixEscapes

// parseAddress reads the address of a server, whose path may be that of the API.
// The error holds nothing of it.
func parseAddress(raw string) (address, error) {
	bad := func(why string) (address, error) {
		return address{}, snapshot.Fail(snapshot.Unsupported, "the address of the Prometheus server cannot be used: "+why, fixURL)
	}
	a, err := web.ParseAddress(raw)
	if err != nil {
		return bad(err.Error())
	}
	u := a.URL
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return bad("its query does not read as one")
	}
	prefix, _, _ := strings.Cut(strings.TrimRight(u.EscapedPath(), "/")+"/", "/api/v1/")
	u.RawQuery, u.ForceQuery, u.RawPath, u.Path = "", false, "", "/"
	a.URL = u.JoinPath(strings.TrimRight(prefix, "/"))
	return address{
		Address: a, name: a.URL.Host + strings.TrimRight(a.URL.EscapedPath(), "/"),
		asks: func() url.Values { return query },
	}, nil
}
