package redislive

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"apitop/collectors/redisconn"
	"apitop/collectors/redisconn/redistest"
)

// scripted is a stream of lines, each after a while.
type scripted struct {
	lines []later
	end   time.Time
	spent bool
	err   error // at the end; nil: nothing more comes
}

type later struct {
	after time.Duration
	text  string
}

var errTime = errors.New("time is up")

func (s *scripted) SetDeadline(t time.Time) { s.end = t }
func (s *scripted) Spent() bool             { return s.spent }

func (s *scripted) ReadLine(int) ([]byte, bool, error) {
	wait := time.Until(s.end)
	if len(s.lines) == 0 && s.err != nil {
		return nil, true, s.err
	}
	if len(s.lines) == 0 || s.lines[0].after > wait {
		if len(s.lines) > 0 {
			s.lines[0].after -= wait
		}
		time.Sleep(wait)
		return nil, true, errTime
	}
	next := s.lines[0]
	s.lines = s.lines[1:]
	time.Sleep(next.after)
	return []byte(next.text), false, nil
}

// at is a line that the server ran so long after its first one.
func at(d time.Duration, words ...string) string {
	micros := int64(1339518083107412) + d.Microseconds()
	return strings.Replace(quoted(words...), "1339518083.107412", fmt.Sprintf("%d.%06d", micros/1e6, micros%1e6), 1)
}

func run(s *scripted, lim Limits) (Sample, error) {
	b := burst{counter: newCounter(0), lim: lim.orDefault(), start: time.Now()}
	err := b.listen(s)
	return b.sample(), err
}

// steady are n lines, gap apart by the server's clock, which all come at once.
func steady(n int, gap time.Duration) []later {
	list := make([]later, n)
	for i := range list {
		list[i] = later{text: at(time.Duration(i)*gap, "GET", "a")}
	}
	return list
}

// ours are n lines of our own commands, all at once.
func ours(n int) []later {
	list := make([]later, n)
	for i := range list {
		list[i] = later{text: at(0, "Scan", "0")}
	}
	return list
}

func TestBurstEnds(t *testing.T) {
	broken := errors.New("connection lost")
	tests := map[string]struct {
		from  scripted
		lim   Limits
		cut   string
		lines int
		few   bool
		took  time.Duration
		span  time.Duration
		err   error
	}{
		"lines":               {from: scripted{lines: steady(300, time.Millisecond)}, lim: Limits{Lines: 200}, cut: "lines", lines: 200, span: 200 * time.Millisecond},
		"bytes":               {from: scripted{lines: steady(1, 0), spent: true}, cut: "bytes", lines: 1, few: true, span: time.Millisecond},
		"silence":             {cut: "time", took: time.Second, few: true, span: time.Second},
		"a few lines":         {from: scripted{lines: steady(5, 0)}, cut: "time", lines: 5, few: true, took: time.Second, span: time.Second},
		"many, then silence":  {from: scripted{lines: steady(150, time.Millisecond)}, cut: "time", lines: 150, took: time.Second, span: time.Second},
		"our own lines":       {from: scripted{lines: append(ours(300), steady(200, time.Millisecond)...)}, lim: Limits{Lines: 200}, cut: "lines", lines: 500, span: 199*time.Millisecond + 398798*time.Nanosecond},
		"only our own":        {from: scripted{lines: ours(900)}, lim: Limits{Lines: 200}, cut: "lines", lines: 800, few: true, span: time.Millisecond},
		"late, but before it": {from: scripted{lines: append([]later{{300 * time.Millisecond, at(0, "GET", "b")}}, steady(5, 0)...)}, cut: "time", lines: 6, few: true, took: time.Second, span: time.Second},
		"lost":                {from: scripted{lines: steady(5, 0), err: broken}, err: broken},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				s, err := run(&tt.from, tt.lim)
				if !errors.Is(err, tt.err) {
					t.Fatalf("error %v, want %v", err, tt.err)
				}
				if tt.err != nil {
					return
				}
				if s.Cut != tt.cut || s.Lines != tt.lines || s.Few != tt.few || time.Since(start) != tt.took {
					t.Errorf("cut by %s after %d lines and %v, few: %v", s.Cut, s.Lines, time.Since(start), s.Few)
				}
				if d := s.Span - tt.span; d < -time.Microsecond || d > time.Microsecond {
					t.Errorf("span %v, want %v", s.Span, tt.span)
				}
			})
		})
	}
}

