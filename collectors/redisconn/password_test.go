package redisconn

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/web"
)

// TestPasswordFile logs in with a password from a file, and with the next one
// once it was rotated.
func TestPasswordFile(t *testing.T) {
	srv := redistest.Start(t)
	file := filepath.Join(t.TempDir(), "password")
	target, err := Parse("unix://apitop:@" + srv.Sock)
	if err != nil {
		t.Fatal(err)
	}
	if target.HasPassword() {
		t.Error("an address without a password has one")
	}
	conn := Open(target.WithPassword(web.SecretFile("redis.password_file", file)))
	defer conn.Close()
	if _, err := conn.Do(t.Context(), []string{"PING"}); err == nil || !strings.Contains(err.Error(), "redis.password_file: "+file+": no such file") {
		t.Errorf("without the file: %v", err)
	}
	for _, password := range []string{"S3cr3tPW1", "S3cr3tPW2"} {
		if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		srv.Do("ACL", "SETUSER", "apitop", "on", "resetpass", ">"+password, "~*", "+@all")
		srv.Do("CLIENT", "KILL", "TYPE", "normal") // what is logged in stays so
		if _, _, err := conn.Info(t.Context()); err != nil {
			_, _, err = conn.Info(t.Context()) // the first found its connection closed
			if err != nil {
				t.Errorf("with %s: %v", password, err)
			}
		}
	}
}
