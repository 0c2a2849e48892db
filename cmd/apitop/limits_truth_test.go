package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"apitop/collectors/analysis"
	"apitop/collectors/redisconn"
	"apitop/collectors/rediskeys"
	"apitop/collectors/snapshot"
	"apitop/demoapi/limit"
	"apitop/demoapi/rdb"
	"apitop/demoapi/servertest"
)

// asker asks a limiter at a steady rate and keeps the truth.
type asker struct {
	key       string // of the limiter
	perSecond float64
	ask       func(ctx context.Context) (allowed bool, err error)

	asked   int
	denied  []time.Time
	times   []time.Time
	blocked time.Time // when it was first denied
}

// catchUp asks as often as the time since began wants.
func (a *asker) catchUp(ctx context.Context, began time.Time) error {
	for float64(a.asked) < time.Since(began).Seconds()*a.perSecond {
		a.asked++
		allowed, err := a.ask(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		if a.times = append(a.times, now); !allowed {
			if a.denied = append(a.denied, now); a.blocked.IsZero() {
				a.blocked = now
			}
		}
	}
	return nil
}

// rate is how many of times lie between two, per second.
func rate(times []time.Time, from, to time.Time) float64 {
	n := 0
	for _, t := range times {
		if t.After(from) && !t.After(to) {
			n++
		}
	}
	return float64(n) / to.Sub(from).Seconds()
}

// askers are the demo's limiter, a counter that goes on above its limit, one that
// stops there, and a time of arrival, as their libraries write them.
func askers(t *testing.T, client *redis.Client) []*asker {
	t.Helper()
	demo, err := limit.New(limit.SlidingLog, client, rdb.Options{Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	count := func(key string, most int64, stops bool) func(context.Context) (bool, error) {
		return func(ctx context.Context) (bool, error) {
			if stops {
				if n, err := client.Get(ctx, key).Int64(); err == nil && n >= most {
					return false, nil
				}
			}
			n, err := client.Incr(ctx, key).Result()
			if n == 1 {
				client.PExpire(ctx, key, time.Minute)
			}
			return n <= most, err
		}
	}
	var tat float64 // in seconds since 2017, as redis_rate has it
	gcra := func(ctx context.Context) (bool, error) {
		now, pace, burst := float64(time.Now().UnixMicro())/1e6-1483228800, 60.0/30, 30.0
		next := max(tat, now) + pace
		if next-now > pace*burst {
			return false, nil
		}
		tat = next
		return true, client.Set(ctx, "rate:7", fmt.Sprintf("%.8f", tat), time.Duration((tat-now)*1e9)).Err()
	}
	plan := limit.DefaultPlan()
	return []*asker{
		{key: "rate_limit:42:/orders", perSecond: 10, ask: func(ctx context.Context) (bool, error) {
			r, err := demo.Allow(ctx, limit.Request{
				Subject: "42", Tier: limit.Guest, Class: limit.Orders,
				Quota: plan.Quota(limit.Guest, limit.Orders), Overall: plan.OverallQuota(limit.Guest),
			})
			return r.Allowed, err
		}},
		{key: "limiter:7", perSecond: 10, ask: count("limiter:7", 30, false)},
		{key: "fastapi-limiter:10.0.0.1:/orders:0:0", perSecond: 10, ask: count("fastapi-limiter:10.0.0.1:/orders:0:0", 30, true)},
		{key: "rate:7", perSecond: 10, ask: gcra},
	}
}

// seen is what the monitor said of a limiter.
type seen struct {
	last    analysis.Subject
	told    time.Time     // when it first told a time to the limit after two seconds
	left    time.Duration // that time
	blocked time.Time     // when it was first shown blocked
}

// TestLimitsTruth: under real traffic to limiters of four layouts, the monitor
// tells when each will be full, that it is, and what is denied.
func TestLimitsTruth(t *testing.T) {
	server := servertest.StartRedis(t)
	client := server.Client()
	t.Cleanup(func() { _ = client.Close() })
	target, err := redisconn.Parse("unix://" + server.Socket)
	if err != nil {
		t.Fatal(err)
	}
	conn := redisconn.OpenServer(target)
	t.Cleanup(func() { _ = conn.Close() })
	keys := rediskeys.New(conn, rediskeys.Config{Duty: 1, Limits: rediskeys.Limits{Rules: []rediskeys.LimitRule{
		{Layout: "redis_rate", Limit: 30, WindowSeconds: 60}, {Limit: 30},
	}}})
	list := askers(t, client)
	watched := map[string]*seen{}
	began := time.Now()
	first := watchLimits(t, keys, list, watched)
	for _, a := range list {
		s := watched[a.key]
		if s == nil {
			t.Errorf("%s was not seen", a.key)
			continue
		}
		testTruth(t, a, s, began, first)
	}
}

// watchLimits asks and watches for seven seconds; it gives the time of the last
// reading.
func watchLimits(t *testing.T, keys *rediskeys.Collector, list []*asker, watched map[string]*seen) (last time.Time) {
	t.Helper()
	engine := analysis.New(analysis.Options{Interval: 200 * time.Millisecond})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began, next := time.Now(), time.Now()
	for time.Since(began) < 7*time.Second {
		for _, a := range list {
			if err := a.catchUp(ctx, began); err != nil {
				t.Fatal(err)
			}
		}
		if time.Now().Before(next) {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		next = time.Now().Add(200 * time.Millisecond)
		r, err := keys.Collect(ctx)
		if err != nil {
			t.Fatal(err)
		}
		last = time.Now()
		report := engine.Step(snapshot.Snapshot{At: last, Keys: r.(*snapshot.Keys)})
		for _, s := range report.Limits.Subjects {
			note(watched, s, last.Sub(began), last)
		}
	}
	return last
}

func note(watched map[string]*seen, s analysis.Subject, since time.Duration, now time.Time) {
	w := watched[s.Key.Raw()]
	if w == nil {
		w = &seen{}
		watched[s.Key.Raw()] = w
	}
	w.last = s
	if since > 2*time.Second && w.told.IsZero() && s.TimeToLimit.OK {
		w.told, w.left = now, time.Duration(s.TimeToLimit.V*1e9)
	}
	if w.blocked.IsZero() && s.IsBlocked() {
		w.blocked = now
	}
}

func testTruth(t *testing.T, a *asker, s *seen, began, end time.Time) {
	t.Helper()
	near := func(what string, got, want, part float64) {
		if math.Abs(got-want) > part*want+0.5 {
			t.Errorf("%s: %s is %.2f, in truth %.2f", a.key, what, got, want)
		}
	}
	if s.blocked.IsZero() || s.last.LastDeniedSeconds.V > 2 {
		t.Errorf("%s is not shown blocked: %+v", a.key, s.last)
		return
	}
	// On a busy machine both can be late by some rounds.
	near("seconds until it was shown blocked", s.blocked.Sub(began).Seconds(), a.blocked.Sub(began).Seconds(), 0.3)
	if s.told.IsZero() {
		t.Errorf("%s: no time to the limit was told", a.key)
	} else {
		near("time to the limit", s.told.Add(s.left).Sub(began).Seconds(), a.blocked.Sub(began).Seconds(), 0.3)
	}
	counted := slices.Contains([]string{"rate_limit:42:/orders", "limiter:7"}, a.key)
	if d := s.last.DeniedPerSecond; d.OK != counted {
		t.Errorf("%s: denied/s is %v, and the layout says it: %v", a.key, d, counted)
	}
	if counted {
		near("denied/s", s.last.DeniedPerSecond.V, rate(a.denied, began, end), 0.35)
		near("requests/s", s.last.RequestsPerSecond.V, rate(a.times, began, end), 0.35)
	}
	t.Logf("%s: blocked after %.1f s (in truth %.1f), foretold %.1f; denied/s %v (%.1f)", a.key, s.blocked.Sub(began).Seconds(),
		a.blocked.Sub(began).Seconds(), s.told.Add(s.left).Sub(began).Seconds(), s.last.DeniedPerSecond, rate(a.denied, began, end))
}
