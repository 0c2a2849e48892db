package redisconn

import (
	"crypto/tls"
	"net/url"
	"strconv"
	"strings"

	"apitop/collectors/safe"
	"apitop/collectors/web"
)

// options is what an address says beside the login.
type options struct {
	dbs    string // of the path
	addrs  []string
	values map[string]string // unescaped
}

// read takes the query apart. Names that others use for the same are understood:
// addr, sentinel_username (go-redis).
func (o *options) read(query string) error {
	o.values = map[string]string{}
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		value, err := url.PathUnescape(value)
		if err != nil {
			return errEscape
		}
		switch key {
		case "":
			if value != "" {
				return errOption
			}
			continue
		case "addr":
			o.addrs = append(o.addrs, value)
			continue
		case "sentinel_username":
			key = "sentinel_user"
		case "db", "skip_verify", "master_name", "sentinel_user", "sentinel_password", "ca_file", "cert_file", "key_file", "server_name":
		default:
			return errOption
		}
		if _, twice := o.values[key]; twice || value == "" && key != "db" && key != "skip_verify" {
			return errTwice
		}
		o.values[key] = value
	}
	return nil
}

// apply completes t.
func (t *Target) apply(o options) error {
	if err := t.database(strings.TrimSuffix(o.dbs, "/"), o.values); err != nil {
		return err
	}
	port := "6379"
	if t.master = o.values["master_name"]; t.master != "" {
		port = "26379"
	}
	user, password := o.values["sentinel_user"], o.values["sentinel_password"]
	t.sentinel = login{safe.Hide(user), safe.Hide(password)}
	if t.master == "" && user+password != "" || t.master != "" && t.network == "unix" || strings.ContainsFunc(t.master, control) {
		return errSentinel
	}
	for i, a := range o.addrs {
		host, addr, err := address(a, port)
		if err != nil {
			return err
		}
		if i == 0 {
			t.host, t.addr = host, addr
		}
		t.seeds = append(t.seeds, addr)
	}
	return t.encryption(o.values)
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

func (t *Target) database(path string, values map[string]string) error {
	query, both := values["db"]
	dbs := []string{}
	if path != "" {
		dbs = append(dbs, path)
	}
	if both {
		dbs = append(dbs, query)
	}
	for i, s := range dbs {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil || n > 99999 {
			return errDB
		}
		if i > 0 && int(n) != t.db {
			return errTwoDBs
		}
		t.db = int(n)
	}
	return nil
}

// encryption takes the options of rediss.
func (t *Target) encryption(values map[string]string) error {
	if text, given := values["skip_verify"]; given {
		on, err := strconv.ParseBool(text)
		if err != nil || !t.tls {
			return errVerify
		}
		t.trustAny = on
	}
	files := web.TLS{CAFile: values["ca_file"], CertFile: values["cert_file"], KeyFile: values["key_file"], ServerName: values["server_name"]}
	if !t.tls && files.CAFile+files.CertFile+files.KeyFile+files.ServerName != "" {
		return errTLS
	}
	c, err := files.Open()
	if err != nil {
		return errFiles
	}
	t.secure = c
	return nil
}

// WithTLS is t with settings from elsewhere for its certificates; nil: none. They
// replace those of the address and mean nothing without rediss.
func (t Target) WithTLS(c *tls.Config) Target {
	if c != nil {
		t.secure = c
	}
	return t
}

// Encrypted tells whether the address is rediss://.
func (t Target) Encrypted() bool { return t.tls }
