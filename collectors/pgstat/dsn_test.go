package pgstat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"apitop/collectors/safe"
)

// canary is a password that must never be seen again.
const canary = "S3cr3tPW"

// noEnv hides the PG* variables and files of the machine.
func noEnv(t testing.TB) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "PG") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", t.TempDir())
}

func TestNames(t *testing.T) {
	noEnv(t)
	tests := map[string]struct{ dsn, want string }{
		"url":            {"postgres://bob:pw@db.example:6543/app", "db.example:6543/app"},
		"no port":        {"postgresql://bob@db_1.example/app?sslmode=require", "db_1.example:5432/app"},
		"SQLAlchemy":     {"postgresql+asyncpg://bob@db/app", "db:5432/app"},
		"Prisma":         {"postgresql://bob:pw@db/app?schema=public&connection_limit=5", "db:5432/app"},
		"pgxpool":        {"host=db dbname=app pool_max_conns=10", "db:5432/app"},
		"IPv6":           {"postgres://[::1]:5433/app", "[::1]:5433/app"},
		"several hosts":  {"postgres://a,b:5433/app", "a:5432,b:5433/app"},
		"socket in url":  {"postgres:///app?host=/run/pg", "unix /run/pg/app"},
		"socket encoded": {"postgres://%2Frun%2Fpg/app", "unix /run/pg/app"},
		"socket port":    {"host=/run/pg port=5433 dbname=app", "unix /run/pg:5433/app"},
		"key=value":      {"host=db user=bob password='p w' dbname=app", "db:5432/app"},
		"no database":    {"host=db user=bob", "db:5432"},
		"white space":    {" postgres://db/app\n", "db:5432/app"},
		"hostile name":   {"host=db dbname='a\x1b[2Jb'", "db:5432/a^[[2Jb"},
		"odd password":   {"postgres://bob:a?b#c%40d&e=f@db/app", "db:5432/app"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			target, err := Parse(tt.dsn)
			if err != nil {
				t.Fatal(err)
			}
			if got := target.Name().String(); got != tt.want {
				t.Errorf("name %q, want %q", got, tt.want)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	noEnv(t)
	t.Setenv("PGHOST", "envhost")
	t.Setenv("PGDATABASE", "envdb")
	t.Setenv("PGPASSWORD", canary)
	t.Setenv("PGOPTIONS", "-c geqo=off")
	target, err := Parse("")
	if err != nil {
		t.Fatal(err)
	}
	if target.Name().String() != "envhost:5432/envdb" || target.secret.Reveal().Password != canary {
		t.Errorf("name %s, password taken: %v", target.Name(), target.secret.Reveal().Password == canary)
	}
}

// badDSNs are wrong in every way that puts the canary into another position.
func badDSNs() []string {
	p := canary
	return []string{
		"postgres://bob:" + p + "@db:port/app", "postgres://bob:" + p + "@db:99999/app", "postgres://bob:" + p,
		"postgres://bob:" + p + "%zz@db/app", "postgres://bob:" + p + "@db/app?sslmode=often", "postgres://bob:" + p + "@[::1/app",
		"postgres://bob:a@" + p + "@db/app", "postgres://bob:a/" + p + "@db/app", "postgres://bob:12/" + p + "@db/app",
		"postgres://bob:12?" + p, "postgres://db/app?PASSWORD=" + p, "postgres://db/app?" + p + "=x", "postgres://db/app?password=" + p + "=",
		"postgres://db/app?sslmode=" + p, "postgres://db/app?connect_timeout=" + p, "postgres://db:" + p + "/app", "postgres://d b" + p + "/app",
		"postgres://db/app?service=" + p, "postgres://db/app?sslpassword=" + p + "&sslkey=/nope&sslcert=/nope&sslmode=require",
		"postgres://db/app?target_session_attrs=" + p, "postgres://db/app?passfile=/" + p, "postgres://db/app?channel_binding=" + p,
		"postgres://bob:" + p + "\x00@db/app", "postgres://bob:\n" + p + "@db:x/app", "jdbc:postgresql://db/app?password=" + p,
		"mysql://bob:" + p + "@db/app", "http://" + p, p, "bob:" + p + "@db/app", "bob:" + p + "@db/app?sslmode=require",
		"host=db PASSWORD=" + p, "host=db password = 'x' " + p, "host=db password='" + p, "host=db port=" + p, "host=db:" + p,
		"host=bob:" + p + "@db", "host=db password=a " + p, "host=db dbname=postgres://bob:" + p + "@db/app", "=" + p,
		"host=db password=x sslmode=" + p, "host=a,b port=1,2,3 password=" + p, "host=db password=x " + p + "=y", "host=db pass word=" + p,
		"host=db require_auth=" + p, "host=db min_protocol_version=" + p, "host=db sslcertmode=" + p, "host=db statement_cache_capacity=" + p,
	}
}

func TestErrorsHoldNoSecret(t *testing.T) {
	noEnv(t)
	for _, dsn := range badDSNs() {
		target, err := Parse(dsn)
		if err == nil {
			t.Errorf("%q was accepted as %s", dsn, target.Name())
			continue
		}
		f := failureOf(t, err)
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v %v", err, err, f), f.What.Raw(), f.Fix} {
			if strings.Contains(text, canary) || strings.Contains(text, "S3cr") {
				t.Errorf("%q gives %s", dsn, text)
			}
		}
		if !strings.HasPrefix(err.Error(), "invalid Postgres DSN: ") || f.Fix == "" {
			t.Errorf("%q gives %q", dsn, err)
		}
	}
}

// TestReasons: what can be told apart is.
func TestReasons(t *testing.T) {
	noEnv(t)
	tests := map[string]string{
		"postgres://bob@db:port/app":          "the port is not a number",
		"postgres://bob:%zz@db/app":           "the URL is malformed",
		"postgres://a:b@c@db/app":             "more than one @",
		"postgres://bob:a/b@db/app":           "a / before the @",
		"mysql://db/app":                      "its scheme is not postgres",
		"whatever":                            "neither a URL nor key=value",
		"host=db password=a b":                "not a list of key=value pairs",
		"host=db colour=blue":                 "an unknown setting",
		"host=a,b,c port=1,2":                 "the numbers of hosts and ports differ",
		"host=db service=none":                "the service cannot be read",
		"host=db sslmode=sometimes":           "the TLS settings cannot be used",
		"host=db target_session_attrs=lively": "a value that is not allowed",
		"host=d@b":                            "the host holds a character",
	}
	for dsn, want := range tests {
		if _, err := Parse(dsn); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want %q", dsn, err, want)
		}
	}
}

// TestPrinting: no way to print a target or what it holds shows the password.
func TestPrinting(t *testing.T) {
	noEnv(t)
	for _, dsn := range []string{"postgres://bob:" + canary + "@db/app", "host=db dbname=app password = '" + canary + "'", "postgres://db/app?password=" + canary} {
		target, err := Parse(dsn)
		if err != nil {
			t.Fatal(err)
		}
		c := Open(target)
		var out bytes.Buffer
		for _, v := range []any{target, &target, target.secret, &target.secret, c, NewStatements(c), NewActivity(c).Source()} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				fmt.Fprintf(&out, verb+"\n", v)
			}
			slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
			slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
			if b, err := json.Marshal(v); err == nil {
				out.Write(b)
			}
		}
		hex := fmt.Sprintf("%x", canary)
		if text := out.String(); strings.Contains(text, canary) || strings.Contains(text, hex) {
			t.Errorf("%q was printed", dsn)
		} else if !strings.Contains(text, "db:5432/app") || !strings.Contains(text, safe.Hidden) {
			t.Error("the name or the mask is missing")
		}
	}
}

