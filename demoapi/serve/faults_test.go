package serve

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"apitop/demoapi/faults"
	"apitop/demoapi/stack"
)

// TestDemoFaults switches the servers of a whole demo, which the API asks its
// owner to do, and closes it while they are down.
func TestDemoFaults(t *testing.T) {
	d := startDemo(t, DemoOptions{RPS: 20})
	list, err := d.Faults(t.Context())
	if err != nil || len(list) != len(faults.Names()) {
		t.Fatalf("%d faults: %v", len(list), err)
	}
	for _, f := range list {
		if d.PostgresDSN == "" || strings.HasPrefix(d.Notes.Redis, "embedded") {
			t.Skipf("needs redis-server and postgres: %+v", d.Notes)
		}
		if f.Unavailable != "" || f.On {
			t.Errorf("%+v", f)
		}
	}
	sh := &shop{base: d.URL()}
	for _, on := range []bool{true, true, false, false, true} {
		for _, name := range []string{"redis-down", "postgres_down"} {
			if err := d.SwitchFault(t.Context(), name, on); err != nil {
				t.Fatalf("%s %v: %v", name, on, err)
			}
		}
		want := map[bool]int{true: 503, false: 200}[on]
		within(t, 10*time.Second, fmt.Sprintf("the health is %d", want), func() bool { return sh.get(t, "/health") == want })
	}
	if err := d.SwitchFault(t.Context(), "nope", true); err == nil || !strings.Contains(err.Error(), "n-plus-one") {
		t.Errorf("unknown: %v", err)
	}
	dir := d.stack.Guard().Dir()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if left := running(t, dir); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder is left")
	}
}

// TestDemoFaultsWithoutServers: what needs real servers says so; the simulated
// Redis can be stopped and started.
func TestDemoFaultsWithoutServers(t *testing.T) {
	d := startDemo(t, DemoOptions{RPS: -1, Stack: stack.Options{Redis: stack.Fallback, Postgres: stack.Fallback}})
	for name, why := range map[string]string{
		"n-plus-one": "install postgresql", "postgres-down": "install postgresql", "eviction": "install redis-server", "slow-redis": "install redis-server",
	} {
		if err := d.SwitchFault(t.Context(), name, true); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", name, err)
		}
	}
	sh := &shop{base: d.URL()}
	for _, on := range []bool{true, false} {
		if err := d.SwitchFault(t.Context(), "redis-down", on); err != nil {
			t.Fatal(err)
		}
		opt, err := redis.ParseURL(d.RedisURL)
		if err != nil {
			t.Fatal(err)
		}
		opt.MaxRetries, opt.DialerRetries = -1, 1
		c := redis.NewClient(opt)
		if err := c.Ping(t.Context()).Err(); (err != nil) != on {
			t.Errorf("down %v: %v", on, err)
		}
		_ = c.Close()
		if status := sh.get(t, "/products/1"); status != http.StatusOK {
			t.Errorf("down %v: product %d", on, status)
		}
	}
}
