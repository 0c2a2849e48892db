package redisconn

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"apitop/collectors/safe"
)

// Target says where a Redis server is and how to log in. The zero value is not
// usable; [Parse] makes one. Printing, logging or encoding a Target shows its
// name and never the user or the password.
type Target struct {
	network  string              // "tcp" or "unix"
	addr     string              // host:port, or the socket's path
	host     string              // without brackets, for the certificate check
	user     safe.Secret[string] // some put a token here
	password safe.Secret[string]
	ask      func() (string, error) // for the password, at each login; nil: it is password
	db       int
	tls      bool
	trustAny bool // skip_verify: any certificate is good
}

// What can be wrong with an address. The texts are fixed: an address may hold a
// password anywhere, so nothing of it is ever repeated.
var (
	errScheme   = errors.New("redis address: want redis://host:port, rediss://host:port or unix:///path")
	errControl  = errors.New("redis address: it holds a space or a control character: write it as %20 or the like")
	errEscape   = errors.New("redis address: bad percent escape in user or password: write % as %25")
	errHost     = errors.New("redis address: bad host: want a name, an IPv4 address or [an IPv6 address]; write @ / ? # in a password as %40 %2F %3F %23")
	errNoHost   = errors.New("redis address: no host after the @")
	errMany     = errors.New("redis address: several addresses: give one node")
	errPort     = errors.New("redis address: bad port: want a number from 1 to 65535")
	errDB       = errors.New("redis address: bad database: want a number from 0 to 99999, as /0 or ?db=0")
	errTwoDBs   = errors.New("redis address: two different databases: give /N or ?db=N")
	errOption   = errors.New("redis address: unknown option: allowed are db and, with rediss, skip_verify")
	errSentinel = errors.New("redis address: master_name: sentinels are not asked: give the address of the server itself")
	errVerify   = errors.New("redis address: bad skip_verify: want true or false, with rediss:// only")
	errPath     = errors.New("redis address: bad socket path: want unix:///path of at most 107 bytes")
)

// Parse reads an address: redis://[[user]:password@]host[:port][/db], the same
// with rediss:// for TLS, or unix://[[user]:password@]/path, each with ?db=N;
// rediss also takes ?skip_verify=true. A missing host is localhost, a missing
// port 6379. Without a colon what stands before the @ is the password, as in
// redis-cli; the last @ ends it, so that a password may hold one. Errors have
// fixed texts and repeat nothing of the address.
func Parse(rawURL string) (Target, error) {
	rawURL = strings.TrimSpace(rawURL)
	scheme, rest, ok := strings.Cut(rawURL, "://")
	if !ok {
		return Target{}, errScheme
	}
	if strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return Target{}, errControl
	}
	switch strings.ToLower(scheme) {
	case "redis":
		return parseTCP(rest, false)
	case "rediss":
		return parseTCP(rest, true)
	case "unix":
		return parseUnix(rest)
	default:
		return Target{}, errScheme
	}
}

func parseTCP(rest string, useTLS bool) (Target, error) {
	t := Target{network: "tcp", tls: useTLS}
	at := strings.LastIndexByte(rest, '@')
	if err := t.login(rest[:max(at, 0)]); err != nil {
		return Target{}, err
	}
	rest, query, _ := strings.Cut(rest[at+1:], "?")
	hostport, path, _ := strings.Cut(rest, "/")
	if hostport == "" && at >= 0 {
		return Target{}, errNoHost
	}
	if err := t.address(hostport); err != nil {
		return Target{}, err
	}
	if err := t.options(strings.TrimSuffix(path, "/"), query); err != nil {
		return Target{}, err
	}
	return t, nil
}

func parseUnix(rest string) (Target, error) {
	t := Target{network: "unix"}
	if !strings.HasPrefix(rest, "/") { // a login comes first
		at := strings.LastIndex(rest, "@/")
		if at < 0 {
			return Target{}, errPath
		}
		if err := t.login(rest[:at]); err != nil {
			return Target{}, err
		}
		rest = rest[at+1:]
	}
	path, query, _ := strings.Cut(rest, "?")
	path, err := url.PathUnescape(path)
	if err != nil || len(path) < 2 || len(path) > 107 { // sun_path and its final zero
		return Target{}, errPath
	}
	t.addr = path
	if err := t.options("", query); err != nil {
		return Target{}, err
	}
	return t, nil
}

// login takes "user:password" or "password".
func (t *Target) login(s string) error {
	user, password, both := strings.Cut(s, ":")
	if !both {
		user, password = "", s
	}
	user, err := url.PathUnescape(user)
	if err != nil {
		return errEscape
	}
	if password, err = url.PathUnescape(password); err != nil {
		return errEscape
	}
	t.user, t.password = safe.Hide(user), safe.Hide(password)
	return nil
}

// address takes "host", "host:port", "[v6]", "[v6]:port" or nothing.
func (t *Target) address(s string) error {
	if strings.ContainsRune(s, ',') {
		return errMany
	}
	host, port := s, "6379"
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
		host, port = s[:i], s[i+1:]
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return errPort
	}
	switch {
	case host == "":
		host = "localhost"
	case host[0] == '[':
		inner, closed := strings.CutSuffix(host[1:], "]")
		if ip, err := netip.ParseAddr(inner); err != nil || !ip.Is6() || !closed {
			return errHost
		}
		host = inner
	case strings.Trim(host, hostChars) != "":
		return errHost
	}
	t.host, t.addr = host, net.JoinHostPort(host, port)
	return nil
}

// hostChars may stand in a host name. Names in other scripts need punycode.
const hostChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

// options takes the path's database and the query.
func (t *Target) options(path, query string) error {
	dbs := []string{}
	if path != "" {
		dbs = append(dbs, path)
	}
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "":
			if value != "" {
				return errOption
			}
		case "db":
			dbs = append(dbs, value)
		case "skip_verify":
			on, err := strconv.ParseBool(value)
			if err != nil || !t.tls {
				return errVerify
			}
			t.trustAny = on
		case "master_name":
			return errSentinel
		default:
			return errOption
		}
	}
	return t.database(dbs)
}

func (t *Target) database(dbs []string) error {
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

// WithPassword is t with a password from elsewhere: read is called at each
// login, so that a new one is found.
func (t Target) WithPassword(read func() (string, error)) Target {
	t.ask = read
	return t
}

// HasPassword tells whether the address holds a password.
func (t Target) HasPassword() bool { return t.password.Reveal() != "" }

// credentials are what to log in with.
func (t Target) credentials() (user, password string, err error) {
	if t.ask == nil {
		return t.user.Reveal(), t.password.Reveal(), nil
	}
	password, err = t.ask()
	return t.user.Reveal(), password, err
}

// Name is the address for people, without user and password: "127.0.0.1:6379",
// "127.0.0.1:6379/2" for another database than 0, "unix /run/redis.sock".
func (t Target) Name() safe.Text {
	name := t.addr
	if t.network == "unix" {
		name = "unix " + name
	}
	if t.db != 0 {
		name += "/" + strconv.Itoa(t.db)
	}
	return safe.New(name)
}

// String is [Target.Name].
func (t Target) String() string { return t.Name().String() }

// GoString is [Target.Name], for %#v.
func (t Target) GoString() string { return t.String() }

// Format writes [Target.Name] whatever the verb.
func (t Target) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// MarshalJSON writes [Target.Name].
func (t Target) MarshalJSON() ([]byte, error) { return json.Marshal(t.String()) }

// LogValue is [Target.Name].
func (t Target) LogValue() slog.Value { return slog.StringValue(t.String()) }
