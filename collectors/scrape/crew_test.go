package scrape

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apitop/collectors/analysis"
	"apitop/collectors/snapshot"
)

// TestRecordedWorkers gives eight pages of a server of three processes, each over
// a connection of its own, to whom they are of. Two of the three began in the
// same hundredth of a second.
func TestRecordedWorkers(t *testing.T) {
	c, err := New(Config{URL: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	c.crew.moody, c.crew.roams = map[string]bool{}, true
	var order []string
	for i := range 8 {
		page, err := os.ReadFile(filepath.Join(fixtureDir, fmt.Sprintf("gen/multiworker-3.%d.prom", i)))
		if err != nil {
			t.Skip("no recorded pages")
		}
		h, err := c.reader.Read(bytes.NewReader(page), "")
		if err != nil {
			t.Fatal(err)
		}
		r := c.newRound()
		p := reply{HTTP: h, marks: marksOf(c.reader, h), fresh: true, closes: true, date: time.Unix(1795450910, 0)}
		if i == 0 {
			r.give(r.join(p), p, nil)
		} else {
			r.arrived(t.Context(), p, nil)
		}
		for w := range r.got {
			order = append(order, w.name.String())
		}
	}
	want := "1 1-2 1-3 1-3 1-2 1-3 1-3 1" // as their http_requests_created says
	got := strings.ReplaceAll(strings.ReplaceAll(strings.Join(order, " "), "127.0.0.1:1 worker ", "1-"), "127.0.0.1:1", "1")
	if got != want {
		t.Errorf("pages of %s, want %s", got, want)
	}
}

// observer collects and analyses.
type observer struct {
	t      *testing.T
	c      *Collector
	engine *analysis.Engine
	rounds int
	report *analysis.Report
	notes  []snapshot.Note
	err    error

	pace    time.Duration // of until
	reading snapshot.Reading
	pages   map[string]*snapshot.HTTP // newest by target
	counted float64                   // requests in all rounds
}

func observe(t *testing.T, url string) *observer {
	t.Helper()
	c, err := New(Config{URL: url, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &observer{t: t, c: c, pages: map[string]*snapshot.HTTP{}, engine: analysis.New(analysis.Options{Interval: 100 * time.Millisecond, Window: time.Minute})}
}

// step is one round.
func (w *observer) step(interval time.Duration) {
	w.t.Helper()
	began := time.Now()
	s := snapshot.Snapshot{Seq: uint64(w.rounds), At: began}
	reading, err := w.c.Collect(w.t.Context())
	if err != nil {
		w.t.Logf("round %d: %v", w.rounds, err)
	}
	w.err = err
	w.notes = w.c.Notes()
	w.reading = reading
	s.AddTo(reading)
	for _, h := range s.HTTP {
		w.count(h)
	}
	w.report = w.engine.Step(s)
	w.rounds++
	time.Sleep(time.Until(began.Add(interval)))
}

// count adds what h says to the requests, as the analysis does for its window.
func (w *observer) count(h *snapshot.HTTP) {
	before := w.pages[h.Target.String()]
	w.pages[h.Target.String()] = h
	total := requestsOn(reply{HTTP: h})
	switch {
	case before != nil && before.StartTime == h.StartTime:
		w.counted += total - requestsOn(reply{HTTP: before})
	case before != nil || h.FromZero:
		w.counted += total
	}
}

// until steps until done.
func (w *observer) until(most int, done func() bool) {
	w.t.Helper()
	for range most {
		if w.step(w.pace); done() {
			return
		}
	}
	w.t.Logf("not done in %d rounds", most)
}

// during steps for a while, and some rounds longer.
func (w *observer) during(d, interval time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		w.step(interval)
	}
	for range 10 {
		w.step(interval)
	}
}

// TestSingleProcess asks a few times more at first, over a few connections, and
// then once a round over one.
func TestSingleProcess(t *testing.T) {
	for name, closes := range map[string]bool{"kept": false, "closes": true} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, &sim{start: 1.7e9})
			s.closes = closes
			w := observe(t, s.URL)
			for range 12 {
				w.step(0)
			}
			first := s.requests
			for range 20 {
				w.step(0)
			}
			if first > 12+24 || s.requests != first+20 || s.most > 6 {
				t.Errorf("%d requests for 12 rounds, %d for 20 more, %d connections at once", first, s.requests-first, s.most)
			}
			h, ok := w.reading.(*snapshot.HTTP)
			if !ok || h.Target != h.Instance || len(w.notes) > 1 || len(w.c.crew.list) != 1 || !w.c.crew.sure {
				t.Errorf("%T %+v, notes %v, %d processes", w.reading, h, w.notes, len(w.c.crew.list))
			}
			t.Logf("%d requests for 12 rounds", first)
		})
	}
}

