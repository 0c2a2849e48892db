package cache_test

import (
	"testing"

	"apitop/demoapi/cache"
)

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

func TestItemOf(t *testing.T) {
	good := []cache.Item{
		cache.Product(0), cache.Product(42), cache.Product(1<<53 - 1), cache.Categories(),
		cache.Products(0, 0, 20), cache.Products(3, 120, 100), cache.Products(0, 7, 1),
	}
	for _, want := range good {
		if got, ok := cache.ItemOf(want.Key); !ok || got != want {
			t.Errorf("ItemOf(%q) = %v, %v, want %v", want.Key, got, ok, want)
		}
	}
	bad := []string{
		"", "product:", "product:x", "product:042", "product:+42", "product:42 ", "product:99999999999999999999", "products:list:",
		"products:list:after=0", "products:list:limit=20&after=0", "products:list:after=0&limit=20&x=1", "products:list:after=0&category=0&limit=20",
		"products:list:after=%zz&limit=20", "categories:", "user:7", "search:limit=20&q=oak", "rate_limit:42:/orders", "cache:lock:{product:42}",
	}
	for _, key := range bad {
		if got, ok := cache.ItemOf(key); ok {
			t.Errorf("ItemOf(%q) = %v, want none", key, got)
		}
	}
	if id, ok := cache.Product(42).ProductID(); !ok || id != 42 {
		t.Errorf("the id of product 42 is %d, %v", id, ok)
	}
	if id, ok := cache.User(42).ProductID(); ok {
		t.Errorf("a user has the product id %d", id)
	}
	if p, ok := cache.Products(3, 120, 20).Page(); !ok || p != (cache.Page{Category: 3, After: 120, Limit: 20}) {
		t.Errorf("the page is %+v, %v", p, ok)
	}
	if p, ok := cache.Categories().Page(); ok {
		t.Errorf("the categories are the page %+v", p)
	}
}

func FuzzItemOf(f *testing.F) {
	for _, key := range []string{"product:42", "categories", "products:list:after=120&category=3&limit=20", "products:list:", "user:1"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		item, ok := cache.ItemOf(key)
		if ok && item.Key != key {
			t.Errorf("%q became %v", key, item)
		}
	})
}
