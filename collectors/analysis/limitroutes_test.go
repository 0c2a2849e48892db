package analysis

import (
	"strconv"
	"strings"
	"testing"

	"apitop/collectors/safe"
)

func routes(list ...string) *HTTP {
	h := &HTTP{}
	for _, r := range list {
		method, path, _ := strings.Cut(r, " ")
		h.Routes = append(h.Routes, Route{Method: safe.New(method), Route: safe.New(path)})
	}
	return h
}

func TestRoutesOf(t *testing.T) {
	shop := routes("GET /orders", "POST /orders", "GET /orders/{id}", "POST /auth/login", "GET /api/v1/products", "GET /api/v1/products/:id", "GET ", "GET /")
	tests := map[string]string{ // endpoint to the routes
		"/orders":                 "GET /orders, POST /orders",
		"POST /orders":            "POST /orders",
		"post:/orders":            "POST /orders",
		"POST:orders":             "POST /orders",
		"/orders/{id}":            "GET /orders/{id}",
		"/orders/17":              "GET /orders/{id}",
		"/orders/":                "GET /orders, POST /orders",
		"/orders/:order_id":       "GET /orders/{id}",
		"login":                   "POST /auth/login",
		"/auth/login":             "POST /auth/login",
		"auth.login":              "POST /auth/login",
		"/products":               "GET /api/v1/products",
		"api.products":            "GET /api/v1/products, GET /api/v1/products/:id",
		"api.product":             "GET /api/v1/products, GET /api/v1/products/:id",
		"get\n/api/v1/products\n": "GET /api/v1/products",
		"/":                       "GET /",
		"all":                     "",
		"":                        "",
		"default":                 "",
		"limit":                   "",
		"/nowhere":                "",
		"nowhere":                 "",
		"rders":                   "",
		"/rders":                  "",
		"\x1b[31m":                "",
		"DELETE /orders":          "",
	}
	for endpoint, want := range tests {
		var got []string
		for _, i := range shop.RoutesOf(safe.New(endpoint)) {
			got = append(got, shop.Routes[i].Method.Raw()+" "+shop.Routes[i].Route.Raw())
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%q: %q, want %q", endpoint, s, want)
		}
	}
	if (*HTTP)(nil).RoutesOf(safe.New("/orders")) != nil {
		t.Error("routes without a page")
	}
}

func TestCallersOf(t *testing.T) {
	r := &Report{HTTP: routes("GET /orders", "POST /orders", "GET /api/orders", "GET /users/1"), Limits: &Limits{}}
	for i, endpoint := range []string{"/orders", "POST /orders", "all", "orders", "/users/{id}"} {
		r.Limits.Subjects = append(r.Limits.Subjects, Subject{Subject: safe.New(strconv.Itoa(i)), Endpoint: safe.New(endpoint)})
	}
	tests := map[string]string{
		"GET /orders":     "03",
		"POST /orders":    "013",
		"GET /api/orders": "3", // the limit on /orders is that of the route of this very name
		"GET /users/{id}": "4",
		"GET /none":       "",
	}
	for route, want := range tests {
		method, path, _ := strings.Cut(route, " ")
		var got strings.Builder
		for _, s := range r.CallersOf(safe.New(method), safe.New(path)) {
			got.WriteString(s.Subject.Raw())
		}
		if got.String() != want {
			t.Errorf("%s: subjects %s, want %s", route, got.String(), want)
		}
	}
	r.HTTP = nil
	if n := len(r.CallersOf(safe.New("GET"), safe.New("/orders"))); n != 2 {
		t.Errorf("%d callers without a page, want those of the path and the name", n)
	}
	if (&Report{}).CallersOf(safe.New("GET"), safe.New("/")) != nil {
		t.Error("callers without limits")
	}
}
