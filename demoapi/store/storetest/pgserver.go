package storetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// StartPostgres starts a private Postgres server for the test and returns its
// address; it is stopped and its files are removed at the test's end. The
// server listens on a unix socket only, and it does not care for durability.
//
// Without Postgres programs the test is skipped, or fails when
// APITOP_REQUIRE_SERVERS=1.
func StartPostgres(tb testing.TB) string {
	tb.Helper()
	bin := postgresBin()
	if bin == "" {
		missing(tb, "postgres and initdb", "install the postgresql package, or name their folder in PGBIN")
	}
	// Not tb.TempDir: a socket's path may have 107 bytes, and the server's user
	// must be able to walk down to it.
	dir, err := os.MkdirTemp("", "apg")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := giveAway(dir); err != nil {
		tb.Fatal(err)
	}
	initdb := command(filepath.Join(bin, "initdb"), dir, "-D", dir+"/d", "-U", "apitop", "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions", "--wal-segsize=1")
	if out, err := initdb.CombinedOutput(); err != nil {
		tb.Fatalf("initdb: %v\n%s", err, out)
	}
	serve(tb, command(filepath.Join(bin, "postgres"), dir, serverArgs(dir)...), dir+"/log")
	dsn := fmt.Sprintf("host=%s port=5432 user=apitop dbname=postgres sslmode=disable", dir)
	awaitPostgres(tb, dsn, dir+"/log")
	return dsn
}

// missing skips or fails the test for want of a program.
func missing(tb testing.TB, what, how string) {
	tb.Helper()
	if os.Getenv("APITOP_REQUIRE_SERVERS") == "1" {
		tb.Fatalf("%s not found: %s", what, how)
	}
	tb.Skipf("%s not found: %s", what, how)
}

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
		_, err1 := os.Stat(filepath.Join(f, "initdb"))
		_, err2 := os.Stat(filepath.Join(f, "postgres"))
		if f != "" && err1 == nil && err2 == nil {
			return f
		}
	}
	return ""
}

func serverArgs(dir string) []string {
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

// command runs a program with a clean environment in dir, as nobody when the
// test runs as root: Postgres refuses root.
func command(path, dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "HOME=" + dir}
	cmd.SysProcAttr = attributes()
	return cmd
}

// serve starts cmd and stops it at the test's end.
func serve(tb testing.TB, cmd *exec.Cmd, logPath string) {
	tb.Helper()
	log, err := os.Create(logPath)
	if err != nil {
		tb.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	started, ended := make(chan error), make(chan struct{})
	go func() {
		defer close(ended)
		// The server is told to end with the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it was killed: that is no failure
		}
	}()
	err = <-started
	tb.Cleanup(func() {
		if cmd.Process != nil {
			stop(cmd.Process)
		}
		<-ended
		_ = log.Close()
	})
	if err != nil {
		tb.Fatalf("start %s: %v", cmd.Path, err)
	}
}

func awaitPostgres(tb testing.TB, dsn, logPath string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, dsn)
		if err == nil {
			_ = conn.Close(ctx)
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			log, _ := os.ReadFile(logPath)
			tb.Fatalf("Postgres does not answer: %v\n%s", err, log)
		}
	}
}