// TestSpanOfALateListener: lines that had to wait for us do not make the rates
// lower than they are.
func TestSpanOfALateListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := &scripted{}
		for i := range 200 { // 100 µs apart on the server, 1 ms for us
			from.lines = append(from.lines, later{time.Millisecond, at(time.Duration(i)*100*time.Microsecond, "GET", "a")})
		}
		for i := range 200 {
			from.lines = append(from.lines, later{time.Millisecond, at(time.Duration(200+i)*100*time.Microsecond, "GET", "a")})
		}
		s, err := run(from, Limits{Time: 250 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if rate := float64(s.Lines) / s.Span.Seconds(); s.Cut != "time" || rate < 9_000 || rate > 11_000 {
			t.Errorf("%d lines in %v are %.0f/s, want 10000", s.Lines, s.Span, rate)
		}
	})
}

func TestSample(t *testing.T) {
	c := newCounter(2)
	for _, text := range []string{
		quoted("GET", "other database"),
		strings.Replace(quoted("get", "a"), "[0 ", "[2 ", 1),
		strings.Replace(quoted("SET", "a", "secret"), "[0 127.0.0.1", "[2 127.0.0.2", 1),
		strings.Replace(quoted("Pttl", "ours"), "[0 ", "[2 ", 1),
		strings.Replace(quoted("GET", strings.Repeat("x", 1025)), "[0 ", "[2 ", 1),
		strings.Replace(quoted("GET", strings.Repeat(`\xff`, 1024)), "[0 ", "[2 ", 1),
		strings.Replace(quoted("GET", strings.Repeat(`\xff`, 1025)), "[0 ", "[2 ", 1),
		`+1339518083.107412 [2 lua] "GET" "a"`,
		strings.Replace(quoted("EVALSHA", "0f", "2", "limit:7", "x", "10", "", "1e3", "word"), "[0 ", "[2 ", 1),
		"+OK", "",
	} {
		c.take([]byte(text), false)
	}
	s := (&burst{counter: c}).sample()
	if s.Lines != 9 || s.Elsewhere != 1 || s.Own != 1 || s.Unnamed != 2 || s.Reads != 5 || s.Writes != 1 || !s.Few {
		t.Errorf("counts %+v", s)
	}
	if want := []Count{{"get", 5}, {"evalsha", 1}, {"set", 1}}; !reflect.DeepEqual(s.Commands, want) {
		t.Errorf("commands %v", s.Commands)
	}
	if want := []Count{{"127.0.0.1", 5}, {"127.0.0.2", 1}}; !reflect.DeepEqual(s.Clients, want) {
		t.Errorf("clients %v", s.Clients)
	}
	if want := []KeyCount{{"a", 2, 1}, {strings.Repeat("\xff", 1024), 1, 0}}; !reflect.DeepEqual(s.Keys, want) {
		t.Errorf("keys %v", s.Keys)
	}
	if len(s.Learned) != 1 || s.Learned[0].Key != "limit:7" || len(s.Learned[0].Args) != 4 ||
		s.Learned[0].Args[0] != 10 || !math.IsNaN(s.Learned[0].Args[1]) || s.Learned[0].Args[2] != 1000 || !math.IsNaN(s.Learned[0].Args[3]) {
		t.Errorf("learned %v", s.Learned)
	}
}

