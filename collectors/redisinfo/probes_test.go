package redisinfo

import (
	"math"
	"reflect"
	"testing"
	"time"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

// TestProbes: a real server tells how long calls took and what was slow.
func TestProbes(t *testing.T) {
	srv := redistest.Start(t, "--slowlog-log-slower-than", "200000", "--maxmemory-policy", "allkeys-lru")
	c := New(open(t, srv.URL()))
	for range 200 {
		srv.Do("SET", "a", "1")
	}
	n := collect(t, c)
	set := commandOf(t, n, "set")
	if set.Calls != known(200) || len(set.Histogram) != ladderSteps || set.Histogram[ladderSteps-1].Count != 200 || !set.P50.OK || !set.P99.OK {
		t.Errorf("set: %+v", set)
	}
	if n.SlowlogSeconds != known(0.2) || n.SlowlogEntries != known(0) {
		t.Errorf("slow: %v beyond %v", n.SlowlogEntries, n.SlowlogSeconds)
	}
	srv.Do("DEBUG", "SLEEP", "0.3")
	srv.Do("SLOWLOG", "RESET")
	srv.Do("DEBUG", "SLEEP", "0.3")
	if n := collect(t, c); n.SlowlogEntries.OK || commandOf(t, n, "set").Histogram != nil || n.SlowlogSeconds != known(0.2) {
		t.Errorf("asked again at once: %+v", n)
	}
	for _, p := range c.probes {
		p.next = time.Time{}
	}
	if n := collect(t, c); n.SlowlogEntries != known(1) {
		t.Errorf("slow after one that is in the log: %v", n.SlowlogEntries)
	}
	if own := n.OwnByName["hello"]; own != 1 || n.OwnByName["info"] != 1 { // whether it is a cluster; not the one that told
		t.Errorf("our own: %v", n.OwnByName)
	}
}

func commandOf(t *testing.T, n snapshot.RedisNode, name string) snapshot.RedisCommand {
	t.Helper()
	for _, c := range n.CommandStats {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no %s in %+v", name, n.CommandStats)
	return snapshot.RedisCommand{}
}

// TestProbesAreRefusedOnce: a user who may run INFO only gets its figures, a
// line for each thing that is missing, and one refusal for each, also when the
// connection was lost in between.
func TestProbesAreRefusedOnce(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("ACL", "SETUSER", "mon", "on", ">pw", "~*", "-@all", "+hello", "+info")
	c := New(open(t, "unix://mon:pw@"+srv.Sock))
	for range 10 {
		for _, p := range c.probes {
			p.next, p.nextConfig = time.Time{}, time.Time{}
		}
		if n := collect(t, c); !n.Commands.OK || n.SlowlogEntries.OK {
			t.Fatalf("%+v", n)
		}
		srv.Do("CLIENT", "KILL", "USER", "mon")
		_, _ = c.Collect(t.Context()) // on the lost connection
	}
	notes := []string{}
	for _, n := range c.Notes() {
		notes = append(notes, n.Fix)
	}
	want := []string{
		"ACL SETUSER name +config|get", "ACL SETUSER name +latency|histogram",
		"ACL SETUSER name +slowlog|get", "ACL SETUSER name +slowlog|len",
	}
	if !reflect.DeepEqual(notes, want) {
		t.Errorf("notes %q, want %q", notes, want)
	}
	for _, e := range collect(t, c).Errors {
		if e.Code.Raw() == "NOPERM" && (e.Count < 5 || e.Count > 6) { // those four, CLIENT SETNAME, and NO-TOUCH from 7.2 on
			t.Errorf("%v refusals", e.Count)
		}
	}
}

func TestSlowLog(t *testing.T) {
	entry := func(id int64) any { return []any{[]any{id, int64(1), int64(2), []any{"GET", "secret"}}} }
	none := []any{}
	type step struct {
		length, newest any
		want           snapshot.Value
	}
	tests := map[string][]step{
		"from empty":        {{int64(0), none, known(0)}, {int64(2), entry(1), known(2)}, {int64(3), entry(2), known(3)}},
		"full at first":     {{int64(128), entry(900), known(128)}, {int64(128), entry(905), known(133)}},
		"emptied before us": {{int64(0), none, known(0)}, {int64(1), entry(57), known(1)}},
		"emptied meanwhile": {{int64(3), entry(9), known(3)}, {int64(0), none, known(3)}, {int64(1), entry(10), known(4)}},
		"numbered anew":     {{int64(3), entry(9), known(3)}, {int64(2), entry(1), known(5)}},
		"not permitted":     {{nil, nil, snapshot.Value{}}, {int64(3), nil, snapshot.Value{}}, {nil, entry(1), snapshot.Value{}}},
		"rubbish":           {{int64(3), []any{"x"}, snapshot.Value{}}, {int64(3), []any{[]any{"x"}}, snapshot.Value{}}},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			var s slowLog
			for i, st := range steps {
				if got := s.total(st.length, st.newest); got != st.want {
					t.Errorf("step %d: %v, want %v", i, got, st.want)
				}
			}
		})
	}
}

// TestLadder: bounds as 7.0.15 writes them, 33 for 32.8 and 4227 for 4194.
func TestLadder(t *testing.T) {
	got := ladders([]any{"SET", []any{"calls", int64(103), "histogram_usec", []any{int64(1), int64(100), int64(8), int64(101), int64(33), int64(102), int64(4227), int64(103)}}, "odd"})
	l := got["set"]
	if len(got) != 1 || len(l) != ladderSteps {
		t.Fatalf("%v", got)
	}
	for i, want := range map[int]float64{0: 100, 2: 100, 3: 101, 4: 101, 5: 102, 11: 102, 12: 103, 20: 103} {
		if l[i].Count != want || math.Abs(l[i].Le-1.024e-6*math.Pow(2, float64(i))) > 1e-12 {
			t.Errorf("step %d is %+v, want %v calls", i, l[i], want)
		}
	}
	for _, bad := range []any{nil, "x", []any{int64(1), int64(2)}, []any{"get", []any{"calls"}}, []any{"get", []any{"", "", "", "x"}}} {
		if got := ladders(bad); len(got) != 0 {
			t.Errorf("%v gives %v", bad, got)
		}
	}
}

func TestSlowerThan(t *testing.T) {
	for s, want := range map[string]snapshot.Value{"10000": known(0.01), "0": known(0), "-1": {}, "x": {}} {
		if got := slowerThan([]any{"slowlog-log-slower-than", s}); got != want {
			t.Errorf("%q is %v, want %v", s, got, want)
		}
	}
	if got := slowerThan(nil); got.OK {
		t.Errorf("nothing is %v", got)
	}
}

// TestOwnCalls: a server that counts a command's subcommands together counts
// ours there too.
func TestOwnCalls(t *testing.T) {
	own := map[string]uint64{"memory|usage": 3, "client|setname": 1, "type": 2}
	stats := []snapshot.RedisCommand{{Name: "memory"}, {Name: "client|setname"}, {Name: "client"}, {Name: "type"}}
	want := map[string]float64{"memory": 3, "client|setname": 1, "type": 2}
	if got := ownCalls(own, stats); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
