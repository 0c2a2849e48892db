package main

import (
	"context"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"apitop/collectors"
	"apitop/collectors/analysis"
	"apitop/collectors/redisconn"
	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/redisinfo"
	"apitop/collectors/rediskeys"
	"apitop/collectors/snapshot"
)

// watcher runs the collectors of a Redis as the dashboard does.
type watcher struct {
	t       *testing.T
	live    *collectors.Live
	engine  *analysis.Engine
	marks   []string
	longest time.Duration // a round took
}

func watchRedis(t *testing.T, url string) *watcher {
	t.Helper()
	target, err := redisconn.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	server := redisconn.OpenServer(target)
	t.Cleanup(func() { _ = server.Close() })
	const interval = 300 * time.Millisecond
	return &watcher{
		t: t, engine: analysis.New(analysis.Options{}),
		live: collectors.New(interval,
			collectors.Job{Collector: redisinfo.New(server), Timeout: 2 * time.Second},
			collectors.Job{Collector: rediskeys.New(server, rediskeys.Config{Duty: 0.5}), Timeout: 2 * time.Second}),
	}
}

// until runs rounds until ok, and fails after limit. No round may hang, and no
// figure be out of all bounds.
func (w *watcher) until(what string, limit time.Duration, ok func(*analysis.Report, snapshot.Snapshot) bool) *analysis.Report {
	w.t.Helper()
	var last string
	for end := time.Now().Add(limit); time.Now().Before(end); {
		ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
		start := time.Now()
		s, err := w.live.Next(ctx)
		cancel()
		if err != nil {
			w.t.Fatalf("%s: the round failed: %v", what, err)
		}
		w.longest = max(w.longest, time.Since(start))
		r := w.engine.Step(s)
		for _, e := range r.Events {
			if len(w.marks) == 0 || w.marks[len(w.marks)-1] != e.Text {
				w.marks = append(w.marks, e.Text)
			}
		}
		if c := r.Cache; c != nil && c.OpsPerSecond.OK && (c.OpsPerSecond.V < 0 || c.OpsPerSecond.V > 50_000) {
			w.t.Errorf("%s: %v ops a second", what, c.OpsPerSecond.V)
		}
		last = failures(s)
		if ok(r, s) {
			return r
		}
	}
	w.t.Fatalf("not after %v: %s; last polls: %s", limit, what, last)
	return nil
}

// failures is what the polls of a round say.
func failures(s snapshot.Snapshot) string {
	var b strings.Builder
	for _, p := range s.Polls {
		b.WriteString(p.Source.Name.String() + ": ")
		if p.Failure != nil {
			b.WriteString(p.Failure.Error())
		}
		for _, n := range p.Notes {
			b.WriteString(" (" + n.What.String() + ")")
		}
		b.WriteString("; ")
	}
	return b.String()
}

func answered(nodes int) func(*analysis.Report, snapshot.Snapshot) bool {
	return func(_ *analysis.Report, s snapshot.Snapshot) bool {
		return s.Redis != nil && len(s.Redis.Nodes) == nodes && s.Keys != nil
	}
}

func says(text string) func(*analysis.Report, snapshot.Snapshot) bool {
	return func(_ *analysis.Report, s snapshot.Snapshot) bool { return strings.Contains(failures(s), text) }
}

// TestRedisFaults: whatever happens to the server, rounds go on, the poll says
// why there are no figures, and they come back.
func TestRedisFaults(t *testing.T) {
	srv := redistest.Start(t)
	w := watchRedis(t, srv.URL())
	const soon = 20 * time.Second // a failing source is asked more seldom
	w.until("the first figures", soon, answered(1))

	srv.Signal(syscall.SIGSTOP)
	w.until("stopped", soon, says("no answer in time"))
	srv.Signal(syscall.SIGCONT)
	w.until("continued", soon, answered(1))

	go srv.Do("DEBUG", "SLEEP", "3")
	w.until("blocked", soon, says("no answer in time"))
	w.until("not blocked any more", soon, answered(1))

	hog, err := new(net.Dialer).DialContext(t.Context(), "unix", srv.Sock)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hog.Write([]byte("CONFIG SET maxclients 1\r\nCLIENT KILL TYPE normal SKIPME yes\r\n")); err != nil {
		t.Fatal(err)
	}
	w.until("as many clients as allowed", soon, says("as many clients as it allows"))
	_ = hog.Close()
	w.until("there is room again", soon, answered(1))

	srv.Kill()
	w.until("killed", soon, says("connection refused"))
	srv.Run()
	w.until("back", soon, answered(1))
	if len(w.marks) != 1 || w.marks[0] != "redis restarted" {
		t.Errorf("marks %q", w.marks)
	}
	if w.longest > 3*time.Second {
		t.Errorf("a round took %v", w.longest)
	}
}

// TestRedisClusterFailover kills a master under the running collectors: the
// figures of the others go on, the replica's follow with a mark, and so do the
// keys.
func TestRedisClusterFailover(t *testing.T) {
	c := redistest.StartCluster(t, 3, 3)
	w := watchRedis(t, c.URL(1))
	for _, m := range c.Masters {
		m.Do("EVAL", "for i = 1, 2000 do redis.pcall('SET', 'product:' .. i, 'x') end", "0")
	}
	w.until("three masters", 20*time.Second, answered(3))
	dead := c.Masters[2]
	dead.Kill()
	w.until("two go on", 10*time.Second, answered(2))
	w.until("the dead one is named", 10*time.Second, says("node "+dead.Addr))
	w.until("three again", 20*time.Second, func(_ *analysis.Report, s snapshot.Snapshot) bool {
		return answered(3)(nil, s) && !strings.Contains(failures(s), "node ")
	})
	if len(w.marks) != 1 || w.marks[0] != "redis failed over: "+dead.Addr+" to "+c.Replicas[2].Addr {
		t.Errorf("marks %q", w.marks)
	}
	if w.longest > 3*time.Second {
		t.Errorf("a round took %v", w.longest)
	}
	dead.Run()
	w.until("the old master is a replica now, and nobody minds", 10*time.Second, answered(3))

	c.Masters[0].Signal(syscall.SIGSTOP) // hangs, where the other was refused
	w.until("another one hangs", 10*time.Second, answered(2))
	w.until("and is replaced", 30*time.Second, answered(3))
	if len(w.marks) != 2 {
		t.Errorf("marks %q", w.marks)
	}
}

// TestRedisSentinelFailover follows the name of the master.
func TestRedisSentinelFailover(t *testing.T) {
	c := redistest.StartSentinel(t, 1)
	w := watchRedis(t, "redis://"+c.Addr+"?master_name=mymaster")
	r := w.until("the first figures", 20*time.Second, answered(1))
	if r.Cache == nil || r.Cache.Mode != string(snapshot.RedisSentinel) {
		t.Errorf("mode of %+v", r.Cache)
	}
	c.Master.Kill()
	w.until("the replica's figures", 30*time.Second, func(_ *analysis.Report, s snapshot.Snapshot) bool {
		return answered(1)(nil, s) && s.Redis.Nodes[0].Node.String() == c.Replicas[0].Addr
	})
	if len(w.marks) != 1 || w.marks[0] != "redis failed over: "+c.Master.Addr+" to "+c.Replicas[0].Addr {
		t.Errorf("marks %q", w.marks)
	}
}
