package cache_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"apitop/demoapi/cache"
	"apitop/demoapi/rdb"
	"apitop/demoapi/servertest"
)

// childSocket makes the test binary a process with a cache on that Redis.
const childSocket = "APITOP_CACHE_TEST_SOCKET"

// child asks for one product 50 times at once when it is told to, and says how
// many loads it made.
func child(socket string) error {
	client, err := rdb.Open("unix://" + socket)
	if err != nil {
		return err
	}
	defer client.Close()
	c := cache.New(client, patient())
	defer c.Close()
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	var loads, wrong atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			raw, _, err := c.Get(context.Background(), cache.Product(1), slow(&loads, 100*time.Millisecond))
			if string(raw) != "1" || err != nil {
				wrong.Add(1)
			}
		})
	}
	wg.Wait()
	fmt.Println(loads.Load(), wrong.Load())
	return nil
}

// TestTwoRealProcesses: 100 misses at once in two processes on one real Redis
// make two loads at most.
func TestTwoRealProcesses(t *testing.T) {
	server := servertest.StartRedis(t)
	type process struct {
		*exec.Cmd
		in  *os.File
		out *bufio.Reader
	}
	var both []process
	for range 2 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childSocket+"="+server.Socket)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		theirs, in, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdin, cmd.Stderr = theirs, os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		theirs.Close()
		p := process{cmd, in, bufio.NewReader(out)}
		if line, err := p.out.ReadString('\n'); line != "ready\n" {
			t.Fatalf("the process says %q, %v", line, err)
		}
		both = append(both, p)
	}
	for _, p := range both {
		if _, err := p.in.WriteString("go\n"); err != nil {
			t.Fatal(err)
		}
		p.in.Close()
	}
	sum := 0
	for _, p := range both {
		line, err := p.out.ReadString('\n')
		loads, wrong, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err2 := strconv.Atoi(loads)
		if err != nil || err2 != nil || wrong != "0" {
			t.Errorf("a process reports %q, %v, %v, want no wrong answers", line, err, err2)
		}
		sum += n
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	}
	if sum < 1 || sum > 2 {
		t.Errorf("%d loads, want 1 or 2", sum)
	}
}

// TestRedisPaused: while a real Redis stands still for half a second nobody
// waits longer than 50 ms, and afterwards it is used again.
func TestRedisPaused(t *testing.T) {
	server := servertest.StartRedis(t)
	client := server.Client()
	t.Cleanup(func() { client.Close() })
	pid := redisPID(t, client.Info(t.Context(), "server").Val())
	late := lag(t)
	longest := time.Hour
	for try := range 5 { // a busy machine may delay a few of many
		c := onServerWith(t, server, cache.Config{})
		if try == 0 {
			get(t, c, cache.Product(0), answer(0)) // all scripts are known
		}
		c.UseL1(try%2 == 0)
		longest = min(longest, pausedFor(t, c, pid))
		if longest <= 50*time.Millisecond {
			break
		}
	}
	t.Logf("the longest wait of 400: %v; a plain sleep is up to %v late here", longest, late())
	if longest > 50*time.Millisecond+late() {
		t.Errorf("somebody waited %v, want 50 ms at most", longest)
	}
	c := onServer(t, server)
	get(t, c, cache.Product(1), answer(1))
	c.UseL1(false)
	if _, look := get(t, c, cache.Product(1), nil); look != hitRedis {
		t.Errorf("after the pause: %v", look)
	}
}

// lag measures until the test's end how late the machine is at most.
func lag(t *testing.T) (late func() time.Duration) {
	var most atomic.Int64
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			start := time.Now()
			select {
			case <-time.After(15 * time.Millisecond):
			case <-ended:
				return
			}
			most.Store(max(most.Load(), int64(time.Since(start)-15*time.Millisecond)))
		}
	})
	t.Cleanup(func() { close(ended); wg.Wait() })
	return func() time.Duration { return time.Duration(most.Load()) }
}

func redisPID(t *testing.T, info string) int {
	t.Helper()
	_, rest, _ := strings.Cut(info, "process_id:")
	digits, _, _ := strings.Cut(rest, "\r")
	pid, err := strconv.Atoi(digits)
	if err != nil {
		t.Fatalf("INFO has no process id: %v", err)
	}
	return pid
}

// pausedFor stops the process pid for half a second, asks c 200 times at once and
// 200 times more in the meantime, and returns the longest wait.
func pausedFor(t *testing.T, c *cache.Cache, pid int) time.Duration {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Skipf("cannot stop the server: %v", err)
	}
	wake := func() { _ = syscall.Kill(pid, syscall.SIGCONT) }
	defer wake() // a stopped server cannot be ended
	over := time.After(500 * time.Millisecond)
	var longest atomic.Int64
	ask := func(id int64) {
		start := time.Now()
		raw, _, err := c.Get(t.Context(), cache.Product(id), answer(id))
		took := int64(time.Since(start))
		if err != nil || string(raw) != strconv.FormatInt(id, 10) {
			t.Errorf("product %d: %s, %v", id, raw, err)
		}
		for old := longest.Load(); took > old && !longest.CompareAndSwap(old, took); old = longest.Load() {
		}
	}
	var wg sync.WaitGroup
	for id := range int64(200) {
		wg.Go(func() { ask(1000 + id) })
	}
	wg.Wait()
	for id := range int64(200) {
		ask(2000 + id%20)
		select {
		case <-over:
			return time.Duration(longest.Load())
		case <-time.After(2 * time.Millisecond):
		}
	}
	<-over
	return time.Duration(longest.Load())
}

// TestRedisRestarts: without Redis all is answered from memory and the store;
// when it is back, empty, it is used and listened to again.
func TestRedisRestarts(t *testing.T) {
	server := servertest.StartRedis(t)
	a, b := onServer(t, server), onServer(t, server)
	get(t, a, cache.Product(1), answer("old"))
	server.Stop()
	if raw, look := get(t, a, cache.Product(1), answer("new")); raw != `"old"` && look != missed {
		t.Errorf("%s, %v, want the value from memory, or a load when that took long", raw, look)
	}
	for id := range int64(20) {
		if _, look := get(t, a, cache.Product(100+id), answer(1)); look != missed {
			t.Errorf("without Redis: %v", look)
		}
	}
	if err := a.Delete(t.Context(), cache.Product(1)); err == nil {
		t.Error("a deletion without Redis gives no error")
	}
	server.Start()
	heard := func() bool { // a deletion there is noticed here, through Redis alone
		get(t, b, cache.Product(1), answer(1))
		if err := a.Delete(t.Context(), cache.Product(1)); err != nil {
			return false
		}
		for range 20 {
			if b.L1Entries() == 0 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		raw, _ := get(t, b, cache.Product(1), answer(2))
		return raw == "2"
	}
	for deadline := time.Now().Add(20 * time.Second); !heard(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the processes do not find together again")
		}
	}
	a.UseL1(false)
	get(t, a, cache.Product(5), answer(5))
	if _, look := get(t, a, cache.Product(5), nil); look != hitRedis {
		t.Errorf("in the end: %v, want Redis to be used", look)
	}
}
