package pgstat

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Target is a server to watch. Printing one in any way gives its name only.
type Target struct {
	name   safe.Text
	secret safe.Secret[*pgx.ConnConfig]
}

// Name is "host:port/database" or "unix directory/database"; several hosts are
// joined by commas. It holds no secret.
func (t Target) Name() safe.Text { return t.name }

// String implements fmt.Stringer.
func (t Target) String() string { return t.name.String() }

// GoString implements fmt.GoStringer.
func (t Target) GoString() string { return t.String() }

// Format implements fmt.Formatter.
func (t Target) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(t.String())) }

// MarshalJSON implements json.Marshaler.
func (t Target) MarshalJSON() ([]byte, error) { return t.name.MarshalJSON() }

// LogValue implements slog.LogValuer.
func (t Target) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Parse reads a DSN: a URL (postgres://user:password@host:port/database?…) or
// key=value pairs. What it leaves out comes from the PG* variables, the service
// file and the password file, as with psql; so "" is a valid DSN. Settings that
// other libraries keep in the same URL, such as pool sizes, are accepted and
// ignored. The error is a [snapshot.Failure] whose text is one of a fixed set:
// neither the DSN nor an error of pgx is ever part of it.
func Parse(dsn string) (Target, error) {
	dsn, why := normalise(strings.TrimSpace(dsn))
	if why != nil {
		return Target{}, why
	}
	var options pgx.ParseConfigOptions
	options.ConnStringAllowedKeys = slices.Concat(knownSettings, foreignSettings)
	config, err := pgx.ParseConfigWithOptions(dsn, options)
	if err != nil {
		return Target{}, reasonFor(err)
	}
	hosts := hostsOf(config)
	for _, h := range hosts {
		if !plausible(h) {
			return Target{}, invalid("the host holds a character that no host name has", encodeFix)
		}
	}
	if strings.Contains(config.Database, "://") {
		return Target{}, invalid("the database name is a URL", "give the URL alone")
	}
	if why := checkPassfile(config); why != nil {
		return Target{}, why
	}
	return Target{name: safe.Short(nameOf(hosts, config.Database), 80), secret: safe.Hide(config)}, nil
}

// knownSettings are libpq's parameter names. passfile is not among them: the
// permissions of the password file are checked, and only PGPASSFILE says which
// it is.
var knownSettings = []string{
	"host", "port", "dbname", "user", "password", "connect_timeout", "sslmode", "ssl", "sslkey", "sslcert",
	"sslcertmode", "sslrootcert", "sslnegotiation", "sslpassword", "sslsni", "krbspn", "krbsrvname",
	"target_session_attrs", "service", "servicefile", "min_protocol_version", "max_protocol_version",
	"channel_binding", "require_auth", "options",
}

// foreignSettings are found in the DSNs of applications and mean nothing here:
// run-time parameters, and settings of pgx, Prisma, node-postgres and others.
var foreignSettings = []string{
	"application_name", "fallback_application_name", "client_encoding", "search_path", "timezone", "TimeZone",
	"datestyle", "DateStyle", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout",
	"default_transaction_read_only", "binary_parameters", "keepalives", "keepalives_idle", "tcp_user_timeout",
	"pool_max_conns", "pool_min_conns", "pool_max_conn_lifetime", "pool_max_conn_idle_time",
	"pool_health_check_period", "pool_max_conn_lifetime_jitter", "pool_min_idle_conns",
	"default_query_exec_mode", "statement_cache_capacity", "description_cache_capacity",
	"schema", "connection_limit", "pool_timeout", "pgbouncer", "socket_timeout", "statement_cache_size",
}

// normalise turns dsn into what pgx reads, and refuses what pgx would take the
// wrong way and then show in part.
func normalise(dsn string) (string, error) {
	scheme, rest, isURL := strings.Cut(dsn, "://")
	if !isURL || strings.ContainsAny(scheme, "= '") {
		if dsn != "" && !strings.Contains(dsn, "=") {
			return "", invalid("it is neither a URL nor key=value pairs", "for example postgres://user@host:5432/database")
		}
		return dsn, nil
	}
	base, _, _ := strings.Cut(scheme, "+") // SQLAlchemy: postgresql+asyncpg://
	if base != "postgres" && base != "postgresql" {
		return "", invalid("its scheme is not postgres", "for example postgres://user@host:5432/database")
	}
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
		path, _, _ := strings.Cut(rest[i+1:], "?")
		if strings.Contains(path, "@") {
			return "", invalid("it has more than one @", encodeFix)
		}
	} else if before, _, _ := strings.Cut(rest, "?"); strings.Contains(before, "@") {
		return "", invalid("it has a / before the @", encodeFix)
	}
	return "postgres://" + rest, nil
}