// TestBounded: a server with endless names of all kinds costs bounded memory.
func TestBounded(t *testing.T) {
	c := newCounter(0)
	for i := range 5000 {
		n := "n" + strings.Repeat("x", i%7) + time.Duration(i).String()
		c.take([]byte(quoted("CMD"+n, "a")), false)
		c.take([]byte(quoted("EVALSHA", "0f", "1", n, "1")), false)
		c.take([]byte(quoted("GET", n)), false)
		c.take([]byte(strings.Replace(quoted("GET", "a"), "127.0.0.1", n, 1)), false)
	}
	s := (&burst{counter: c}).sample()
	if len(s.Commands) > mostNamed+1 || len(s.Clients) > mostNamed+1 || len(s.Learned) > mostLearned || len(s.Keys) > mostKeys {
		t.Errorf("%d commands, %d clients, %d learned, %d keys", len(s.Commands), len(s.Clients), len(s.Learned), len(s.Keys))
	}
}

// TestBurstCounts listens to a real server, of which we know what it does.
func TestBurstCounts(t *testing.T) {
	srv := redistest.Start(t)
	conn := open(t, srv.URL())
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			srv.Do("MGET", "a", "b\x00\"\n")
			srv.Do("SET", "c", "value")
			srv.Do("EVAL", "return redis.call('GET', KEYS[1])", "1", "lua:1", "12.5")
			if _, err := conn.Do(ctx, []string{"pttl", "ours"}); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	}()
	s, err := Burst(t.Context(), conn, Limits{Lines: 400, Time: 10 * time.Second})
	cancel()
	<-done
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]KeyCount{}
	for _, k := range s.Keys {
		counts[k.Key] = k
	}
	if s.Lines-s.Own != 400 || s.Cut != "lines" || s.Own == 0 || s.Span <= 0 {
		t.Errorf("%d lines, %d ours, cut by %s in %v", s.Lines, s.Own, s.Cut, s.Span)
	}
	for key, writes := range map[string]bool{"a": false, "b\x00\"\n": false, "c": true, "lua:1": false} {
		if k := counts[key]; k.Reads > 0 == writes || k.Writes > 0 != writes || k.Reads+k.Writes < 50 {
			t.Errorf("%q: %+v", key, k)
		}
	}
	if _, ours := counts["ours"]; ours || len(s.Learned) != 1 || s.Learned[0].Args[0] != 12.5 {
		t.Errorf("our own key is there: %v; learned %v", ours, s.Learned)
	}
}

// TestBurstBytes: the longest values do not make us read more than the limit.
func TestBurstBytes(t *testing.T) {
	srv := redistest.Start(t)
	conn := open(t, srv.URL())
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	value := strings.Repeat("v", 10<<20)
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			srv.Do("SET", "big", value)
		}
	}()
	s, err := Burst(t.Context(), conn, Limits{Time: 10 * time.Second})
	cancel()
	<-done
	if err != nil {
		t.Fatal(err)
	}
	if s.Cut != "bytes" || len(s.Keys) != 1 || s.Keys[0].Key != "big" || s.Keys[0].Writes != 1 {
		t.Errorf("cut by %s, keys %v", s.Cut, s.Keys)
	}
	srv.Wait("+PONG")
	if n := srv.Info("mem_clients_normal"); n > 64<<20 {
		t.Errorf("the server still keeps %v bytes for its clients", n)
	}
}

func TestBurstRefused(t *testing.T) {
	srv := redistest.Start(t)
	srv.Do("ACL", "SETUSER", "mon", "on", ">pw", "~*", "+@all", "-monitor")
	_, err := Burst(t.Context(), open(t, "unix://mon:pw@"+srv.Sock), Limits{})
	if unknown, ok := Refused(err); !ok || unknown {
		t.Errorf("got %v, want a refusal", err)
	}
	if _, ok := Refused(errTime); ok {
		t.Error("any error is a refusal")
	}
}

func TestBurstCancelled(t *testing.T) {
	srv := redistest.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := Burst(ctx, open(t, srv.URL()), Limits{Time: time.Minute}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("it took %v", d)
	}
	if _, err := Burst(t.Context(), open(t, "unix:///nonexistent/s"), Limits{}); err == nil {
		t.Error("no server, no error")
	}
}

var _ lines = (*redisconn.Raw)(nil)
