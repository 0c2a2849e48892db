package serve

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"apitop/demoapi/rdb"
)

func TestClaim(t *testing.T) {
	m := miniredis.RunT(t)
	client := func(db int) *redis.Client {
		c, err := rdb.Open(fmt.Sprintf("redis://%s/%d", m.Addr(), db))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	mine, theirs := client(0), client(3)
	if err := theirs.Set(t.Context(), "product:42", "theirs", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := claim(t.Context(), mine); err != nil {
		t.Errorf("empty database: %v", err)
	}
	mine.Set(t.Context(), "product:42", "mine", 0)
	if err := claim(t.Context(), mine); err != nil {
		t.Errorf("the demo's own database: %v", err)
	}
	if err := claim(t.Context(), theirs); err == nil || !strings.Contains(err.Error(), "database 3 holds 1 keys") {
		t.Errorf("an application's database: %v", err)
	}
	if n := theirs.DBSize(t.Context()).Val(); n != 1 {
		t.Errorf("wrote to an application's database: %d keys", n)
	}
	m.Close()
	if err := claim(t.Context(), mine); err == nil {
		t.Error("no error without a server")
	}
}
