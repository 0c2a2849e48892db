package pgstat

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

// pgServer is a private PostgreSQL on a socket in its own short folder.
type pgServer struct {
	dir string
	bin string // the folder of initdb and postgres
	cmd *exec.Cmd
	log *os.File
}

// theServer is the one that all tests of the package use, started by the first
// that needs it.
var theServer = sync.OnceValues(func() (*pgServer, error) {
	s, err := newServer()
	if err != nil {
		return nil, err
	}
	started.Store(s)
	return s, s.start()
})

var started atomic.Pointer[pgServer]

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if s := started.Load(); s != nil {
			s.stop()
			_ = os.RemoveAll(s.dir)
		}
		os.Exit(code)
	}))
}

// needServer skips or fails the test when there is no PostgreSQL to test with.
func needServer(t testing.TB) *pgServer {
	t.Helper()
	s, err := theServer()
	if err == nil {
		return s
	}
	if !errors.Is(err, exec.ErrNotFound) || os.Getenv("APITOP_REQUIRE_SERVERS") == "1" {
		t.Fatal(err)
	}
	t.Skip("no initdb and postgres found: install postgresql and postgresql-contrib, or put their folder in PGBIN")
	return nil
}

// findBin finds the newest PostgreSQL.
func findBin() (string, error) {
	dirs := []string{os.Getenv("PGBIN")}
	if p, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(p))
	}
	for v := 30; v >= 12; v-- {
		dirs = append(dirs, fmt.Sprintf("/usr/lib/postgresql/%d/bin", v), fmt.Sprintf("/usr/pgsql-%d/bin", v), fmt.Sprintf("/opt/homebrew/opt/postgresql@%d/bin", v))
	}
	for _, d := range dirs {
		_, err1 := os.Stat(filepath.Join(d, "initdb"))
		_, err2 := os.Stat(filepath.Join(d, "postgres"))
		if d != "" && err1 == nil && err2 == nil {
			return d, nil
		}
	}
	return "", exec.ErrNotFound
}

func newServer() (*pgServer, error) {
	bin, err := findBin()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("/tmp", "apg") // short: a socket's path has 107 bytes
	if err != nil {
		return nil, err
	}
	s := &pgServer{dir: dir, bin: bin}
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			return nil, err
		}
	}
	out, err := s.command("initdb", "-D", dir+"/d", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--wal-segsize=1").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	hba := "local all secretive scram-sha-256\nlocal all banned reject\nlocal all all trust\nhost all all 127.0.0.1/32 trust\n"
	if err := os.WriteFile(dir+"/d/pg_hba.conf", []byte(hba), 0o600); err != nil {
		return nil, err
	}
	s.log, err = os.OpenFile(dir+"/log", os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	return s, err
}

const nobody = 65534

// command runs a program of PostgreSQL, which refuses to be root.
func (s *pgServer) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "HOME=" + s.dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	return cmd
}

