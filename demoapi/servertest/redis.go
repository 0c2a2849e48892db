package servertest

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Redis is a private Redis server.
type Redis struct {
	Socket string // its unix socket
	tb     testing.TB
	bin    string
	dir    string
	proc   *process
}

// StartRedis starts a private Redis (or Valkey) server for the test. It keeps
// nothing on disk and is stopped at the test's end.
//
// Without the program the test is skipped, or fails when
// APITOP_REQUIRE_SERVERS=1.
func StartRedis(tb testing.TB) *Redis {
	tb.Helper()
	bin := redisBin()
	if bin == "" {
		missing(tb, "redis-server or valkey-server", "install the redis-server package")
	}
	dir := folder(tb, "ard")
	if err := giveAway(dir); err != nil {
		tb.Fatal(err)
	}
	r := &Redis{Socket: dir + "/s", tb: tb, bin: bin, dir: dir}
	r.Start()
	tb.Cleanup(r.Stop)
	return r
}

// Start starts the server again after [Redis.Stop], empty, on the same socket.
func (r *Redis) Start() {
	r.tb.Helper()
	r.proc = start(r.tb, command(r.bin, r.dir, "--port", "0", "--unixsocket", r.Socket,
		"--dir", r.dir, "--save", "", "--appendonly", "no"), r.dir+"/log")
	await(r.tb, r.dir+"/log", func(ctx context.Context) error {
		if _, err := os.Stat(r.Socket); err != nil {
			return err // spares the client's complaint
		}
		client := redis.NewClient(&redis.Options{Network: "unix", Addr: r.Socket, DialerRetries: 1})
		defer client.Close()
		return client.Ping(ctx).Err()
	})
}

// Stop stops the server.
func (r *Redis) Stop() { r.proc.stop() }

// Client returns a client without any time limit; the caller closes it.
func (r *Redis) Client() *redis.Client {
	return redis.NewClient(&redis.Options{Network: "unix", Addr: r.Socket, ContextTimeoutEnabled: true})
}

func redisBin() string {
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}
