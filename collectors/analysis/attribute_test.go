package analysis

import (
	"slices"
	"strings"
	"testing"

	"apitop/collectors/safe"
)

func shopRoutes() []Route {
	var list []Route
	for _, r := range []string{"/products/{id}", "/products", "/products/search", "/categories", "/users/me", "/orders/{id}", "/orders/{id}/items", "/health", "", "/api/v1/order_items/{item}", "/boxes/:box"} {
		list = append(list, Route{Method: safe.New("GET"), Route: safe.New(r)})
	}
	return list
}

func TestRoutesByName(t *testing.T) {
	routes := shopRoutes()
	a := ByName(routes)
	tests := map[string]struct {
		key   string
		first string // the likeliest; empty: none
		also  string // must be in it
		not   string // must not
	}{
		"one of them":           {"product:42", "/products/{id}", "/products", "/orders/{id}"},
		"a list of them":        {"products:list", "/products", "/products/{id}", "/categories"},
		"two words":             {"product-search:lamp", "/products/search", "", "/orders/{id}"},
		"plural in -ies":        {"category:list", "/categories", "", "/products"},
		"plural in -es":         {"box:7", "/boxes/:box", "", "/products"},
		"prefix of an app":      {"shop:product:42", "/products/{id}", "", ""},
		"Spring":                {"products::SimpleKey [7]", "/products/{id}", "", ""},
		"Django":                {":1:products:list", "/products", "", ""},
		"a function's name":     {"app.views.get_product(1,)[]", "/products/{id}", "", ""},
		"words in one":          {"order_item:9", "/orders/{id}", "/api/v1/order_items/{item}", "/products"},
		"nothing in common":     {"session:8f3a", "", "", ""},
		"only what says little": {"cache:api:list", "", "", ""},
		"a hash":                {"fastapi-cache::5d41402abc4b2a76b9719d911017c592", "", "", ""},
		"a long name":           {strings.Repeat("x", 1<<20), "", "", ""},
		"not text":              {"\x00\xff\x80", "", "", ""},
		"empty":                 {"", "", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for range 2 { // once from memory
				var got []string
				for _, i := range a.Routes(tt.key) {
					got = append(got, routes[i].Route.Raw())
				}
				if tt.first == "" {
					if len(got) > 0 {
						t.Errorf("got %v, want none", got)
					}
					continue
				}
				if len(got) == 0 || got[0] != tt.first || tt.also != "" && !slices.Contains(got, tt.also) || tt.not != "" && slices.Contains(got, tt.not) {
					t.Errorf("got %v, want %s first, with %q, without %q", got, tt.first, tt.also, tt.not)
				}
			}
		})
	}
}

func TestKeysByName(t *testing.T) {
	routes := shopRoutes()
	a := ByName(routes)
	var keys []HotKey
	for _, k := range []string{"session:1", "product:1", "orders:7", "product:2"} {
		keys = append(keys, HotKey{Key: safe.New(k)})
	}
	if got := a.Keys(0, keys); !slices.Equal(got, []int{1, 3}) {
		t.Errorf("keys of %s: %v", routes[0].Route, got)
	}
	if got := a.Keys(7, keys); got != nil {
		t.Errorf("keys of %s: %v", routes[7].Route, got)
	}
}