// start starts the server and waits until it answers.
func (s *pgServer) start(extra ...string) error {
	args := []string{"-D", s.dir + "/d", "-k", s.dir, "-h", "", "-p", "5432"}
	for _, setting := range append([]string{
		"shared_preload_libraries=pg_stat_statements", "track_io_timing=on", "fsync=off", "shared_buffers=16MB",
		"max_connections=25", "max_wal_size=32MB", "jit=off", "huge_pages=off", "log_statement=all", "autovacuum=off",
		"log_line_prefix=%a|%u|%d|", "max_worker_processes=2",
	}, extra...) {
		args = append(args, "-c", setting)
	}
	s.cmd = s.command("postgres", args...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	end := time.Now().Add(20 * time.Second)
	for {
		conn, err := s.connect("postgres", "postgres")
		if err == nil {
			return conn.Close(context.Background())
		}
		if time.Now().After(end) {
			text, _ := os.ReadFile(s.log.Name())
			return fmt.Errorf("the server does not start: %w\n%s", err, text)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// stop stops the server at once; the next start recovers from the WAL.
func (s *pgServer) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGQUIT)
	_ = s.cmd.Wait()
}

// restart stops the server and starts it with other settings; the usual ones
// are back after the test.
func (s *pgServer) restart(t testing.TB, extra ...string) {
	t.Helper()
	s.stop()
	if err := s.start(extra...); err != nil {
		t.Fatal(err)
	}
	if len(extra) > 0 {
		t.Cleanup(func() { s.restart(t) })
	}
}

func (s *pgServer) dsn(user, db string) string {
	return fmt.Sprintf("host=%s port=5432 user=%s dbname=%s sslmode=disable", s.dir, user, db)
}

func (s *pgServer) connect(user, db string) (*pgx.Conn, error) {
	return pgx.Connect(context.Background(), s.dsn(user, db)+" application_name=test")
}

// sess is a connection of a test; its methods fail the test.
type sess struct {
	t    testing.TB
	conn *pgx.Conn
}

func (s *pgServer) login(t testing.TB, user, db string) sess {
	t.Helper()
	conn, err := s.connect(user, db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return sess{t, conn}
}

// run runs statements over the simple protocol.
func (s sess) run(sql ...string) {
	s.t.Helper()
	for _, q := range sql {
		if _, err := s.conn.Exec(s.t.Context(), q, pgx.QueryExecModeSimpleProtocol); err != nil {
			s.t.Fatalf("%s: %v", q, err)
		}
	}
}

// number runs a query for one number.
func (s sess) number(sql string) float64 {
	s.t.Helper()
	var v float64
	if err := s.conn.QueryRow(s.t.Context(), sql).Scan(&v); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
	return v
}

var databases atomic.Int64 // so that their names differ

// admin runs statements as the superuser, over a connection of their own.
func (s *pgServer) admin(t testing.TB, db string, sql ...string) {
	t.Helper()
	ctx := context.Background() // a cleanup runs after the end of the test's own
	conn, err := s.connect("postgres", db)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, q := range sql {
		if _, err := conn.Exec(ctx, q, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}
}

// database makes a database of its own for a test, with these statements run in
// it by the superuser.
func (s *pgServer) database(t testing.TB, setup ...string) string {
	t.Helper()
	name := "db" + strconv.FormatInt(databases.Add(1), 10)
	s.admin(t, "postgres", "create database "+name)
	t.Cleanup(func() { s.admin(t, "postgres", "drop database "+name+" with (force)") })
	s.admin(t, name, setup...)
	return name
}

// role makes a login role for a test.
func (s *pgServer) role(t testing.TB, name string, grants ...string) {
	t.Helper()
	s.admin(t, "postgres", append([]string{"create role " + name + " login"}, grants...)...)
	t.Cleanup(func() { s.admin(t, "postgres", "drop role "+name) })
}

// open makes a Conn for a test.
func (s *pgServer) open(t testing.TB, user, db string) *Conn {
	t.Helper()
	target, err := Parse(s.dsn(user, db))
	if err != nil {
		t.Fatal(err)
	}
	c := Open(target)
	t.Cleanup(c.Close)
	return c
}

// logged gives the statements that the server logged for an application since
// the offset, as "kind: text", and the log's new size.
func (s *pgServer) logged(t testing.TB, app string, offset int) ([]string, int) {
	t.Helper()
	b, err := os.ReadFile(s.log.Name())
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(b[offset:])) {
		if n := len(found); line[0] == '\t' && n > 0 && found[n-1] != "" { // a statement of several lines
			found[n-1] += "\n" + strings.TrimSpace(line)
			continue
		}
		_, text, _ := strings.Cut(line, "LOG:  ")
		kind, sql, _ := strings.Cut(text, ": ")
		if strings.HasPrefix(line, app+"|") && (kind == "statement" || strings.HasPrefix(kind, "execute")) {
			found = append(found, strings.TrimSpace(sql))
		} else {
			found = append(found, "") // its further lines belong to it
		}
	}
	found = slices.DeleteFunc(found, func(s string) bool { return s == "" })
	return found, len(b)
}