// TestSpreadRequests counts the requests of processes behind a proxy that gives
// each request of one connection to another one of them.
func TestSpreadRequests(t *testing.T) {
	s := newSite(t, &sim{start: 1.7e9, hits: 100}, &sim{start: 1.7e9 + 0.5, hits: 50}, &sim{start: 1.7e9 + 7, hits: 70})
	s.mixes = true
	w := observe(t, s.URL)
	w.until(20, func() bool { return len(w.c.crew.list) == 3 })
	sent := 0
	for range 20 {
		sent += s.hit(5)
		w.step(0)
	}
	w.until(20, func() bool { return w.report.HTTP.Requests.V == float64(sent) })
	if got := w.report.HTTP.Requests.V; got != float64(sent) || !w.c.crew.roams || len(w.c.crew.list) != 3 {
		t.Errorf("%v requests, %d were sent; %d processes, roams %v", got, sent, len(w.c.crew.list), w.c.crew.roams)
	}
}

// TestRestarted keeps the name of a process that was restarted, and counts what
// it did since.
func TestRestarted(t *testing.T) {
	now := float64(time.Now().Unix())
	tests := map[string]struct {
		before, after sim
		closes        bool
	}{
		"with start":    {sim{start: now - 500, hits: 90}, sim{start: now + 1, hits: 3}, false},
		"closes":        {sim{start: now - 500, hits: 90}, sim{start: now + 1, hits: 3}, true},
		"without start": {sim{hits: 90, scrapes: 500}, sim{hits: 3}, false},
		"closes, too":   {sim{hits: 90, scrapes: 500}, sim{hits: 3}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, &tt.before)
			s.closes = tt.closes
			w := observe(t, s.URL)
			for range 8 {
				w.step(0)
			}
			s.mu.Lock()
			s.sims[0] = &tt.after
			s.mu.Unlock()
			s.CloseClientConnections()
			for range 4 {
				w.step(0)
			}
			h, ok := w.reading.(*snapshot.HTTP)
			if !ok || h.Target != h.Instance || w.report.HTTP.Requests.V != 3 {
				t.Errorf("%T %+v, %v requests", w.reading, h, w.report.HTTP.Requests)
			}
		})
	}
}

// TestNotARestart is of two processes that no time tells apart, where each answer
// may come from either: no step back may pass for a restart.
func TestNotARestart(t *testing.T) {
	tests := map[string]struct {
		a, b   sim
		closes bool
		mixes  bool
	}{
		"closes":      {sim{hits: 1000, scrapes: 10}, sim{hits: 400, scrapes: 20}, true, false},
		"proxy":       {sim{hits: 1000, scrapes: 10}, sim{hits: 400, scrapes: 20}, false, true},
		"proxy, idle": {sim{}, sim{}, false, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, &tt.a, &tt.b)
			s.mu.Lock()
			s.closes, s.mixes = tt.closes, tt.mixes
			s.mu.Unlock()
			notARestart(t, s)
		})
	}
}

func notARestart(t *testing.T, s *site) {
	t.Helper()
	w := observe(t, s.URL)
	for range 15 {
		w.step(0)
	}
	sent := 0
	for range 20 {
		sent += s.hit(5)
		w.step(0)
	}
	if w.report.HTTP != nil && w.report.HTTP.Requests.V > float64(sent) {
		t.Errorf("%v requests, %d were sent", w.report.HTTP.Requests, sent)
	}
	if !strings.Contains(fmt.Sprint(w.notes, w.err), "processes") {
		t.Errorf("notes %v, error %v", w.notes, w.err)
	}
}

