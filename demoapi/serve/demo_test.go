package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"apitop/demoapi/stack"
)

// ownerArg makes the test binary the owner of a demo, to be killed by the test.
const ownerArg = "test-owner"

// owner starts a demo, tells its processes and ends it on a signal.
func owner() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	d, err := StartDemo(ctx, DemoOptions{})
	if err == nil {
		err = writeLine(os.Stdout, family{d.stack.Guard().Dir(), d.MetricsURL})
		<-ctx.Done()
		err = errors.Join(err, d.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// family is what an owner tells the test.
type family struct{ Dir, MetricsURL string }

// running lists the processes of a demo: those with its folder in their
// environment or command line.
func running(t *testing.T, dir string) []string {
	t.Helper()
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, p := range procs {
		env, _ := os.ReadFile(p + "/environ") // gone meanwhile: empty
		args, _ := os.ReadFile(p + "/cmdline")
		if strings.Contains(string(env)+string(args), dir) {
			found = append(found, strings.ReplaceAll(string(args), "\x00", " "))
		}
	}
	return found
}

func startDemo(t *testing.T, o DemoOptions) *Demo {
	t.Helper()
	began := time.Now()
	d, err := StartDemo(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("up after %v: %+v", time.Since(began).Round(time.Millisecond), d.Notes)
	return d
}

func scrape(t *testing.T, url string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", url, resp.Status, err)
	}
	return string(body)
}

// TestDemo runs a whole demo: the generator's own count has to agree with what
// the API has counted, and nothing may be left.
func TestDemo(t *testing.T) {
	for name, o := range map[string]DemoOptions{
		"whatever is installed": {RPS: 40},
		"nothing installed":     {RPS: 40, Stack: stack.Options{Redis: stack.Fallback, Postgres: stack.Fallback}},
	} {
		t.Run(name, func(t *testing.T) {
			d := startDemo(t, o)
			within(t, 10*time.Second, "a hundred requests", func() bool {
				sent, elapsed := d.TrafficCount()
				return sent >= 100 && elapsed > time.Second
			})
			c := d.Traffic()
			if rps := float64(c.Sent) / c.ElapsedSeconds; rps < 30 || rps > 50 {
				t.Errorf("%.1f requests a second, want 40", rps)
			}
			if c.Completed > c.Sent || c.Completed+20 < c.Sent || c.Status["200"] == 0 {
				t.Errorf("count %+v", c)
			}
			if got := requests(t, scrape(t, d.MetricsURL)); got+5 < float64(c.Completed) || got > float64(c.Completed)+100 {
				t.Errorf("the API counted %v requests, the generator %+v", got, c)
			}
			if pid := d.APIPID(); pid == os.Getpid() || !strings.Contains(strings.Join(running(t, d.stack.Guard().Dir()), "\n"), apiMode) {
				t.Errorf("the API has no process of its own: %d", pid)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
			if left := running(t, d.stack.Guard().Dir()); len(left) > 0 {
				t.Errorf("left: %q", left)
			}
			if _, err := os.Stat(d.stack.Guard().Dir()); err == nil {
				t.Error("the folder is left")
			}
			select {
			case <-d.Done():
			default:
				t.Error("the API is not done")
			}
		})
	}
}

// requests adds up the counter of all answered requests.
func requests(t *testing.T, page string) float64 {
	t.Helper()
	var sum float64
	for line := range strings.Lines(page) {
		if value, ok := strings.CutPrefix(line, "http_requests_total{"); ok {
			var n float64
			if _, err := fmt.Sscan(value[strings.LastIndex(value, "}")+1:], &n); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			sum += n
		}
	}
	return sum
}

// TestDemoOwnerGone ends the owner in every way; nothing may be left after
// three seconds.
func TestDemoOwnerGone(t *testing.T) {
	for name, sig := range map[string]syscall.Signal{"kill -9": syscall.SIGKILL, "Ctrl-C": syscall.SIGINT, "hangup": syscall.SIGHUP} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], ownerArg)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			}()
			var f family
			if err := json.NewDecoder(out).Decode(&f); err != nil {
				t.Fatal(err)
			}
			if n := len(running(t, f.Dir)); n < 3 {
				t.Fatalf("only %d processes: %q", n, running(t, f.Dir))
			}
			// The whole foreground group, as a terminal does.
			if err := syscall.Kill(-cmd.Process.Pid, sig); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			within(t, 3*time.Second, "everything gone", func() bool {
				_, err := os.Stat(f.Dir)
				return err != nil && len(running(t, f.Dir)) == 0
			})
			t.Logf("gone after %v", time.Since(began).Round(time.Millisecond))
		})
	}
}

func TestTwoDemos(t *testing.T) {
	o := DemoOptions{Stack: stack.Options{Postgres: stack.Fallback}, RPS: -1}
	var demos [2]*Demo
	var wg sync.WaitGroup
	for i := range demos {
		wg.Go(func() { demos[i] = startDemo(t, o) })
	}
	wg.Wait()
	if demos[0].URL() == demos[1].URL() || demos[0].RedisURL == demos[1].RedisURL {
		t.Errorf("shared: %s %s", demos[0].WatchLine(), demos[1].WatchLine())
	}
	if err := demos[0].Close(); err != nil {
		t.Error(err)
	}
	scrape(t, demos[1].MetricsURL)
	if sent, elapsed := demos[1].TrafficCount(); sent != 0 || elapsed != 0 {
		t.Errorf("traffic without a generator: %d %v", sent, elapsed)
	}
}

// TestDemoTaken: a taken address is named, and nothing is left.
func TestDemoTaken(t *testing.T) {
	ln, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	addr := ln.Addr().String()
	base, err := os.MkdirTemp("", "t") //nolint:usetesting // its paths are too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(base) }()
	o := DemoOptions{Listen: addr, Stack: stack.Options{Redis: stack.Fallback, Postgres: stack.Fallback, Base: base}}
	if d, err := StartDemo(t.Context(), o); err == nil || !strings.Contains(err.Error(), addr+": another program listens there") {
		t.Errorf("demo %v, error %v", d, err)
	}
	if left, err := os.ReadDir(base); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}
