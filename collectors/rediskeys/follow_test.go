package rediskeys

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

// TestFollow: a key that another method found hot takes the place of a cold one,
// and its rate counts until it is old.
func TestFollow(t *testing.T) {
	srv := redistest.Start(t, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lfu")
	srv.Do("DEBUG", "POPULATE", "2000", "page", "100")
	c := eager(t, srv.URL())
	k := until(t, c, 10*time.Second, func(k *snapshot.Keys) bool { return len(k.Cache) == mostCacheKeys && k.Coverage.V == 1 })
	w := c.walkers[0]
	var cold string
	for i := range 2000 {
		if _, ok := cacheKeyOf(k, fmt.Sprintf("page:%d", i)); !ok {
			cold = fmt.Sprintf("page:%d", i)
			break
		}
	}
	at := time.Now()
	w.follow(cold, heard{900, at, true})
	w.follow(appCounts, heard{1e6, at, true})
	k = collect(t, c)
	if first := k.Cache[0]; first.Key.Raw() != cold || first.Rate != snapshot.Known(900) || first.Method != snapshot.MethodMonitor || !first.RateAt.Equal(at) {
		t.Errorf("first %+v", first)
	}
	if _, ok := cacheKeyOf(k, appCounts); ok || len(k.Cache) > mostCacheKeys {
		t.Errorf("%d keys, the app's record among them: %v", len(k.Cache), ok)
	}
	w.follow(cold, heard{900, at.Add(-2 * heardFor), true})
	if key, ok := cacheKeyOf(collect(t, c), cold); ok && key.Method == snapshot.MethodMonitor {
		t.Errorf("an old rate counts: %+v", key)
	}
}

// TestMethods: each way to find hot keys says whether it is used and why.
func TestMethods(t *testing.T) {
	for policy, want := range map[string]string{
		"allkeys-lfu": "app false, freq true, idle false",
		"allkeys-lru": "app false, freq false, idle true",
		"noeviction":  "app false, freq false, idle true",
	} {
		t.Run(policy, func(t *testing.T) {
			srv := redistest.Start(t, "--maxmemory-policy", policy)
			srv.Do("SET", "a:1", "x")
			k := collect(t, eager(t, srv.URL()))
			var says []string
			for _, m := range k.Methods {
				says = append(says, fmt.Sprintf("%s %v", m.Method, m.On))
				if m.Why.String() == "" {
					t.Errorf("%s does not say why", m.Method)
				}
			}
			if got := strings.Join(says[:3], ", "); got != want {
				t.Errorf("%s", got)
			}
		})
	}
}
