package scrape

import (
	"apitop/collectors/snapshot"
	"apitop/collectors/web"
)

// target is a metrics address.
type target struct {
	web.Address
	name string // for people: host:port, and the path when it is not /metrics
}

// String is what people call the target.
func (t target) String() string { return t.name }

const fixURL = "write it as http://host:port/metrics, with " + web.FixEscapes

// parseTarget reads a metrics address, whose path may be left out (/metrics).
// The error holds nothing of it.
func parseTarget(raw string) (target, error) {
	a, err := web.ParseAddress(raw)
	if err != nil {
		return target{}, snapshot.Fail(snapshot.Unsupported, "the metrics address cannot be used: "+err.Error(), fixURL)
	}
	if a.URL.Path == "" || a.URL.Path == "/" {
		a.URL.Path = "/metrics"
	}
	t := target{Address: a, name: a.URL.Host}
	if a.URL.Path != "/metrics" {
		t.name += a.URL.Path
	}
	return t, nil
}
