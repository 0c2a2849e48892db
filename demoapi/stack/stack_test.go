package stack

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// start starts a stack that the test closes at the latest at its end.
func start(t *testing.T, o Options) *Stack {
	t.Helper()
	began := time.Now()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("up after %v: %s; %s", time.Since(began).Round(time.Millisecond), s.Notes().Redis, s.Notes().Postgres)
	return s
}

func connectRedis(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestStartAndClose runs both servers and checks what they offer a monitor, and
// that nothing of them is left.
func TestStartAndClose(t *testing.T) {
	needServers(t)
	// What a driver would read from the user's environment must not matter.
	t.Setenv("PGSERVICE", "missing")
	s := start(t, Options{})
	t.Setenv("PGSERVICE", "")
	ctx := t.Context()
	if n := s.Notes(); !strings.HasPrefix(n.Redis, "redis ") || !strings.HasSuffix(n.Redis, " (private)") ||
		!strings.HasPrefix(n.Postgres, "postgres ") || !strings.HasSuffix(n.Postgres, " (private)") {
		t.Errorf("notes: %+v", n)
	}
	rdb := connectRedis(t, s.RedisURL())
	policy, err := rdb.ConfigGet(ctx, "maxmemory*").Result()
	if err != nil || policy["maxmemory-policy"] != "allkeys-lfu" || policy["maxmemory"] != "67108864" {
		t.Error(policy, err)
	}
	checkPostgresOffer(t, s.PostgresDSN())
	checkMonitor(t, s.MonitorDSN())

	dir := s.Guard().Dir()
	if len(processesIn(t, dir)) < 3 {
		t.Errorf("expected a guard, redis and postgres: %q", processesIn(t, dir))
	}
	_ = rdb.Close()
	memory := sharedMemory(t, dir)
	if len(memory) == 0 {
		t.Error("no shared memory in use: the check below checks nothing")
	}
	began := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("closed after %v", time.Since(began).Round(time.Millisecond))
	if left := processesIn(t, dir); len(left) > 0 || exists(dir) {
		t.Errorf("left: %q, folder %v", left, exists(dir))
	}
	checkGone(t, memory)
}

func checkPostgresOffer(t *testing.T, dsn string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var timing, listens, statements string
	err = conn.QueryRow(t.Context(), `select current_setting('track_io_timing'), current_setting('listen_addresses'),
		(select count(*) from pg_stat_statements)::text`).Scan(&timing, &listens, &statements)
	if err != nil || timing != "on" || listens != "" || statements == "0" {
		t.Errorf("track_io_timing %q, listen_addresses %q, statements %q: %v", timing, listens, statements, err)
	}
}

// checkMonitor holds what the role for watching may do: read statistics, and
// nothing else.
func checkMonitor(t *testing.T, dsn string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var hidden int
	err = conn.QueryRow(t.Context(), "select count(*) from pg_stat_statements where queryid is null").Scan(&hidden)
	if err != nil || hidden > 0 {
		t.Errorf("%d statements are hidden: %v", hidden, err)
	}
	if _, err := conn.Exec(t.Context(), "create role another"); err == nil {
		t.Error("the monitor may create roles")
	}
}

// TestOwnerGone ends the owner in ways that let it clear nothing up, and in
// orderly ones; nothing may be left after three seconds.
func TestOwnerGone(t *testing.T) {
	needServers(t)
	for name, sig := range map[string]syscall.Signal{
		"kill -9": syscall.SIGKILL, "quit": syscall.SIGQUIT,
		"Ctrl-C": syscall.SIGINT, "hangup": syscall.SIGHUP, "terminate": syscall.SIGTERM,
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], ownerArg)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			cmd.Stderr = nil
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			}()
			var dir string
			if err := json.NewDecoder(out).Decode(&dir); err != nil {
				t.Fatal(err)
			}
			if len(processesIn(t, dir)) < 3 {
				t.Fatal("the stack does not run")
			}
			memory := sharedMemory(t, dir)
			// The whole foreground group, as a terminal does.
			if err := syscall.Kill(-cmd.Process.Pid, sig); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			within(t, 3*time.Second, "everything gone", func() bool { return !exists(dir) && len(processesIn(t, dir)) == 0 })
			t.Logf("gone after %v", time.Since(began).Round(time.Millisecond))
			checkGone(t, memory)
		})
	}
}