func TestPasswordFile(t *testing.T) {
	noEnv(t)
	home := t.TempDir()
	t.Setenv("HOME", home)
	path := filepath.Join(home, ".pgpass")
	if err := os.WriteFile(path, []byte("db:5432:app:bob:"+canary+"\nlocalhost:*:*:*:other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		dsn      string
		mode     os.FileMode
		password string
		refused  bool
	}{
		"private":            {"host=db dbname=app user=bob", 0o600, canary, false},
		"readable by others": {"host=db dbname=app user=bob", 0o644, "", true},
		"socket":             {"host=/run/pg dbname=app user=bob", 0o640, "", true},
		"own password":       {"host=db dbname=app user=bob password=mine", 0o644, "mine", false},
		"no line for it":     {"host=elsewhere dbname=app user=bob", 0o644, "", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			target, err := Parse(tt.dsn)
			if tt.refused {
				if f := failureOf(t, err); f.Fix != "chmod 600 "+path || strings.Contains(f.Error(), canary) {
					t.Errorf("failure %v", f)
				}
				return
			}
			if err != nil || target.secret.Reveal().Password != tt.password {
				t.Errorf("password as expected: false, error %v", err)
			}
		})
	}
}

// FuzzParse: no panic, and an error is always one of the fixed texts.
func FuzzParse(f *testing.F) {
	for _, dsn := range badDSNs() {
		f.Add(dsn)
	}
	f.Add("postgres://bob:pw@db:6543/app?sslmode=require")
	f.Add("host=/run/pg dbname='a b'")
	fixed := fixedReasons()
	f.Fuzz(func(t *testing.T, dsn string) {
		target, err := Parse(dsn)
		if err == nil {
			if strings.ContainsFunc(target.Name().String(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("name %q", target.Name())
			}
			return
		}
		why := strings.TrimPrefix(failureOf(t, err).What.Raw(), "invalid Postgres DSN: ")
		if !slices.Contains(fixed, why) {
			t.Errorf("%q gives %q", dsn, why)
		}
	})
}

// fixedReasons lists every text that Parse may give.
func fixedReasons() []string {
	list := []string{
		"it is neither a URL nor key=value pairs", "its scheme is not postgres", "it has more than one @", "it has a / before the @",
		"the host holds a character that no host name has", "the database name is a URL", "the password file may be read by other users",
		"one of its settings has a value that is not allowed",
	}
	for _, r := range reasons {
		list = append(list, r.reason)
	}
	return list
}
