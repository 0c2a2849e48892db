package scrape

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"apitop/collectors/snapshot"
)

// TestRealServers points the collector at real servers of other kinds.
func TestRealServers(t *testing.T) {
	tests := map[string]struct {
		start func(t *testing.T, port string)
		want  string
	}{
		"redis":    {startRedis, "HOST answers as Redis, not as metrics: use --redis redis://HOST"},
		"postgres": {startPostgres, "HOST answers as Postgres, not as metrics: use --postgres postgres://HOST"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			port := freePort(t)
			tt.start(t, port)
			addr := "127.0.0.1:" + port
			want := strings.ReplaceAll(tt.want, "HOST", addr)
			c, _, err := collect(t, Config{URL: "http://u:S3cr3tPW@" + addr})
			checkFailure(t, err, snapshot.Unsupported, want)
			_, err = c.Collect(t.Context())
			checkFailure(t, err, snapshot.Unsupported, want)
		})
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// program finds a server's binary, or ends the test.
func program(t *testing.T, name, install string, dirs ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	for _, pattern := range dirs {
		if found, _ := filepath.Glob(filepath.Join(pattern, name)); err != nil && len(found) > 0 {
			path, err = found[len(found)-1], nil
		}
	}
	if err == nil {
		return path
	}
	if os.Getenv("APITOP_REQUIRE_SERVERS") == "1" {
		t.Fatalf("no %s: %s", name, install)
	}
	t.Skipf("no %s: %s", name, install)
	return ""
}

// serve runs a server until the test ends and waits until its port answers.
func serve(t *testing.T, port string, cmd *exec.Cmd) {
	t.Helper()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // killed below
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("the server ended: %s", out.String())
		default:
		}
		if time.Now().After(end) {
			t.Fatal("the server does not listen")
		}
	}
}

func startRedis(t *testing.T, port string) {
	path := program(t, "redis-server", "install redis-server")
	serve(t, port, exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir(), "--enable-debug-command", "no"))
}

func startPostgres(t *testing.T, port string) {
	const install = "install postgresql"
	initdb := program(t, "initdb", install, "/usr/lib/postgresql/*/bin")
	server := program(t, "postgres", install, "/usr/lib/postgresql/*/bin")
	dir, err := os.MkdirTemp("/tmp", "apg") //nolint:usetesting // short, and open to another user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	run := func(path string, args ...string) *exec.Cmd {
		cmd := exec.Command(path, args...)
		cmd.Dir, cmd.Env = dir, []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "HOME=" + dir}
		if os.Geteuid() == 0 { // which PostgreSQL refuses to be
			const nobody = 65534
			if err := os.Chown(dir, nobody, nobody); err != nil {
				t.Fatal(err)
			}
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
		return cmd
	}
	if out, err := run(initdb, "-D", dir+"/d", "-A", "trust", "--locale=C", "--no-sync", "--wal-segsize=1").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v: %s", err, out)
	}
	serve(t, port, run(server, "-D", dir+"/d", "-k", dir, "-h", "127.0.0.1", "-p", port, "-c", "fsync=off", "-c", "shared_buffers=16MB"))
}