// TestOwnerKilledEarly kills the owner while initdb still works.
func TestOwnerKilledEarly(t *testing.T) {
	needServers(t)
	base, err := os.MkdirTemp("/tmp", "t") //nolint:usetesting // its paths are too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(base) }()
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], ownerArg)
	cmd.Env = append(os.Environ(), "TMPDIR="+base)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, 5*time.Second, "initdb runs", func() bool {
		return strings.Contains(strings.Join(processesIn(t, base), "\n"), "initdb -D")
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	within(t, 3*time.Second, "everything gone", func() bool {
		left, err := os.ReadDir(base)
		return err == nil && len(left) == 0 && len(processesIn(t, base)) == 0
	})
}

func TestTwoStacks(t *testing.T) {
	needServers(t)
	var stacks [2]*Stack
	var wg sync.WaitGroup
	for i := range stacks {
		wg.Go(func() { stacks[i] = start(t, Options{}) })
	}
	wg.Wait()
	a, b := connectRedis(t, stacks[0].RedisURL()), connectRedis(t, stacks[1].RedisURL())
	if err := a.Set(t.Context(), "k", "a", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Exists(t.Context(), "k").Result(); n != 0 || err != nil {
		t.Errorf("the stacks share a server: %d %v", n, err)
	}
	if err := stacks[0].Close(); err != nil {
		t.Error(err)
	}
	checkPostgresOffer(t, stacks[1].PostgresDSN())
}

// TestNothingInstalled strips the search path: the fallbacks take over without
// an error and say what to install.
func TestNothingInstalled(t *testing.T) {
	tests := map[string]struct {
		o               Options
		redis, postgres string // what the notes begin with
		dsn             bool
	}{
		"nothing to be found": {
			o:     Options{Getenv: env("PATH", "/nowhere", "APITOP_NO_SYSTEM_POSTGRES", "1")},
			redis: "embedded (simulated) Redis: no redis-server", postgres: "none: no initdb/postgres binaries found; install postgresql (apt",
		},
		"fallbacks asked for": {
			o:     Options{Redis: Fallback, Postgres: Fallback},
			redis: "embedded (simulated) Redis", postgres: "none: everything is kept in memory",
		},
		"both elsewhere": {
			o:     Options{Redis: Elsewhere, Postgres: Elsewhere},
			redis: "not started", postgres: "not started",
		},
		"no room for a socket": {
			o:     Options{Redis: Fallback, Base: longBase(t)},
			redis: "embedded", postgres: "none: ",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, tt.o)
			n := s.Notes()
			if !strings.HasPrefix(n.Redis, tt.redis) || !strings.HasPrefix(n.Postgres, tt.postgres) || s.PostgresDSN() != "" {
				t.Errorf("notes %+v, dsn %q", n, s.PostgresDSN())
			}
			if (s.RedisURL() == "") != (tt.o.Redis == Elsewhere) {
				t.Errorf("redis url %q", s.RedisURL())
			}
		})
	}
}

func TestStartCancelled(t *testing.T) {
	needServers(t) // the fallbacks are up before anybody can cancel
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	base, err := os.MkdirTemp("", "t") //nolint:usetesting // its paths are too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(base)
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	if s, err := Start(ctx, Options{Base: base}); err == nil {
		t.Errorf("started in 50 ms: %+v, close: %v", s.Notes(), s.Close())
	}
	if left := processesIn(t, base); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if entries, err := os.ReadDir(base); err != nil || len(entries) > 0 {
		t.Errorf("left: %v %v", entries, err)
	}
}

// env is a Getenv that knows only the given names and values.
func env(kv ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(kv); i += 2 {
			if kv[i] == name {
				return kv[i+1]
			}
		}
		return ""
	}
}

func longBase(t *testing.T) string {
	t.Helper()
	dir := t.TempDir() + "/" + strings.Repeat("x", 100)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
