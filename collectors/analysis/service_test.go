package analysis

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// servicePage is a page of target that says s of its service.
func servicePage(target string, second float64, s snapshot.Service) *snapshot.HTTP {
	return &snapshot.HTTP{Target: safe.New(target), At: at(second), Service: s}
}

// serve steps a new engine over rounds of pages, two seconds apart.
func serve(rounds ...[]*snapshot.HTTP) *Report {
	e := New(Options{Window: 10e9})
	var r *Report
	for i, pages := range rounds {
		r = e.Step(snapshot.Snapshot{Seq: uint64(i), At: at(float64(2 * i)), HTTP: pages})
	}
	return r
}

// one is a round of one page of the target "a".
func one(round int, s snapshot.Service) []*snapshot.HTTP {
	return []*snapshot.HTTP{servicePage("a", float64(2*round), s)}
}

func pool(p snapshot.Pool) snapshot.Service { return snapshot.Service{Pools: []snapshot.Pool{p}} }

func queue(q snapshot.Queue) snapshot.Service { return snapshot.Service{Queues: []snapshot.Queue{q}} }

func TestServicePool(t *testing.T) {
	before := snapshot.Pool{Kind: "pgxpool", InUse: known(1), Idle: known(3), Max: known(4), Waiting: known(0), Acquires: known(100), Waits: known(10), WaitSeconds: known(5), Timeouts: known(1)}
	after := snapshot.Pool{Kind: "pgxpool", InUse: known(3), Idle: known(1), Max: known(4), Waiting: known(2), Acquires: known(160), Waits: known(14), WaitSeconds: known(6), Timeouts: known(3)}
	p := serve(one(0, pool(before)), one(1, pool(after))).Service.Pools[0]
	check(t, "in use", p.InUse, known(3))
	check(t, "used", p.UsedRatio, known(0.75))
	check(t, "waiting", p.Waiting, known(2))
	check(t, "acquires", p.AcquiresPerSecond, known(30))
	check(t, "waits", p.WaitsPerSecond, known(2))
	check(t, "mean wait", p.WaitSeconds, known(0.25))
	check(t, "timeouts", p.TimeoutsPerSecond, known(1))

	first := serve(one(0, pool(before))).Service.Pools[0]
	check(t, "waits of the first page", first.WaitsPerSecond, unknown)
	check(t, "idle of the first page", first.Idle, known(3))

	restarted := snapshot.Pool{Kind: "pgxpool", Waits: known(6), WaitSeconds: known(0.6), Acquires: known(8)}
	p = serve(one(0, pool(before)), one(1, pool(restarted))).Service.Pools[0]
	check(t, "waits after a restart", p.WaitsPerSecond, known(3))
	check(t, "mean wait after a restart", p.WaitSeconds, known(0.1))
	check(t, "in use when the page does not say", p.InUse, unknown)
	check(t, "used when the page does not say", p.UsedRatio, unknown)

	hikari := func(acquires, seconds float64) snapshot.Service {
		return pool(snapshot.Pool{Kind: "hikaricp", Acquires: known(acquires), WaitSeconds: known(seconds)})
	}
	p = serve(one(0, hikari(10, 1)), one(1, hikari(20, 1.5))).Service.Pools[0]
	check(t, "mean of all acquires", p.WaitSeconds, known(0.05))
	check(t, "waits that are not parted", p.WaitsPerSecond, unknown)
}

// TestServiceInstances: what several instances say is added up by name; of a
// queue in a broker all say the same.
func TestServiceInstances(t *testing.T) {
	round := func(i int, n float64) []*snapshot.HTTP {
		say := func(target string, length float64, limit Value) *snapshot.HTTP {
			return servicePage(target, float64(2*i), snapshot.Service{
				Runtime: snapshot.Runtime{Language: "go", Version: safe.New("go" + target), HeapBytes: known(100), GCSeconds: known(n * 0.1), GCs: known(n), LagSeconds: known(length / 1000)},
				Pools:   []snapshot.Pool{{Kind: "pgxpool", Name: safe.New("p"), InUse: known(2), Max: limit}, {Kind: "pgxpool", Name: safe.New("q"), InUse: known(1)}},
				Queues: []snapshot.Queue{
					{Kind: "celery", Name: safe.New("mail"), Length: known(length), Done: known(n * 10), SharedLength: true, SharedTotals: true},
					{Name: safe.New("orders"), Length: known(length), Done: known(n * 10)},
					{Kind: "oban", Length: known(length), Done: known(n * 10), SharedLength: true},
				},
				Caches: []snapshot.CacheUse{{Name: safe.New("c"), Hits: known(n * 3), Misses: known(n), Entries: known(5)}},
			})
		}
		return []*snapshot.HTTP{say("a", 7, known(4)), say("b", 8, unknown)}
	}
	s := serve(round(0, 1), round(1, 3)).Service
	queues := map[string]Queue{}
	for _, q := range s.Queues {
		queues[q.Kind+q.Name.String()] = q
	}
	check(t, "length in a broker", queues["celerymail"].Length, known(8))
	check(t, "done in a broker", queues["celerymail"].DonePerSecond, known(10))
	check(t, "length in the processes", queues["orders"].Length, known(15))
	check(t, "done in the processes", queues["orders"].DonePerSecond, known(20))
	check(t, "length of a broker, done by processes", queues["oban"].Length, known(8))
	check(t, "done by processes", queues["oban"].DonePerSecond, known(20))
	if len(s.Pools) != 2 || s.Pools[0].Name.String() != "p" {
		t.Fatalf("pools = %+v", s.Pools)
	}
	check(t, "in use", s.Pools[0].InUse, known(4))
	check(t, "used, of the instance with a limit", s.Pools[0].UsedRatio, known(0.5))
	check(t, "hit ratio", s.Caches[0].HitRatio, known(0.75))
	check(t, "lookups", s.Caches[0].LookupsPerSecond, known(8))
	check(t, "entries", s.Caches[0].Entries, known(10))
	check(t, "heap", s.Runtime.HeapBytes, known(200))
	check(t, "collections", s.Runtime.GCsPerSecond, known(2))
	check(t, "collecting, of the mean instance", s.Runtime.GCRatio, known(0.1))
	check(t, "lag of the worst", s.Runtime.LagSeconds, known(0.008))
	if v := s.Runtime.Version.String(); v != "goa gob" {
		t.Errorf("versions %q", v)
	}
}

