package redislive

import (
	"testing"

	"go.uber.org/goleak"

	"apitop/collectors/redisconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open makes a connection that is closed with the test.
func open(t testing.TB, url string) *redisconn.Conn {
	t.Helper()
	target, err := redisconn.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	conn := redisconn.Open(target)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
