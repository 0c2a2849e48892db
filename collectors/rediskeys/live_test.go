package rediskeys

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/redislive"
	"apitop/collectors/snapshot"
)

// meanwhile does something again and again until the test ends.
func meanwhile(t *testing.T, do func(i int)) {
	t.Helper()
	var wg sync.WaitGroup
	end := make(chan struct{})
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-end:
				return
			default:
				do(i)
			}
		}
	})
	t.Cleanup(func() { close(end); wg.Wait() })
}

// listener is an eager collector that may listen.
func listener(t *testing.T, url string, may redislive.Options) *Collector {
	t.Helper()
	c := New(open(t, url), Config{Duty: 1, Live: may})
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func methodOf(k *snapshot.Keys, m snapshot.Method) snapshot.HotMethod {
	for _, row := range k.Methods {
		if row.Method == m {
			return row
		}
	}
	return snapshot.HotMethod{}
}

func TestListenToBurst(t *testing.T) {
	srv := redistest.Start(t)
	for _, key := range []string{"product:1", "product:2", "rare"} {
		srv.Do("SET", key, "x")
	}
	c := listener(t, srv.URL(), redislive.Options{Monitor: true})
	meanwhile(t, func(i int) {
		srv.Do("GET", "product:1")
		srv.Do("GET", "product:"+strconv.Itoa(1+i%2))
		srv.Do("SET", "product:2", "x")
	})
	k := until(t, c, 20*time.Second, func(k *snapshot.Keys) bool {
		one, _ := cacheKeyOf(k, "product:1")
		return k.Burst != nil && one.Method == snapshot.MethodMonitor
	})
	one, _ := cacheKeyOf(k, "product:1")
	two, _ := cacheKeyOf(k, "product:2")
	if one.Rate.V <= two.Rate.V || two.Rate.V <= 0 || one.RateAt.IsZero() {
		t.Errorf("rates %v and %v", one.Rate, two.Rate)
	}
	if b := k.Burst; b.Lines == 0 || b.SpanSeconds <= 0 || b.WriteRatio.V < 0.2 || b.WriteRatio.V > 0.5 || len(b.Commands) < 2 || len(b.Clients) != 1 {
		t.Errorf("burst %+v", b)
	}
	if m := methodOf(k, snapshot.MethodMonitor); !m.On || m.Why.String() != "" {
		t.Errorf("method %+v", m)
	}
	first := k.Burst.At
	c.Burst() // not within 5 s
	if k := collect(t, c); !k.Burst.At.Equal(first) {
		t.Error("two bursts in a row")
	}
	c.walkers[0].ears.asked[snapshot.MethodMonitor] = time.Now().Add(-2 * burstAsked)
	until(t, c, 10*time.Second, func(k *snapshot.Keys) bool { return k.Burst.At.After(first) })
}

// TestListenRefused: what may not be done is asked for once and named.
func TestListenRefused(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("ACL", "SETUSER", "mon", "on", ">pw", "~*", "+@all", "-monitor", "-client|tracking", "-config")
	c := listener(t, "unix://mon:pw@"+srv.Sock, redislive.Options{Monitor: true, Tracking: true})
	k := until(t, c, 20*time.Second, func(k *snapshot.Keys) bool {
		return !methodOf(k, snapshot.MethodMonitor).On && !methodOf(k, snapshot.MethodTrack).On
	})
	for range 5 {
		k = collect(t, c)
	}
	for m, want := range map[snapshot.Method]string{
		snapshot.MethodMonitor: "not permitted: ACL SETUSER name +monitor",
		snapshot.MethodTrack:   "not permitted: ACL SETUSER name +client|tracking",
		snapshot.MethodHotkeys: "not allowed: --allow-hotkeys",
		snapshot.MethodEvents:  "whether the server publishes misses is not known: CONFIG GET is not permitted: ACL SETUSER name +config|get",
	} {
		if got := methodOf(k, m); got.On || got.Why.String() != want {
			t.Errorf("%s: %+v", m, got)
		}
	}
	if stats := srv.Do("INFO", "errorstats"); !strings.Contains(stats, "errorstat_NOPERM:count=3\r") {
		t.Errorf("not one refusal each: %s", stats)
	}
}

func TestListenToTracking(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("ACL", "SETUSER", "mon", "on", ">pw", "~*", "+@all", "-scan") // it cannot be found otherwise
	c := listener(t, "unix://mon:pw@"+srv.Sock, redislive.Options{Tracking: true})
	meanwhile(t, func(i int) {
		srv.Do("SET", "rl:203.0.113."+strconv.Itoa(i%3), "3", "PX", "60000")
		srv.Do("SET", "cached:1", "3")
	})
	until(t, c, 20*time.Second, func(k *snapshot.Keys) bool { return len(k.Limiters) == 3 })
}

// TestListenToMisses: the misses of others are counted and not our own, such as
// the question for the app's counts, which are not there.
func TestListenToMisses(t *testing.T) {
	srv := redistest.Start(t, "--notify-keyspace-events", "Em")
	srv.Do("SET", "cached:1", "x")
	c := listener(t, srv.URL(), redislive.Options{})
	meanwhile(t, func(int) {
		srv.Do("MGET", "gone:1", "gone:2", "gone:1", "cached:1")
		time.Sleep(time.Millisecond)
	})
	k := until(t, c, 30*time.Second, func(k *snapshot.Keys) bool { return len(k.Missed) > 0 })
	if len(k.Missed) != 2 || k.Missed[0].Key.Raw() != "gone:1" || k.MissedSeconds <= 0 {
		t.Errorf("got %v in %v s", k.Missed, k.MissedSeconds)
	}
	if a, b := k.Missed[0].Misses.V, k.Missed[1].Misses.V; b == 0 || a < 2*b-2 || a > 2*b+2 {
		t.Errorf("misses %v and %v", a, b)
	}
	if m := methodOf(k, snapshot.MethodEvents); !m.On {
		t.Errorf("method %+v", m)
	}
}

func TestMissesBounded(t *testing.T) {
	m := newMisses()
	for i := range 20_000 {
		m.add("often", 1)
		m.add("k"+strconv.Itoa(i), 1)
	}
	list := m.list()
	if len(m.keys) != mostMissed || len(list) != shownMissed || list[0].Key.Raw() != "often" || list[0].Misses.V != 20_000 {
		t.Errorf("%d kept, %d shown, first %v", len(m.keys), len(list), list[0])
	}
	for _, k := range list[1:] {
		if k.Misses.V > 1 {
			t.Errorf("%s: %v misses, was one", k.Key, k.Misses.V)
		}
	}
}