// TestSchedulerLag: Go's lag is the percentile of the waits in the window.
func TestSchedulerLag(t *testing.T) {
	waits := func(cum ...float64) snapshot.Service {
		h := snapshot.Histogram{Bounds: []float64{0.001, 0.01}, Cumulative: cum, Count: cum[len(cum)-1]}
		return snapshot.Service{Runtime: snapshot.Runtime{Language: "go", Tasks: known(1), Waits: &h}}
	}
	check(t, "first page", serve(one(0, waits(50, 60, 60))).Service.Runtime.LagSeconds, unknown)
	r := serve(one(0, waits(50, 60, 60)), one(1, waits(140, 160, 160))).Service.Runtime
	check(t, "lag", r.LagSeconds, known(0.001+0.009*0.9))
}

// TestQueueWait: a mean of the window where the page has the times, else its own
// figure.
func TestQueueWait(t *testing.T) {
	timed := func(n, seconds float64) snapshot.Service {
		return queue(snapshot.Queue{Name: safe.New("q"), Waited: known(n), WaitedTotal: known(seconds), WaitSeconds: known(99)})
	}
	check(t, "mean", serve(one(0, timed(10, 5)), one(1, timed(14, 7))).Service.Queues[0].WaitSeconds, known(0.5))
	check(t, "nobody waited", serve(one(0, timed(10, 5)), one(1, timed(10, 5))).Service.Queues[0].WaitSeconds, unknown)
	check(t, "the page's own", serve(one(0, queue(snapshot.Queue{WaitSeconds: known(3)}))).Service.Queues[0].WaitSeconds, known(3))
}

// count is a service of counters by name.
func count(cut bool, totals map[string]float64) snapshot.Service {
	s := snapshot.Service{CountersCut: cut}
	for name, v := range totals {
		s.Counters = append(s.Counters, snapshot.Counter{ID: name, Name: safe.New(name), Total: v})
	}
	return s
}

func TestServiceCounters(t *testing.T) {
	s := serve(one(0, count(false, map[string]float64{"slow": 5, "fast": 5, "still": 9})), one(1, count(false, map[string]float64{"slow": 7, "fast": 25, "still": 9, "born": 4}))).Service
	want := []struct {
		name         string
		rate, growth float64
	}{{"fast", 10, 20}, {"born", 2, 4}, {"slow", 1, 2}, {"still", 0, 0}}
	for i, w := range want {
		c := s.Counters[i]
		if c.Name.String() != w.name {
			t.Errorf("counter %d is %v, want %v", i, c.Name, w.name)
		}
		check(t, w.name+" rate", c.PerSecond, known(w.rate))
		check(t, w.name+" growth", c.Growth, known(w.growth))
	}
	s = serve(one(0, count(true, map[string]float64{"a": 5})), one(1, count(true, map[string]float64{"a": 7, "shown now": 900}))).Service
	if c := s.Counters[1]; c.Name.String() != "shown now" || c.PerSecond.OK {
		t.Errorf("a counter that is listed only now, and not born: %+v", c)
	}
	many := map[string]float64{}
	for i := range 3 * mostListedCounters {
		many[strconv.Itoa(i)] = float64(i)
	}
	if n := len(serve(one(0, count(false, many))).Service.Counters); n != mostListedCounters {
		t.Errorf("%d counters listed", n)
	}
}

