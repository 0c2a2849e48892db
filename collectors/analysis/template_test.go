package analysis

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// idRoutes are raw paths with something in them that is one of many.
func idRoutes() map[string]string {
	return map[string]string{
		"/users/42":          "/users/{id}",
		"/users/42/":         "/users/{id}/",
		"/users/-1":          "/users/{id}",
		"/42":                "/{id}",
		"/users/42/orders/7": "/users/{id}/orders/{id}",
		"/users/42?page=2":   "/users/{id}",
		"/users?page=2":      "/users",
		"/users?":            "/users",
		"/search?q=a/b?c":    "/search",
		"/page#top":          "/page",
		"/?q=1":              "/",
		"/orders/6f1b0c52-9c1d-4f3a-8a55-0a4f1f0e9b7d":          "/orders/{id}",
		"/orders/6F1B0C52-9C1D-4F3A-8A55-0A4F1F0E9B7D":          "/orders/{id}",
		"/orders/urn:uuid:6f1b0c52-9c1d-4f3a-8a55-0a4f1f0e9b7d": "/orders/{id}",
		"/orders/6f1b0c529c1d4f3a8a550a4f1f0e9b7d":              "/orders/{id}",
		"/e/01ARZ3NDEKTSV4RRFFQ69G5FAV":                         "/e/{id}",
		"/e/01hgw2bbg0000000000000000z":                         "/e/{id}",
		"/docs/507f1f77bcf86cd799439011":                        "/docs/{id}",
		"/commit/9e107d9d":                                      "/commit/{id}",
		"/tx/0x9e107d9d372bb6826bd81d35":                        "/tx/{id}",
		"/s/dGhpcyBpcyBhIHRlc3Q=":                               "/s/{id}",
		"/v/aB3dE5fG7hI9jK1l":                                   "/v/{id}",
		"/k/0ujtsYcgvSTl8PAuAdqWYSMnLOv":                        "/k/{id}",
		"/x/9m4e2mr0ui3e8a215n4g":                               "/x/{id}",
		"/n/V1StGXR8_Z5jdHi6B-myT":                              "/n/{id}",
		"/c/cus_9s6XKzkNRiz8i3":                                 "/c/cus_{id}",
		"/t/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln":          "/t/{id}",
		"/days/2026-11-24":                                      "/days/{id}",
		"/months/2026-11":                                       "/months/{id}",
		"/at/2026-11-24T10:00:00Z":                              "/at/{id}",
		"/at/2026-11-24T10%3A00%3A00Z":                          "/at/{id}",
		"/at/20261124T100000Z":                                  "/at/{id}",
		"/blog/2026-11-24-a-new-day":                            "/blog/{id}",
		"/people/anna@example.com":                              "/people/{id}",
		"/people/anna%40example.com":                            "/people/{id}",
		"/hosts/10.0.0.1":                                       "/hosts/{id}",
		"/near/52.5,13.4":                                       "/near/{id}",
		"/batch/1,2,3":                                          "/batch/{id}",
		"/users/42.json":                                        "/users/{id}.json",
		"/assets/main-3f2a9c1b.js":                              "/assets/main-{id}.js",
		"/orders/order-12345":                                   "/orders/order-{id}",
		"/a/my-great-article-123456":                            "/a/{id}",
		"/orders/ORD-2024-00123":                                "/orders/{id}",
		"/a;jsessionid=0F3A/b":                                  "/a/b",
		"/users/42;jsessionid=0F3A":                             "/users/{id}",
		"http://10.0.0.1:8080/users/42":                         "/users/{id}",
		"http://localhost/users/42":                             "/users/{id}",
		"http://[::1]:80/users":                                 "/users",
		"http://10.0.0.1":                                       "/",
		"https://api.example.com/users/42?x":                    "https://api.example.com/users/{id}",
		"GET /users/42":                                         "GET /users/{id}",
		"api/users/42":                                          "api/users/{id}",
		"shop.example.com|/users/42":                            "shop.example.com|/users/{id}",
		"//42":                                                  "//{id}",
	}
}

// wholeRoutes are templates, names and paths of words: they stay.
func wholeRoutes() []string {
	return []string{
		"", "/", "/users", "/users/", "/users/me", "/v1/users", "/v2", "/api/v1beta1/pods", "/oauth2/token", "/s3/upload",
		"/api/1.0/users", "/api/1.2.3/x", "/users/{id}", "/users/{user_id}/posts", "/users/:id", "/users/:id?", "/users/<int:id>",
		"/users/#val", "/users/*", "/static/{path:.*}", `/users/(\d+)`, `^users/(?P<id>\d+)/$`, `/users/(?P<id>[0-9]+)`, "/**",
		"/files/[id]", "/deadbeef", "/facade", "/health", "/.well-known/openid-configuration", "/index.html", "/robots.txt",
		"/rfc-2616", "/sha-256", "/utf-8", "/base64", "/h264", "/pkg.Service/GetUserOAuth2TokenV1", "/getUserAccountsByRegion2",
		"/@alice", "/configurations2024", "none", "(other)", "<unnamed view>", "user-detail", "users#show", "admin/users#show",
		"UserController.get2", "main.(*Server).Handle-fm", "github.com/you/shop/api.List", "/a b/c", "/ünï/cödé", "/%zz",
		"https://api.example.com/users", "NOT_FOUND", "__unknown__", "/#/app", "/products/red-shoes",
	}
}

func TestTemplate(t *testing.T) {
	for route, want := range idRoutes() {
		if got := template(route); got != want {
			t.Errorf("%s becomes %s, want %s", route, got, want)
		}
	}
	for _, route := range wholeRoutes() {
		if got := template(route); got != route {
			t.Errorf("%s becomes %s, want it to stay", route, got)
		}
	}
	if n := len(idRoutes()) + len(wholeRoutes()); n < 100 {
		t.Errorf("%d cases", n)
	}
}

// FuzzTemplate: a template is its own template, is not much longer than the
// route, and is text if the route is.
func FuzzTemplate(f *testing.F) {
	for route := range idRoutes() {
		f.Add(route)
	}
	for _, route := range wholeRoutes() {
		f.Add(route)
	}
	f.Fuzz(func(t *testing.T, route string) {
		got := template(route)
		if again := template(got); again != got {
			t.Fatalf("%q becomes %q, and that %q", route, got, again)
		}
		parts := strings.Count(route, "/") + strings.Count(route, "|") + 1
		if len(got) > len(route)+parts*len(placeholder) {
			t.Errorf("%q becomes %q, which is longer", route, got)
		}
		if utf8.ValidString(route) && !utf8.ValidString(got) {
			t.Errorf("%q becomes %q, which is not text", route, got)
		}
	})
}
