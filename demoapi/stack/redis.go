package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"apitop/demoapi/proc"
)

// redisPatience bounds the server's start.
const redisPatience = 10 * time.Second

// killPatience is how long the kernel may take to end a killed server.
const killPatience = 2 * time.Second

var errNoRedis = errors.New("no redis-server or valkey-server found in PATH; install one (apt install redis-server / brew install redis)")

// realRedis is a private server on a socket.
type realRedis struct {
	guard  *proc.Guard
	file   string // the program
	home   string // holds the socket
	log    string // beside it
	proc   *proc.Process
	called string // what it calls itself, "redis 7.0.15"
}

// startRedis starts a private server.
func startRedis(ctx context.Context, g *proc.Guard, path string) (*realRedis, error) {
	file, ok := lookPath(path, "redis-server")
	if !ok {
		file, ok = lookPath(path, "valkey-server")
	}
	if !ok {
		return nil, errNoRedis
	}
	r := &realRedis{guard: g, file: file, home: filepath.Join(g.Dir(), "redis"), log: filepath.Join(g.Dir(), "redis.log")}
	if len(r.socket()) > longestSocket {
		return nil, fmt.Errorf("%s is too long a path for a socket; set TMPDIR to a short one", g.Dir())
	}
	if err := os.Mkdir(r.home, 0o700); err != nil {
		return nil, fmt.Errorf("make the redis folder: %w", err)
	}
	return r, r.start(ctx)
}

func (r *realRedis) socket() string { return filepath.Join(r.home, "s") }

func (r *realRedis) url() string { return "unix://" + r.socket() }

// start runs the server, empty, and waits until it answers.
func (r *realRedis) start(ctx context.Context) error {
	cmd := exec.Command(r.file, //nolint:gosec,noctx // found in PATH; the guard ends it
		"--port", "0", "--unixsocket", r.socket(), "--unixsocketperm", "700", "--dir", r.home, "--logfile", r.log,
		"--daemonize", "no", "--save", "", "--appendonly", "no", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lfu")
	p, err := r.guard.Start(cmd, "redis", syscall.SIGTERM)
	if err != nil {
		return err
	}
	r.proc = p
	r.called, err = redisReady(ctx, p, r.socket())
	if err != nil {
		return errors.Join(fmt.Errorf("%s did not start: %w: %s", r.file, err, logTail(r.log)), p.Stop())
	}
	return nil
}

// stop kills the server, as a crash would: it closes nothing in order.
func (r *realRedis) stop() error {
	if err := r.proc.StopWith(syscall.SIGKILL, killPatience); err != nil {
		return err
	}
	err := os.Remove(r.socket()) // a dead one is left by a kill
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// redisReady waits until the server answers, and makes sure that it is our child
// that does: nothing may ever be written to another one.
func redisReady(ctx context.Context, p *proc.Process, socket string) (name string, err error) {
	ctx, cancel := context.WithTimeout(ctx, redisPatience)
	defer cancel()
	client := redis.NewClient(&redis.Options{
		Network: "unix", Addr: socket, Protocol: 2, PoolSize: 1, MaxRetries: -1, DisableIdentity: true,
		DialerRetries: 1, DialTimeout: time.Second, ReadTimeout: time.Second,
	})
	defer client.Close()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err = os.Stat(socket); err == nil { // before that a dial only fills the client's log
			var info string
			if info, err = client.Info(ctx, "server").Result(); err == nil {
				return whoAnswers(info, p.PID())
			}
		}
		select {
		case <-tick.C:
		case <-p.Done():
			return "", fmt.Errorf("it ended: %v", cmp.Or(p.Err(), errors.New("exit status 0"))) //nolint:errorlint // only for reading
		case <-ctx.Done():
			return "", err
		}
	}
}

// whoAnswers reads name and version of the server from its INFO, if it is the
// process pid.
func whoAnswers(info string, pid int) (string, error) {
	field := map[string]string{}
	for line := range strings.Lines(info) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			field[k] = v
		}
	}
	if field["process_id"] != strconv.Itoa(pid) {
		return "", fmt.Errorf("process %q answers on its socket, not our child %d", field["process_id"], pid)
	}
	if v := field["valkey_version"]; v != "" {
		return "valkey " + v, nil
	}
	return "redis " + field["redis_version"], nil
}
