package pgstat

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startPgBouncer starts one in transaction mode with two server connections
// and gives the folder of its socket.
func startPgBouncer(t *testing.T, srv *pgServer) string {
	t.Helper()
	bin, err := exec.LookPath("pgbouncer")
	if err != nil {
		if bin = "/usr/sbin/pgbouncer"; !exists(bin) {
			const how = "no pgbouncer found: apt-get install pgbouncer"
			if os.Getenv("APITOP_REQUIRE_SERVERS") != "" {
				t.Fatal(how)
			}
			t.Skip(how)
		}
	}
	dir, err := os.MkdirTemp("/tmp", "apgb") //nolint:usetesting // a socket needs a short path, open to its user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	files := map[string]string{
		"users": `"postgres" ""` + "\n",
		"ini": fmt.Sprintf("[databases]\n* = host=%s port=5432\n[pgbouncer]\nlisten_addr =\nlisten_port = 5432\nunix_socket_dir = %s\n"+
			"auth_type = trust\nauth_file = %s/users\npool_mode = transaction\ndefault_pool_size = 2\nlogfile = %s/log\npidfile =\n", srv.dir, dir, dir, dir),
		"log": "",
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(bin, filepath.Join(dir, "ini"))
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	dieWithParent(cmd.SysProcAttr)
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		for _, name := range []string{".", "users", "ini", "log"} {
			if err := os.Chown(filepath.Join(dir, name), nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for end := time.Now().Add(10 * time.Second); ; {
		conn, err := net.Dial("unix", filepath.Join(dir, ".s.PGSQL.5432"))
		if err == nil {
			_ = conn.Close()
			return dir
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Fatalf("pgbouncer does not start: %v\n%s", err, log)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestPgBouncer polls through a real one while others use its two connections.
func TestPgBouncer(t *testing.T) {
	srv := needServer(t)
	dir := startPgBouncer(t, srv)
	db := srv.database(t, createExtension)
	dsn := "host=" + dir + " user=postgres sslmode=disable dbname=" + db
	var clients sync.WaitGroup
	defer clients.Wait()
	for range 4 {
		target, err := Parse(dsn)
		if err != nil {
			t.Fatal(err)
		}
		c := Open(target)
		clients.Go(func() {
			defer c.Close()
			s, a := NewStatements(c), NewActivity(c)
			for i := range 20 {
				s.rest = time.Time{}
				r, err := s.Collect(t.Context())
				if err != nil || r == nil {
					t.Errorf("poll %d: %v, %v", i, r, err)
				}
				if _, err := a.Collect(t.Context()); err != nil {
					t.Errorf("activity %d: %v", i, err)
				}
			}
			if notes := fmt.Sprint(a.Notes()); !strings.Contains(notes, "through a pooler") {
				t.Errorf("notes %s", notes)
			}
		})
	}
}