const encodeFix = "percent-encode special characters of the password: % as %25, @ as %40, / as %2F, : as %3A"

func invalid(reason, fix string) error {
	return snapshot.Fail(snapshot.Unsupported, "invalid Postgres DSN: "+reason, fix)
}

// reasons maps what pgx says, which may quote a secret, to what may be shown.
var reasons = []struct{ part, reason, fix string }{
	{"failed to parse as URL", "the URL is malformed", encodeFix},
	{"failed to parse as keyword/value", "it is not a list of key=value pairs", "put values with spaces in single quotes"},
	{"invalid port", "the port is not a number from 1 to 65535", encodeFix},
	{"could not match", "the numbers of hosts and ports differ", "give one port, or one for each host"},
	{"ConnStringAllowedKeys", "it holds an unknown setting", "names are those of libpq, in lower case; passfile is PGPASSFILE"},
	{"failed to read service", "the service cannot be read", "check PGSERVICEFILE and the service's name"},
	{"failed to configure TLS", "the TLS settings cannot be used", "check sslmode and the files sslcert, sslkey and sslrootcert"},
}

// reasonFor chooses by the part of pgx's text after the DSN it repeats.
func reasonFor(err error) error {
	text := err.Error()
	text = text[strings.LastIndex(text, "`: ")+1:]
	for _, r := range reasons {
		if strings.Contains(text, r.part) {
			return invalid(r.reason, r.fix)
		}
	}
	return invalid("one of its settings has a value that is not allowed", "check sslmode, connect_timeout, target_session_attrs and the like")
}

// hostPort is one place where the server may be; host is a folder for a socket.
type hostPort struct {
	host string
	port uint16
}

// hostsOf lists the places config tries, each once.
func hostsOf(config *pgx.ConnConfig) []hostPort {
	hosts := []hostPort{{config.Host, config.Port}}
	for _, f := range config.Fallbacks {
		if h := (hostPort{f.Host, f.Port}); !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

func (h hostPort) unix() bool {
	network, _ := pgconn.NetworkAddress(h.host, h.port)
	return network == "unix"
}

// plausible tells whether the host can be one. What cannot is often a piece of
// a password with special characters, and must not be shown.
func plausible(h hostPort) bool {
	if h.unix() {
		return true
	}
	if _, err := netip.ParseAddr(h.host); err == nil {
		return true
	}
	const letters = "abcdefghijklmnopqrstuvwxyz"
	return strings.Trim(strings.ToLower(h.host), letters+"0123456789.-_") == ""
}

func nameOf(hosts []hostPort, database string) string {
	var names []string
	for _, h := range hosts {
		switch {
		case h.unix() && h.port == 5432:
			names = append(names, "unix "+h.host)
		case h.unix():
			names = append(names, "unix "+h.host+":"+strconv.Itoa(int(h.port)))
		default:
			names = append(names, net.JoinHostPort(h.host, strconv.Itoa(int(h.port))))
		}
	}
	name := strings.Join(names, ",")
	if database != "" {
		name += "/" + database
	}
	return name
}
