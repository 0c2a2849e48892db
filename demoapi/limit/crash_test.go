package limit_test

import (
	"context"
	"io"
	"math"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"apitop/demoapi/limit"
	"apitop/demoapi/rdb"
	"apitop/demoapi/servertest"
)

// crashEnv makes the test program the client that is killed; it holds the
// server's socket and the algorithm.
const crashEnv = "APITOP_TEST_LIMIT_CLIENT"

// crashQuota is never used up, and so wide that what GCRA counted can be told
// from its time: one request is an hour.
func crashQuota() limit.Quota { return limit.Quota{Limit: 500_000, Window: 500_000 * time.Hour} }

// crashClient asks from 16 goroutines for ever and writes a byte for each request
// that was let through.
func crashClient(socket string, a limit.Algorithm) {
	client, err := rdb.Open("unix://" + socket)
	if err != nil {
		panic(err)
	}
	l, err := limit.New(a, client, patient())
	if err != nil {
		panic(err)
	}
	for range 16 {
		go func() {
			for {
				r := orders("7", 1)
				r.Quota, r.Overall = crashQuota(), crashQuota()
				if res, err := l.Allow(context.Background(), r); err != nil || !res.Allowed {
					panic(err)
				}
				if _, err := os.Stdout.Write([]byte{'.'}); err != nil {
					panic(err)
				}
			}
		}()
	}
	time.Sleep(time.Minute) // it is killed long before
}

// TestClientKilled kills a client in the middle of its work, again and again:
// nothing it was allowed is lost, and no request is half counted.
func TestClientKilled(t *testing.T) {
	each(t, func(t *testing.T, a limit.Algorithm) {
		server := servertest.StartRedis(t)
		client := server.Client()
		t.Cleanup(func() { client.Close() })
		seen := int64(0)
		for round := range 5 {
			seen += killedAfter(t, crashEnv+"="+string(a)+" "+server.Socket, 100+73*round)
		}
		ctx := t.Context()
		about := client.HGetAll(ctx, "rate_limit_meta:7").Val()
		counted, _ := strconv.ParseInt(about["allowed:/orders"], 10, 64)
		if about["allowed:all"] != about["allowed:/orders"] {
			t.Errorf("half counted: %v", about)
		}
		// What was under way at a kill may have been counted: 16 requests each.
		if seen > counted || counted > seen+5*16 {
			t.Errorf("%d requests let through, %d counted", seen, counted)
		}
		for _, key := range client.Keys(ctx, "rate_[gl]*:7:*").Val() {
			var used int64
			if a == limit.SlidingLog {
				used = client.ZCard(ctx, key).Val()
			} else {
				us, _ := client.Get(ctx, key).Int64()
				used = int64(math.Ceil(time.UnixMicro(us).Sub(client.Time(ctx).Val()).Hours()))
			}
			if used != counted {
				t.Errorf("%s: %d used, %d counted", key, used, counted)
			}
		}
		if n := len(client.Keys(ctx, "*").Val()); n != 3 {
			t.Errorf("%d keys, want 3", n)
		}
	})
}

// killedAfter starts a client, kills it when it was let through n times, and
// gives how often it had been.
func killedAfter(t *testing.T, env string, n int) int64 {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^$")
	cmd.Env = append(os.Environ(), env)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadFull(out, make([]byte, n))
	if killed := cmd.Process.Kill(); err != nil || killed != nil {
		t.Errorf("the client ended early: %v, %v", err, killed)
	}
	rest, err := io.Copy(io.Discard, out)
	if err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it was killed
	return int64(n) + rest
}
