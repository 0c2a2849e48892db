// Package redistest starts a real redis-server for tests: on a unix socket in a
// directory of its own, without persistence, ended with the test.
package redistest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec" //nolint:depguard // test support: no program links it
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Server is a running redis-server. Its methods fail the test on any trouble.
type Server struct {
	t    testing.TB
	Sock string // path of the unix socket
	Addr string // host:port; empty: the socket is all there is
	args []string
	cmd  *exec.Cmd
}

// Start runs redis-server with the extra arguments and waits until it answers.
// It skips the test where there is no redis-server, or fails it when
// APITOP_REQUIRE_SERVERS is 1.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		const how = "redis-server is not installed: apt-get install redis-server"
		if os.Getenv("APITOP_REQUIRE_SERVERS") == "1" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	dir, err := os.MkdirTemp("", "redis") //nolint:usetesting // short: a socket's path has 107 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &Server{t: t, Sock: filepath.Join(dir, "s")}
	s.args = append([]string{
		"--port", "0", "--unixsocket", s.Sock, "--dir", dir, "--save", "",
		"--loglevel", "warning", "--logfile", filepath.Join(dir, "log"), "--enable-debug-command", "yes",
	}, args...)
	s.Run()
	t.Cleanup(s.Kill)
	return s
}

// StartTCP is [Start] with a free port of 127.0.0.1 beside the socket.
func StartTCP(t testing.TB, args ...string) *Server {
	t.Helper()
	return startAt(t, FreePorts(t, 1)[0], args...)
}

func startAt(t testing.TB, port int, args ...string) *Server {
	t.Helper()
	s := Start(t, append([]string{"--bind", "127.0.0.1", "--port", strconv.Itoa(port)}, args...)...)
	s.Addr = "127.0.0.1:" + strconv.Itoa(port)
	return s
}

// FreePorts are ports of 127.0.0.1 that nobody listens on.
func FreePorts(t testing.TB, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }() // all at the end, so that no port comes twice
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// Run starts the server again after [Server.Kill].
func (s *Server) Run() {
	s.t.Helper()
	s.cmd = exec.Command("redis-server", s.args...) //nolint:gosec,noctx // arguments from tests; ended by Kill
	dieWithParent(s.cmd)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.Wait("+PONG", "-NOAUTH")
}

// Kill ends the server as kill -9 does. Killing a dead server does nothing.
func (s *Server) Kill() {
	if s.cmd.ProcessState != nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// Signal sends a signal to the server's process.
func (s *Server) Signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// URL is the address for the monitor.
func (s *Server) URL() string { return "unix://" + s.Sock }

// Wait polls with PING until the answer begins with one of want.
func (s *Server) Wait(want ...string) {
	s.t.Helper()
	last := ""
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		last = s.ping()
		if slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(last, w) }) {
			return
		}
	}
	s.t.Fatalf("redis-server at %s: PING answers %q, want %q", s.Sock, last, want)
}

func (s *Server) ping() string {
	conn, err := s.dial()
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	_, _ = conn.Write([]byte("PING\r\n"))
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return line
}

func (s *Server) dial() (net.Conn, error) {
	return new(net.Dialer).DialContext(context.Background(), "unix", s.Sock)
}

// Do sends one command on a connection of its own and returns the reply as
// text: a list has one line for each element. An error reply fails the test.
func (s *Server) Do(args ...string) string {
	s.t.Helper()
	conn, err := s.dial()
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	r := bufio.NewReader(conn)
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := conn.Write([]byte(b.String())); err != nil {
		s.t.Fatal(err)
	}
	out, err := reply(r)
	if err != nil {
		s.t.Fatalf("%.60q: %v", args, err)
	}
	return out
}

// Has tells whether the server has a command, spelt as an ACL does:
// "client|no-touch".
func (s *Server) Has(command string) bool {
	s.t.Helper()
	return s.Do("COMMAND", "INFO", command) != ""
}

// Info is one field of INFO as a number; a missing field fails the test.
func (s *Server) Info(field string) float64 {
	s.t.Helper()
	for line := range strings.SplitSeq(s.Do("INFO", "everything"), "\r\n") {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return n
		}
	}
	s.t.Fatalf("INFO has no field %q", field)
	return 0
}