// TestLateProcess finds a second process a while after the first.
func TestLateProcess(t *testing.T) {
	s := newSite(t, &sim{start: 1.7e9, hits: 10})
	w := observe(t, s.URL)
	w.until(20, func() bool { return w.c.crew.sure })
	s.mu.Lock()
	s.sims = append(s.sims, &sim{start: float64(time.Now().Unix()) + 5, hits: 4})
	s.mu.Unlock()
	w.until(60, func() bool {
		w.c.crew.watch = time.Now() // a minute later
		return len(w.c.crew.list) == 2
	})
	pages, ok := w.reading.(snapshot.Pages)
	if !ok || len(pages) != 2 || pages[0].FromZero || !pages[1].FromZero ||
		pages[1].Target.String() != pages[0].Target.String()+" worker 2" || pages[1].Instance != pages[0].Target {
		t.Fatalf("%T %+v", w.reading, w.reading)
	}
	if got := w.report.HTTP.Requests.V; got != 4 {
		t.Errorf("%v requests, want the 4 of the new process", got)
	}
	if !strings.Contains(fmt.Sprint(w.notes), "2 processes, perhaps more") {
		t.Errorf("notes %v", w.notes)
	}
	w.until(60, func() bool { return w.c.crew.sure })
	w.step(0)
	if len(w.notes) > 1 {
		t.Errorf("notes %v", w.notes)
	}
}

// TestAnySite counts requests behind addresses of all kinds: all of them where
// pages say which process they are of, and never more than there were, unless the
// source says that it cannot tell.
func TestAnySite(t *testing.T) {
	for seed := range uint64(60) {
		chance := rand.New(rand.NewPCG(seed, 7))
		told := chance.IntN(3) // 0: no start times, 1: the same for all, 2: their own
		var sims []*sim
		for i := range 1 + chance.IntN(5) {
			p := &sim{hits: chance.IntN(3) * chance.IntN(500), scrapes: chance.IntN(3)}
			p.start = [...]float64{0, 1.7e9, 1.7e9 + float64(i)*0.13}[told]
			sims = append(sims, p)
		}
		s := newSite(t, sims...)
		s.mu.Lock()
		s.chance = rand.New(rand.NewPCG(seed, 8))
		s.closes, s.mixes = chance.IntN(3) == 0, chance.IntN(3) == 0
		s.mu.Unlock()
		name := fmt.Sprintf("site %d: %d processes, told %d, closes %v, mixes %v", seed, len(sims), told, s.closes, s.mixes)
		w := observe(t, s.URL)
		for range 30 {
			w.step(0)
		}
		before := len(w.c.crew.list)
		sent := 0
		for range 20 {
			sent += s.hit(chance.IntN(4) * chance.IntN(8))
			w.step(0)
		}
		if w.report.HTTP != nil && w.report.HTTP.Requests.V < float64(sent) {
			w.until(15, func() bool { return w.report.HTTP.Requests.V >= float64(sent) })
		}
		got := 0.0
		if w.report.HTTP != nil {
			got = w.report.HTTP.Requests.V
		}
		all := len(sims) == before && (told == 2 || len(sims) == 1)
		said := w.c.crew.roams && told != 2 && w.c.crew.unsure > 0
		switch {
		case got > float64(sent) && !said, all && got != float64(sent):
			t.Errorf("%s: %v requests, %d were sent; %d known before, %d after, sure %v, notes %v, error %v",
				name, got, sent, before, len(w.c.crew.list), w.c.crew.sure, w.notes, w.err)
		case got < float64(sent) && w.c.crew.sure && len(w.notes) < 2 && w.err == nil:
			t.Errorf("%s: %v of %d requests, and nothing is said", name, got, sent)
		}
		if told == 2 && len(sims) != len(w.c.crew.list) {
			t.Errorf("%s: %d are known", name, len(w.c.crew.list))
		}
		w.c.Close()
		s.Close()
	}
}
