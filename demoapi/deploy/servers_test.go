package deploy_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"

	"apitop/demoapi/servertest"
)

// TestPostgresSettings sets each setting of the compose file on a real server,
// which refuses those that do not exist or have another unit.
func TestPostgresSettings(t *testing.T) {
	ctx := t.Context()
	conn := connect(t, servertest.StartPostgres(t))
	seen := map[string]string{}
	for _, arg := range readCompose(t).Services["db"].Command[1:] {
		setting, ok := strings.CutPrefix(arg, "-c")
		name, value, set := strings.Cut(setting, "=")
		if !ok || !set {
			t.Errorf("argument %q", arg)
			continue
		}
		seen[name] = value
		if _, err := conn.Exec(ctx, "alter system set "+name+" to '"+value+"'"); err != nil {
			t.Errorf("%s: %v", setting, err)
		}
	}
	want := map[string]string{"shared_preload_libraries": "pg_stat_statements", "track_io_timing": "on"}
	for name, value := range want {
		if seen[name] != value {
			t.Errorf("%s is %q, want %q", name, seen[name], value)
		}
	}
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// initialise runs the image's script as the image does.
func initialise(t *testing.T, dsn string, env ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(program(t, "psql", "postgresql-client"), "-v", "ON_ERROR_STOP=1", "--no-password", "--no-psqlrc", "-d", dsn, "-f", "postgres/10-roles.sql")
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestPostgresRoles makes the roles on a real server and tries what they may do.
func TestPostgresRoles(t *testing.T) {
	ctx := t.Context()
	dsn := servertest.StartPostgres(t)
	if out, err := initialise(t, dsn, "APITOP_DB_PASSWORD=it's one", "APITOP_MONITOR_PASSWORD=two"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	admin := connect(t, dsn)
	var hashed int
	if err := admin.QueryRow(ctx, `select count(*) from pg_authid
		where rolname in ('shop', 'apitop_monitor') and rolpassword like 'SCRAM-SHA-256$%' and not rolsuper`).Scan(&hashed); err != nil || hashed != 2 {
		t.Errorf("%d roles with a hashed password: %v", hashed, err)
	}
	shop := connect(t, strings.Replace(dsn, "user=apitop", "user=shop", 1))
	if _, err := shop.Exec(ctx, "create schema apitop_demo; create table apitop_demo.t (n int); insert into apitop_demo.t values (1)"); err != nil {
		t.Errorf("the API cannot make its tables: %v", err)
	}
	if _, err := shop.Exec(ctx, "create extension if not exists pg_stat_statements"); err != nil {
		t.Errorf("asking for the extension that is there fails: %v", err)
	}
	monitor := connect(t, strings.Replace(dsn, "user=apitop", "user=apitop_monitor", 1))
	var calls int64
	if err := monitor.QueryRow(ctx, "select coalesce(sum(calls), 0) from pg_stat_statements where query ilike 'create schema%'").Scan(&calls); err != nil || calls < 1 {
		t.Errorf("the monitor sees %d calls of another role's statement: %v", calls, err)
	}
	refused := map[string]string{
		"select * from apitop_demo.t":        "42501",
		"select pg_read_file('/etc/passwd')": "42501",
		"select pg_sleep(10)":                "57014",
		"create temp table t (n int)":        "25006",
	}
	for sql, code := range refused {
		var pg *pgconn.PgError
		if _, err := monitor.Exec(ctx, sql); !errors.As(err, &pg) || pg.Code != code {
			t.Errorf("%s: %v, want a refusal with %s", sql, err, code)
		}
	}
}

// TestPostgresRolesNeedPasswords wants no role with an empty one.
func TestPostgresRolesNeedPasswords(t *testing.T) {
	dsn := servertest.StartPostgres(t)
	if out, err := initialise(t, dsn); err == nil {
		t.Errorf("made roles without passwords:\n%s", out)
	}
}

// TestRedisSettings starts a real server with the arguments of the compose file.
func TestRedisSettings(t *testing.T) {
	server := program(t, "redis-server", "redis-server")
	dir, err := os.MkdirTemp("", "ard") //nolint:usetesting // a socket's path may have 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	command := readCompose(t).Services["redis"].Command
	if command[0] != "redis-server" {
		t.Fatalf("runs %s", command[0])
	}
	cmd := exec.Command(server, append(command[1:], "--port", "0", "--unixsocket", dir+"/s", "--dir", dir)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}()
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: dir + "/s", DialerRetries: 1})
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if _, err := os.Stat(dir + "/s"); err == nil && client.Ping(ctx).Err() == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	want := map[string]string{
		"maxmemory": "268435456", "maxmemory-policy": "allkeys-lru", "appendonly": "no", "save": "",
		"slowlog-log-slower-than": "10000",
	}
	for name, value := range want {
		got, err := client.ConfigGet(ctx, name).Result()
		if err != nil || got[name] != value {
			t.Errorf("%s is %q, want %q: %v", name, got[name], value, err)
		}
	}
}