// TestCounterChange: a rate is compared with the minutes before, so that of two
// counters that move alike the one that changed comes first.
func TestCounterChange(t *testing.T) {
	var rounds [][]*snapshot.HTTP
	steady, burst := 0.0, 0.0
	for i := range 100 {
		steady += 20
		burst += 2
		if i >= 95 {
			burst += 18
		}
		rounds = append(rounds, one(i, count(false, map[string]float64{"steady": steady, "burst": burst})))
	}
	s := serve(rounds...).Service
	if s.Counters[0].Name.String() != "burst" {
		t.Errorf("first of equal rates: %+v", s.Counters[0])
	}
	check(t, "steady", s.Counters[1].ChangeRatio, known(0))
	if c := s.Counters[0].ChangeRatio; !c.OK || c.V < 2 || c.V > 9 {
		t.Errorf("ten times as much for ten seconds: %+v", c)
	}
	check(t, "before there is a past", serve(rounds[:2]...).Service.Counters[0].ChangeRatio, unknown)
}

// TestServiceUnknown: a page that says nothing makes no section, and one that
// says little has nulls and no zeros.
func TestServiceUnknown(t *testing.T) {
	if s := serve(one(0, snapshot.Service{}), one(1, snapshot.Service{})).Service; s != nil {
		t.Errorf("a section of nothing: %+v", s)
	}
	r := serve(
		one(0, snapshot.Service{Runtime: snapshot.Runtime{Language: "ruby"}, Pools: []snapshot.Pool{{Kind: "puma"}}, Caches: []snapshot.CacheUse{{}}, Queues: []snapshot.Queue{{}}}),
		one(1, snapshot.Service{Runtime: snapshot.Runtime{Language: "ruby"}, Pools: []snapshot.Pool{{Kind: "puma"}}, Caches: []snapshot.CacheUse{{}}, Queues: []snapshot.Queue{{}}}))
	b, err := json.Marshal(r.Service)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), ":0") || !strings.Contains(string(b), `"counters":[]`) || !strings.Contains(string(b), `"gc_ratio":null`) {
		t.Errorf("written as %s", b)
	}
}

// TestServiceProcesses: what a page's start time says of its requests holds for
// the rest of it too.
func TestServiceProcesses(t *testing.T) {
	page := func(round int, start, waits float64) []*snapshot.HTTP {
		h := servicePage("a", float64(2*round), pool(snapshot.Pool{Kind: "p", Waits: known(waits)}))
		h.Service.Counters = []snapshot.Counter{{ID: "c", Name: safe.New("c"), Total: waits}}
		h.StartTime = known(start)
		return []*snapshot.HTTP{h}
	}
	rates := func(r *Report) (Value, Value) {
		return r.Service.Pools[0].WaitsPerSecond, r.Service.Counters[0].PerSecond
	}
	tests := map[string]struct {
		pages [2][]*snapshot.HTTP
		want  Value
	}{
		"goes on":                    {[2][]*snapshot.HTTP{page(0, 1000, 5), page(1, 1000, 9)}, known(2)},
		"restarted, and not fallen":  {[2][]*snapshot.HTTP{page(0, 1000, 5), page(1, 2000, 6)}, known(3)},
		"fallen":                     {[2][]*snapshot.HTTP{page(0, 1000, 5), page(1, 1000, 4)}, known(2)},
		"another, older one answers": {[2][]*snapshot.HTTP{page(0, 2000, 5), page(1, 1000, 900)}, unknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			waits, counter := rates(serve(tt.pages[0], tt.pages[1]))
			check(t, "waits", waits, tt.want)
			check(t, "counter", counter, tt.want)
		})
	}
	young := page(1, 3000, 8)
	young[0].Target, young[0].FromZero, young[0].Instance = safe.New("a, another process"), true, safe.New("a")
	waits, _ := rates(serve(page(0, 1000, 5), append(page(1, 1000, 5), young...)))
	check(t, "a process that was not there before", waits, known(4))
}

// TestServiceStaysWhenAllAreGone: the last figures stay to be seen, and those of
// an instance that is gone do not count while others answer.
func TestServiceStaysWhenAllAreGone(t *testing.T) {
	say := func(target string, round int) *snapshot.HTTP {
		return servicePage(target, float64(2*round), pool(snapshot.Pool{Kind: "p", InUse: known(1)}))
	}
	var rounds [][]*snapshot.HTTP
	for i := range 4 {
		rounds = append(rounds, []*snapshot.HTTP{say("a", i), say("b", i)})
	}
	both := serve(rounds...)
	check(t, "both", both.Service.Pools[0].InUse, known(2))
	gone := serve(append(slices.Clone(rounds), nil, nil, nil, nil, nil)...)
	check(t, "nobody answers", gone.Service.Pools[0].InUse, known(2))
	for i := 4; i < 10; i++ {
		rounds = append(rounds, []*snapshot.HTTP{say("a", i)})
	}
	check(t, "one is gone", serve(rounds...).Service.Pools[0].InUse, known(1))
}
