package servertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Postgres is a private Postgres server.
type Postgres struct {
	DSN  string // its address: a unix socket
	tb   testing.TB
	bin  string
	dir  string
	proc *process
}

// StartPostgres starts a private Postgres server for the test and returns its
// address; see [RunPostgres].
func StartPostgres(tb testing.TB) string {
	tb.Helper()
	return RunPostgres(tb).DSN
}

// RunPostgres starts a private Postgres server for the test; it is stopped and
// its files are removed at the test's end. The server listens on a unix socket
// only, and it does not care for durability.
//
// Without Postgres programs the test is skipped, or fails when
// APITOP_REQUIRE_SERVERS=1.
func RunPostgres(tb testing.TB) *Postgres {
	tb.Helper()
	bin := postgresBin()
	if bin == "" {
		missing(tb, "postgres and initdb", "install the postgresql package, or name their folder in PGBIN")
	}
	dir := folder(tb, "apg")
	if err := giveAway(dir); err != nil {
		tb.Fatal(err)
	}
	initdb := command(filepath.Join(bin, "initdb"), dir, "-D", dir+"/d", "-U", "apitop", "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions", "--wal-segsize=1")
	if out, err := initdb.CombinedOutput(); err != nil {
		tb.Fatalf("initdb: %v\n%s", err, out)
	}
	dsn := fmt.Sprintf("host=%s port=5432 user=apitop dbname=postgres sslmode=disable", dir)
	p := &Postgres{DSN: dsn, tb: tb, bin: bin, dir: dir}
	p.Start()
	tb.Cleanup(p.Stop)
	return p
}

// Start starts the server again after [Postgres.Stop], with the data it had.
func (p *Postgres) Start() {
	p.tb.Helper()
	p.proc = start(p.tb, command(filepath.Join(p.bin, "postgres"), p.dir, postgresArgs(p.dir)...), p.dir+"/log")
	await(p.tb, p.dir+"/log", func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, p.DSN)
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
}

// Stop stops the server at once, as a crash would: sessions are cut off.
func (p *Postgres) Stop() { p.proc.stop() }

// postgresBin is a folder that has both programs, or "".
func postgresBin() string {
	folders := []string{os.Getenv("PGBIN")}
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		folders = append(folders, filepath.Dir(path))
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/pgsql/bin"} {
		found, _ := filepath.Glob(pattern) // fails only on a bad pattern
		folders = append(folders, found...)
	}
	for _, f := range folders {
		_, err1 := os.Stat(filepath.Join(f, "initdb"))   //nolint:gosec // PGBIN is the tester's own
		_, err2 := os.Stat(filepath.Join(f, "postgres")) //nolint:gosec // as above
		if f != "" && err1 == nil && err2 == nil {
			return f
		}
	}
	return ""
}

func postgresArgs(dir string) []string {
	args := []string{"-D", dir + "/d", "-k", dir, "-h", "", "-p", "5432"}
	for _, setting := range []string{
		"shared_preload_libraries=pg_stat_statements", "fsync=off", "synchronous_commit=off", "full_page_writes=off",
		"wal_level=minimal", "max_wal_senders=0", "shared_buffers=32MB", "max_connections=40", "max_wal_size=128MB",
		"min_wal_size=32MB", "autovacuum_max_workers=1", "max_worker_processes=2", "max_parallel_workers_per_gather=0",
		"jit=off", "huge_pages=off", "dynamic_shared_memory_type=posix", "log_min_messages=warning",
	} {
		args = append(args, "-c", setting)
	}
	return args
}
