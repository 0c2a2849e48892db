package redisconn

import (
	"crypto/tls"
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
	seeds    []string            // all host:port that were given, addr first; empty for a socket
	user     safe.Secret[string] // some put a token here
	password safe.Secret[string]
	ask      func() (string, error) // for the password, at each login; nil: it is password
	db       int
	tls      bool
	trustAny bool        // skip_verify: any certificate is good
	secure   *tls.Config // nil: the system's authorities, no certificate of our own
	master   string      // the addresses are sentinels, and this is the name of the master
	sentinel login       // at the sentinels
	fallback string      // host:port to try when the host of addr is not known here
}

// login is who we are at the sentinels, which have users of their own.
type login struct{ user, password safe.Secret[string] }

// What can be wrong with an address. The texts are fixed: an address may hold a
// password anywhere, so nothing of it is ever repeated.
var (
	errScheme   = errors.New("redis address: want redis://host:port, rediss://host:port or unix:///path")
	errControl  = errors.New("redis address: it holds a space or a control character: write it as %20 or the like")
	errEscape   = errors.New("redis address: bad percent escape: write % as %25")
	errHost     = errors.New("redis address: bad host: want a name, an IPv4 address or [an IPv6 address]; write @ / ? # in a password as %40 %2F %3F %23")
	errNoHost   = errors.New("redis address: no host after the @")
	errTooMany  = errors.New("redis address: more than 64 addresses: some nodes of a cluster are enough")
	errMixed    = errors.New("redis address: several addresses must agree in scheme, user, password and options: give those at the first alone")
	errPort     = errors.New("redis address: bad port: want a number from 1 to 65535")
	errDB       = errors.New("redis address: bad database: want a number from 0 to 99999, as /0 or ?db=0")
	errTwoDBs   = errors.New("redis address: two different databases: give /N or ?db=N")
	errOption   = errors.New("redis address: unknown option: allowed are db, addr, master_name, sentinel_user, sentinel_password and, with rediss, ca_file, cert_file, key_file, server_name, skip_verify")
	errTwice    = errors.New("redis address: an option is given twice or is empty")
	errSentinel = errors.New("redis address: sentinel_user and sentinel_password need master_name, which needs redis:// or rediss://")
	errVerify   = errors.New("redis address: bad skip_verify: want true or false, with rediss:// only")
	errTLS      = errors.New("redis address: ca_file, cert_file, key_file and server_name need rediss://")
	errFiles    = errors.New("redis address: ca_file, cert_file or key_file cannot be read, is not PEM, or certificate and key do not belong together")
	errPath     = errors.New("redis address: bad socket path: want unix:///path of at most 107 bytes")
)

// Parse reads an address: redis://[[user]:password@]host[:port][,host[:port]…][/db],
// the same with rediss:// for TLS, or unix://[[user]:password@]/path, each with
// ?db=N. A missing host is localhost, a missing port 6379. Several addresses, also
// as several arguments or as ?addr=host:port, are nodes of one cluster; with
// ?master_name=NAME they are sentinels (port 26379), asked as sentinel_user and
// sentinel_password. rediss takes ca_file, cert_file, key_file, server_name and
// skip_verify=true. Without a colon what stands before the @ is the password, as
// in redis-cli; the last @ ends it, so that a password may hold one. Errors have
// fixed texts and repeat nothing of the address. Files are read at once, and a
// certificate again at each handshake.
func Parse(rawURL string, more ...string) (Target, error) {
	t, err := parseOne(rawURL)
	if err != nil {
		return Target{}, err
	}
	for _, u := range more {
		other, err := parseOne(u)
		if err != nil {
			return Target{}, err
		}
		if !t.agrees(other) {
			return Target{}, errMixed
		}
		t.seeds = append(t.seeds, other.seeds...)
	}
	if len(t.seeds) > mostNodes {
		return Target{}, errTooMany
	}
	return t, nil
}

// agrees tells whether other adds nothing to t but addresses.
func (t Target) agrees(other Target) bool {
	plain := other.user.Reveal() == "" && other.password.Reveal() == "" && other.db == 0 && other.master == ""
	same := other.user.Reveal() == t.user.Reveal() && other.password.Reveal() == t.password.Reveal() && other.db == t.db && other.master == t.master
	return t.network == "tcp" && other.network == "tcp" && t.tls == other.tls && (plain || same)
}

func parseOne(rawURL string) (Target, error) {
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
	hosts, path, _ := strings.Cut(rest, "/")
	if hosts == "" && at >= 0 {
		return Target{}, errNoHost
	}
	o := options{dbs: path, addrs: strings.Split(hosts, ",")}
	if err := o.read(query); err != nil {
		return Target{}, err
	}
	if err := t.apply(o); err != nil {
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
	var o options
	if err := o.read(query); err != nil {
		return Target{}, err
	}
	if len(o.addrs) > 0 {
		return Target{}, errOption
	}
	if err := t.apply(o); err != nil {
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
func address(s, port string) (host, hostport string, err error) {
	host = s
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
		host, port = s[:i], s[i+1:]
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", "", errPort
	}
	switch {
	case host == "":
		host = "localhost"
	case host[0] == '[':
		inner, closed := strings.CutSuffix(host[1:], "]")
		if ip, err := netip.ParseAddr(inner); err != nil || !ip.Is6() || !closed {
			return "", "", errHost
		}
		host = inner
	case strings.Trim(host, hostChars) != "":
		return "", "", errHost
	}
	return host, net.JoinHostPort(host, port), nil
}

// hostChars may stand in a host name. Names in other scripts need punycode.
const hostChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

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
// "127.0.0.1:6379/2" for another database than 0, "unix /run/redis.sock",
// "10.0.0.1:7000 +2" for three addresses, "mymaster by 10.0.0.1:26379 +2" for
// three sentinels.
func (t Target) Name() safe.Text {
	name := t.addr
	if t.network == "unix" {
		name = "unix " + name
	}
	if n := len(t.seeds); n > 1 {
		name += " +" + strconv.Itoa(n-1)
	}
	if t.master != "" {
		name = t.master + " by " + name
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
