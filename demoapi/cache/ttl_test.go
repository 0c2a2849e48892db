package cache_test

import (
	"math"
	"testing"
	"time"

	"apitop/demoapi/cache"
)

func TestTTL(t *testing.T) {
	p := cache.Policy{Base: 10 * time.Minute, Min: time.Minute, Max: time.Hour, Target: 0.1, Jitter: 0.1}
	tests := map[string]struct {
		policy       cache.Policy
		rate, spread float64
		want         time.Duration
	}{
		"unknown rate":        {p, 0, 0, 10 * time.Minute},
		"negative rate":       {p, -1, 0, 10 * time.Minute},
		"target rate":         {p, 0.1, 0, 10 * time.Minute},
		"twice as hot":        {p, 0.2, 0, 20 * time.Minute},
		"half as hot":         {p, 0.05, 0, 5 * time.Minute},
		"very hot":            {p, 1000, 0, time.Hour},
		"infinitely hot":      {p, math.Inf(1), 0, time.Hour},
		"very cold":           {p, 1e-9, 0, time.Minute},
		"jitter up":           {p, 0, 1, 11 * time.Minute},
		"jitter down":         {p, 0, -1, 9 * time.Minute},
		"jitter at the limit": {p, 1000, 0.5, 63 * time.Minute},
		"jitter out of range": {p, 0, 7, 11 * time.Minute},
		"no target":           {cache.Policy{Base: time.Minute, Max: time.Hour}, 5, 0, time.Minute},
		"nothing set":         {cache.Policy{}, 1, 0, time.Millisecond},
		"the default, cold":   {cache.DefaultPolicy(), 0.0001, 0, time.Minute},
		"the default, hot":    {cache.DefaultPolicy(), 10, 0, 30 * time.Minute},
	}
	for name, tt := range tests {
		if got := tt.policy.TTL(tt.rate, tt.spread); (got - tt.want).Abs() > time.Microsecond {
			t.Errorf("%s: TTL(%v, %v) = %v, want %v", name, tt.rate, tt.spread, got, tt.want)
		}
	}
}

func TestKeys(t *testing.T) {
	tests := map[string]struct{ got, want cache.Item }{
		"product":            {cache.Product(42), cache.Item{Cache: "product", Key: "product:42"}},
		"all products":       {cache.Products(0, 0, 20), cache.Item{Cache: "products", Key: "products:list:after=0&limit=20"}},
		"products of one":    {cache.Products(3, 120, 20), cache.Item{Cache: "products", Key: "products:list:after=120&category=3&limit=20"}},
		"search":             {cache.Search([]string{"oak", "desk"}, 20), cache.Item{Cache: "search", Key: "search:limit=20&q=desk+oak"}},
		"search, other way":  {cache.Search([]string{"desk", "oak", "oak"}, 20), cache.Item{Cache: "search", Key: "search:limit=20&q=desk+oak"}},
		"search, odd letter": {cache.Search([]string{"blå"}, 5), cache.Item{Cache: "search", Key: "search:limit=5&q=bl%C3%A5"}},
		"categories":         {cache.Categories(), cache.Item{Cache: "categories", Key: "categories"}},
		"user":               {cache.User(7), cache.Item{Cache: "user", Key: "user:7"}},
	}
	seen := map[string]bool{}
	for name, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, tt.got, tt.want)
		}
		seen[tt.got.Cache] = true
	}
	for _, name := range cache.Names() {
		if !seen[name] {
			t.Errorf("no key of the cache %q was tested", name)
		}
	}
	if len(seen) != len(cache.Names()) {
		t.Errorf("Names() has %d names, the keys have %d", len(cache.Names()), len(seen))
	}
}
