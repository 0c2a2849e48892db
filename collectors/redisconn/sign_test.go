package redisconn

import (
	"strings"
	"testing"

	"apitop/collectors/redisconn/redistest"
)

func TestSigned(t *testing.T) {
	for name, ours := range map[string]bool{
		"Pttl": true, "Memory": true, "Zrange": true,
		"pttl": false, "PTTL": false, "PtTl": false, "": false, "P": false, "1a": false,
	} {
		if got := Signed(name); got != ours {
			t.Errorf("Signed(%q) is %v", name, got)
		}
	}
	for _, name := range []string{"pttl", "scan", "memory"} {
		if !Signed(sign(name)) {
			t.Errorf("%q is signed %q, which is not taken for ours", name, sign(name))
		}
	}
}

// TestSignature checks that the server shows the spelling to those who listen.
func TestSignature(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("CONFIG", "SET", "slowlog-log-slower-than", "0")
	conn := open(t, "unix://"+srv.Sock+"?db=3")
	if _, err := conn.Do(t.Context(), []string{"pttl", "a"}); err != nil {
		t.Fatal(err)
	}
	if conn.DB() != 3 {
		t.Errorf("database %d, want 3", conn.DB())
	}
	if got := srv.Do("SLOWLOG", "GET", "2"); !strings.Contains(got, "Pttl") {
		t.Errorf("the slow log shows %q, want our spelling", got)
	}
}
