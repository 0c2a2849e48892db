package limit_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"apitop/demoapi/limit"
	"apitop/demoapi/servertest"
)

// TestLayout holds the keys in Redis to what viewers read.
func TestLayout(t *testing.T) {
	servers := map[string]func(*testing.T) *redis.Client{
		"redis": func(t *testing.T) *redis.Client {
			client := servertest.StartRedis(t).Client()
			t.Cleanup(func() { client.Close() })
			return client
		},
		"miniredis": func(t *testing.T) *redis.Client { return newFake(t).client },
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, a limit.Algorithm) { testLayout(t, a, start(t)) })
		})
	}
}

// knock asks n times for the class as a guest of the demo's plan.
func knock(t *testing.T, l limit.Limiter, class limit.Class, n int) {
	t.Helper()
	p := limit.DefaultPlan()
	for range n {
		if _, err := l.Allow(t.Context(), limit.Request{
			Subject: "guest-17", Tier: limit.Guest, Class: class,
			Quota: p.Quota(limit.Guest, class), Overall: p.OverallQuota(limit.Guest),
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func testLayout(t *testing.T, a limit.Algorithm, client *redis.Client) {
	ctx := t.Context()
	l := shared(t, a, client, patient())
	knock(t, l, limit.Login, 12) // 2 more than the limit
	knock(t, l, limit.Default, 1)
	about := "rate_limit_meta:guest-17"
	states := map[limit.Algorithm][]string{
		limit.GCRA:       {"rate_gcra:guest-17:/auth/login", "rate_gcra:guest-17:default", "rate_gcra:guest-17:all"},
		limit.SlidingLog: {"rate_limit:guest-17:/auth/login", "rate_limit:guest-17:default", "rate_limit:guest-17:all"},
	}[a]
	keys := client.Keys(ctx, "*").Val()
	if want := slices.Concat(states, []string{about}); !slices.Equal(slices.Sorted(slices.Values(keys)), slices.Sorted(slices.Values(want))) {
		t.Errorf("keys %q, want %q", keys, want)
	}
	got := client.HGetAll(ctx, about).Val()
	now := client.Time(ctx).Val()
	us, err := strconv.ParseInt(got["renewed"], 10, 64)
	if age := now.Sub(time.UnixMicro(us)); err != nil || age < 0 || age > time.Minute {
		t.Errorf("renewed is %q, want now in microseconds", got["renewed"])
	}
	delete(got, "renewed")
	want := map[string]string{
		"tier": "guest", "window": "3600", "limit:/auth/login": "10", "allowed:/auth/login": "10", "denied:/auth/login": "2",
		"limit:default": "100", "allowed:default": "1", "limit:all": "150", "allowed:all": "11",
	}
	if !maps.Equal(got, want) {
		t.Errorf("hash %v, want %v", got, want)
	}
	if ttl := client.PTTL(ctx, about).Val(); ttl <= 63*time.Minute || ttl > 64*time.Minute {
		t.Errorf("the hash expires in %v, want 1 + 1/16 hours", ttl)
	}
	if a == limit.GCRA {
		testTimes(t, client, states)
	} else {
		testMembers(t, client, states)
	}
}

// testTimes holds GCRA's states to the time at which they are unused.
func testTimes(t *testing.T, client *redis.Client, states []string) {
	ctx := t.Context()
	now := client.Time(ctx).Val()
	ahead := []time.Duration{time.Hour, 36 * time.Second, 11 * 24 * time.Second}
	for i, key := range states {
		us, err := client.Get(ctx, key).Int64()
		if off := time.UnixMicro(us).Sub(now) - ahead[i]; err != nil || off > 0 || off < -30*time.Second {
			t.Errorf("%s is %d, %v from now plus %v (%v)", key, us, off, ahead[i], err)
		}
		if ttl := client.PTTL(ctx, key).Val(); ttl > ahead[i] || ttl < ahead[i]-30*time.Second {
			t.Errorf("%s expires in %v, want %v", key, ttl, ahead[i])
		}
	}
}

func testMembers(t *testing.T, client *redis.Client, states []string) {
	ctx := t.Context()
	member := regexp.MustCompile(`^(\d{16})-(\d+)$`)
	for i, key := range states {
		log := client.ZRangeWithScores(ctx, key, 0, -1).Val()
		if len(log) != []int{10, 1, 11}[i] {
			t.Errorf("%d entries in %s", len(log), key)
		}
		for _, z := range log {
			parts := member.FindStringSubmatch(z.Member.(string))
			if parts == nil {
				t.Fatalf("member %q is not <µs>-<n>", z.Member)
			}
			if us, _ := strconv.ParseFloat(parts[1], 64); us/1e6 != z.Score {
				t.Errorf("member %q has the score %v, want the same time in seconds", z.Member, z.Score)
			}
		}
		if ttl := client.PTTL(ctx, key).Val(); ttl <= 59*time.Minute || ttl > time.Hour {
			t.Errorf("%s expires in %v, want one hour", key, ttl)
		}
	}
}

// TestDeniedWritesNothing: a request that is turned away moves no state and no
// expiry; only the count of denied ones grows.
func TestDeniedWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, a limit.Algorithm) {
		f := newFake(t)
		l := shared(t, a, f.client, patient())
		knock(t, l, limit.Login, 10)
		before := dump(t, f)
		for i := range 3 {
			f.advance(10 * time.Second)
			knock(t, l, limit.Login, 1)
			after := dump(t, f)
			if got := after["denied:/auth/login"]; got != strconv.Itoa(i+1) {
				t.Errorf("%q denied, want %d", got, i+1)
			}
			delete(after, "denied:/auth/login")
			for key, value := range before {
				if after[key] != value {
					t.Errorf("%s is %q after a denied request, was %q", key, after[key], value)
				}
			}
			if len(after) != len(before) {
				t.Errorf("keys and fields %v, were %v", after, before)
			}
		}
		if got := f.TTL("rate_limit_meta:guest-17"); got != 3825*time.Second-30*time.Second {
			t.Errorf("the hash expires in %v, want what was left of it", got)
		}
	})
}

// dump is everything in Redis but the times to live of keys.
func dump(t *testing.T, f *fake) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, key := range f.Keys() {
		switch f.Type(key) {
		case "string":
			all[key], _ = f.Get(key)
		case "hash":
			fields, _ := f.HKeys(key)
			for _, field := range fields {
				all[field] = f.HGet(key, field)
			}
		default:
			members, _ := f.ZMembers(key)
			all[key] = fmt.Sprint(members)
		}
	}
	return all
}

// TestHashOutlivesStates: whoever reads a state finds its limit beside it, though
// the hash's expiry is not moved by each request.
func TestHashOutlivesStates(t *testing.T) {
	each(t, func(t *testing.T, a limit.Algorithm) {
		f := newFake(t)
		l := shared(t, a, f.client, patient())
		for range 60 {
			knock(t, l, limit.Default, 2)
			about := f.TTL("rate_limit_meta:guest-17")
			for _, key := range f.Keys() {
				if ttl := f.TTL(key); ttl > about {
					t.Fatalf("%s lives for %v, the hash beside it for %v", key, ttl, about)
				}
			}
			f.advance(101 * time.Second)
		}
	})
}
