package demoapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"apitop/demoapi"
	"apitop/demoapi/cache"
	"apitop/demoapi/limit"
	"apitop/demoapi/middleware"
	"apitop/demoapi/rdb"
	"apitop/demoapi/store"
	"apitop/demoapi/store/storetest"
)

func TestMain(m *testing.M) {
	logging.Disable() // the Redis client reports each failed dial on stderr
	// The client's probe of a dead server ends a second after Close by itself.
	probe := goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial")
	goleak.VerifyTestMain(m, probe)
}

// shop is a running API with its parts.
type shop struct {
	*httptest.Server
	t     *testing.T
	api   *demoapi.API
	store demoapi.Store
	cache *cache.Cache
	redis *miniredis.Miniredis
}

// parts may replace what newShop makes by itself.
type parts struct {
	limiter limit.Algorithm // empty: the default
	config  demoapi.Config
	store   demoapi.Store
	redis   rdb.Options
}

func newShop(t *testing.T, p parts) *shop {
	t.Helper()
	if p.redis.Timeout == 0 && p.redis.Pause == 0 {
		p.redis.Timeout = 10 * time.Second // a busy machine is no broken Redis
	}
	if p.store == nil {
		m, err := store.NewMemory(storetest.Seed())
		if err != nil {
			t.Fatal(err)
		}
		p.store = m
	}
	server := miniredis.RunT(t)
	client, err := rdb.Open("redis://" + server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return start(t, p, client, server)
}

// start joins the parts and serves them.
func start(t *testing.T, p parts, client *redis.Client, server *miniredis.Miniredis) *shop {
	t.Helper()
	if p.config.Metrics == nil {
		p.config.Metrics = demoapi.NewMetrics(limit.DefaultPlan())
	}
	c := cache.New(client, cache.Config{Redis: p.redis, Observer: p.config.Metrics})
	l, err := limit.New(p.limiter, client, p.redis)
	if err != nil {
		t.Fatal(err)
	}
	api, err := demoapi.New(p.config, p.store, c, l)
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{Server: httptest.NewServer(api), t: t, api: api, store: p.store, cache: c, redis: server}
	t.Cleanup(func() {
		s.Close()
		// Not the test's context: it has ended by now.
		if err := api.Close(context.Background()); err != nil {
			t.Error(err)
		}
		c.Close()
		client.Close()
	})
	return s
}

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// do sends a request; auth is a token or "", guest a client id or "".
func (s *shop) do(method, path, body string, headers ...string) reply {
	s.t.Helper()
	r, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(raw)}
}

// login returns the header that makes requests those of the user.
func (s *shop) login(name string) (header, value string) {
	s.t.Helper()
	got := s.do("POST", "/auth/login", `{"username":"`+name+`","password":"`+store.DemoPassword+`"}`, "X-Client-Id", "login-"+name)
	var body struct{ Token string }
	if err := json.Unmarshal([]byte(got.body), &body); err != nil || got.status != 200 || body.Token == "" {
		s.t.Fatalf("login of %s: %+v, %v", name, got, err)
	}
	return "Authorization", "Bearer " + body.Token
}

func (r reply) problem(t *testing.T) middleware.Problem {
	t.Helper()
	var p middleware.Problem
	err := json.Unmarshal([]byte(r.body), &p)
	if err != nil || p.Status != r.status || r.header.Get("Content-Type") != "application/problem+json" || p.RequestID == "" {
		t.Errorf("%+v is no problem: %v", r, err)
	}
	return p
}

func TestRoutes(t *testing.T) {
	s := newShop(t, parts{})
	auth, token := s.login("basic1")
	order := s.do("POST", "/orders", `{"items":[{"product_id":7,"quantity":2}]}`, auth, token)
	tests := map[string]struct {
		method, path, body string
		user               bool
		status             int
		part               string // of the answer
	}{
		"health":             {"GET", "/health", "", false, 200, `{"status":"ok"}`},
		"products":           {"GET", "/products?limit=2", "", false, 200, `"next_after":2}`},
		"products, last":     {"GET", "/products?after=1999", "", false, 200, `"name":"Oak Lamp 2000","category_id":1,"price_cents":17999}]}`},
		"products, none":     {"GET", "/products?category=99", "", false, 200, `{"items":[]}`},
		"products of one":    {"GET", "/products?category=3&after=22&limit=1", "", false, 200, `"Ash Desk 42"`},
		"product":            {"GET", "/products/42", "", false, 200, `{"id":42,"sku":"SKU-000042","name":"Ash Desk 42","category_id":3,"price_cents":15997,"stock":2554,"description":"A desk of ash, `},
		"product, slash":     {"GET", "/products/42/", "", false, 200, `{"id":42,`},
		"search":             {"POST", "/products/search", `{"query":"Desk ash","limit":1}`, false, 200, `{"items":[{"id":42,`},
		"search, slash":      {"POST", "/products/search/", `{"query":"ash desk"}`, false, 200, `{"items":[{"id":42,`},
		"categories":         {"GET", "/categories", "", false, 200, `{"items":[{"id":1,"name":"Lamp","products":100},`},
		"me":                 {"GET", "/users/me", "", true, 200, `{"id":2201,"username":"basic1","tier":"basic"}`},
		"order":              {"GET", order.header.Get("Location"), "", true, 200, `"items":[{"product_id":7,"quantity":2,"price_cents":`},
		"unknown product":    {"GET", "/products/2001", "", false, 404, `"detail":"There is nothing with that id."`},
		"product, no number": {"GET", "/products/abc", "", false, 422, `{"field":"id","message":"must be a whole number from 1 to 9007199254740991"}`},
		"unknown path":       {"GET", "/nothing", "", false, 404, `"title":"Not Found"`},
		"wrong method":       {"DELETE", "/products", "", false, 405, `"title":"Method Not Allowed"`},
		"me, guest":          {"GET", "/users/me", "", false, 401, `"detail":"Log in first."`},
		"order, guest":       {"POST", "/orders", `{}`, false, 401, `"detail":"Log in first."`},
		"order of another":   {"GET", "/orders/2", "", true, 404, `"title":"Not Found"`},
		"unknown order":      {"GET", "/orders/99999", "", true, 404, `"title":"Not Found"`},
		"head":               {"HEAD", "/products/42", "", false, 200, ``},
		"metrics":            {"GET", "/metrics", "", false, 200, `# TYPE http_requests_total counter`},
		"metrics, post":      {"POST", "/metrics", "", false, 404, `"status":404`},
	}
	for name, tt := range tests {
		headers := []string{"X-Client-Id", "routes"}
		if tt.user {
			headers = append(headers, auth, token)
		}
		got := s.do(tt.method, tt.path, tt.body, headers...)
		if got.status != tt.status || !strings.Contains(got.body, tt.part) {
			t.Errorf("%s: %d %s, want %d with %s", name, got.status, got.body, tt.status, tt.part)
		}
		if got.status >= 400 {
			got.problem(t)
		}
	}
	if allow := s.do("DELETE", "/products", "").header.Get("Allow"); allow != "GET, HEAD" {
		t.Errorf("Allow: %q, want GET, HEAD", allow)
	}
}

// TestBadToken: who has a token that is no good is told so, and can log in.
func TestBadToken(t *testing.T) {
	s := newShop(t, parts{})
	bad := []string{"Authorization", "Bearer 1.admin.9999999999.x"}
	for _, path := range []string{"/products", "/users/me", "/nothing"} {
		got := s.do("GET", path, "", bad...)
		if got.problem(t).Status != 401 || got.header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if got := s.do("GET", "/health", "", bad...); got.status != 200 {
		t.Errorf("/health: %+v", got)
	}
	if got := s.do("POST", "/auth/login", `{"username":"basic1","password":"`+store.DemoPassword+`"}`, bad...); got.status != 200 {
		t.Errorf("login: %+v", got)
	}
	page := s.do("GET", "/metrics", "").body
	if want := `ratelimit_decisions_total{decision="allowed",endpoint="default",tier="guest"} 3`; !strings.Contains(page, want) {
		t.Error("requests with a bad token are not limited")
	}
}

func TestAdminSeesAllOrders(t *testing.T) {
	s := newShop(t, parts{})
	auth, token := s.login("admin1")
	if got := s.do("GET", "/orders/2", "", auth, token); got.status != 200 {
		t.Errorf("%+v", got)
	}
}

func TestInvalidRequests(t *testing.T) {
	s := newShop(t, parts{})
	auth, token := s.login("premium1") // the limits of a guest do not suffice
	big := `{"query":"` + strings.Repeat("x", 70_000) + `"}`
	tests := map[string]struct {
		path, body string
		status     int
		fields     string // "field message;..."
	}{
		"limit 0":           {"/products?limit=0", "", 422, "limit must be a whole number from 1 to 100;"},
		"two fields":        {"/products?limit=x&after=-1", "", 422, "after must be a whole number from 0 to 9007199254740991;limit must be a whole number from 1 to 100;"},
		"no query":          {"/products/search", `{}`, 422, "query must have at least 2 letters or digits, at most 5 words and 64 bytes;"},
		"only punctuation":  {"/products/search", `{"query":"-- a --"}`, 422, "query must have at least 2 letters or digits, at most 5 words and 64 bytes;"},
		"too many words":    {"/products/search", `{"query":"a b c d e f"}`, 422, "query must have at least 2 letters or digits, at most 5 words and 64 bytes;"},
		"limit too high":    {"/products/search", `{"query":"oak","limit":101}`, 422, "limit must be from 1 to 100;"},
		"wrong type":        {"/products/search", `{"query":7}`, 422, "query must not be a number;"},
		"unknown field":     {"/products/search", `{"query":"oak","sort":"x"}`, 422, "sort is not known;"},
		"no JSON":           {"/products/search", `{"query":`, 400, ""},
		"two values":        {"/products/search", `{"query":"oak"} {}`, 400, ""},
		"body too large":    {"/products/search", big, 413, ""},
		"no items":          {"/orders", `{"items":[]}`, 422, "items must have 1 to 20 lines;"},
		"product twice":     {"/orders", `{"items":[{"product_id":1,"quantity":1},{"product_id":1,"quantity":1}]}`, 422, "items[1].product_id occurs in another line;"},
		"bad line":          {"/orders", `{"items":[{"product_id":0,"quantity":101}]}`, 422, "items[0].product_id must be the id of a product;items[0].quantity must be from 1 to 100;"},
		"unknown product":   {"/orders", `{"items":[{"product_id":2001,"quantity":1}]}`, 422, "items product 2001: unknown product;"},
		"no user name":      {"/auth/login", `{"password":"x"}`, 422, "username must have 1 to 64 bytes and no control characters;"},
		"NUL in a name":     {"/auth/login", `{"username":"a\u0000b","password":"x"}`, 422, "username must have 1 to 64 bytes and no control characters;"},
		"endless password":  {"/auth/login", `{"username":"a","password":"` + strings.Repeat("x", 257) + `"}`, 422, "password must have 1 to 256 bytes;"},
		"wrong password":    {"/auth/login", `{"username":"basic1","password":"x"}`, 401, ""},
		"unknown user name": {"/auth/login", `{"username":"nobody","password":"x"}`, 401, ""},
	}
	for name, tt := range tests {
		method := "POST"
		if tt.body == "" {
			method = "GET"
		}
		got := s.do(method, tt.path, tt.body, auth, token)
		var fields strings.Builder
		for _, f := range got.problem(t).Errors {
			fields.WriteString(f.Field + " " + f.Message + ";")
		}
		if got.status != tt.status || fields.String() != tt.fields {
			t.Errorf("%s: %d with %q, want %d with %q", name, got.status, fields.String(), tt.status, tt.fields)
		}
	}
	got := s.do("POST", "/products/search", `{"query":"oak"}`, auth, token, "Content-Type", "text/plain")
	if got.problem(t).Status != 415 {
		t.Errorf("a body of text/plain: %+v", got)
	}
	wrong := s.do("POST", "/auth/login", `{"username":"basic1","password":"x"}`, auth, token)
	unknown := s.do("POST", "/auth/login", `{"username":"nobody","password":"x"}`, auth, token)
	if wrong.problem(t).Detail != unknown.problem(t).Detail {
		t.Error("the answer tells whether a user name exists")
	}
}

func TestOutOfStock(t *testing.T) {
	s := newShop(t, parts{})
	auth, token := s.login("premium1")
	for range 100 { // 100 x 100 exceed any stock
		got := s.do("POST", "/orders", `{"items":[{"product_id":1,"quantity":100}]}`, auth, token)
		if got.status == 201 {
			continue
		}
		if p := got.problem(t); p.Status != 409 || len(p.Errors) != 1 || p.Errors[0].Message != "product 1: out of stock" {
			t.Errorf("%+v", got)
		}
		return
	}
	t.Error("the stock never ends")
}

func TestPostgresAndMemoryAnswerAlike(t *testing.T) {
	pg := postgres(t)
	a, b := newShop(t, parts{}), newShop(t, parts{store: pg})
	for _, path := range []string{"/products?category=3&limit=5", "/products/42", "/categories", "/products/99999", "/orders/1"} {
		x, y := a.do("GET", path, "", "X-Request-Id", "same"), b.do("GET", path, "", "X-Request-Id", "same")
		if x.status != y.status || x.body != y.body {
			t.Errorf("%s: %d %s from memory, %d %s from Postgres", path, x.status, x.body, y.status, y.body)
		}
	}
	if got := b.do("GET", "/metrics", ""); !strings.Contains(got.body, "\ndb_pool_max_connections 10\n") {
		t.Error("no figures of the pool")
	}
	const statements = `db_queries_per_request_sum{method="GET",route="/products/{id}"} `
	b.do("GET", "/products/42", "") // from the cache
	b.says(statements + "2")        // one for 42, one for 99999
	a.says(statements + "0")
	pg.Close()
	if p := b.do("GET", "/health", "").problem(t); p.Status == 200 {
		t.Errorf("healthy without a database: %+v", p)
	}
}

// TestServe: requests under way are answered after the end was asked for.
func TestServe(t *testing.T) {
	held := &holding{release: make(chan struct{}), reached: make(chan struct{}, 1)}
	m, err := store.NewMemory(storetest.Seed())
	if err != nil {
		t.Fatal(err)
	}
	held.Memory = m
	s := newShop(t, parts{store: held})
	l, url := listen(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.api.Serve(ctx, l) }()
	answered := make(chan string, 1)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		resp, err := client.Get(url + "/products/" + strconv.Itoa(heldProduct))
		if err != nil {
			answered <- err.Error()
			return
		}
		defer resp.Body.Close()
		var body bytes.Buffer
		_, _ = body.ReadFrom(resp.Body)
		answered <- body.String()
	}()
	<-held.reached
	stop()
	deadline := time.Now().Add(10 * time.Second)
	for s.do("GET", "/health", "").status != 503 { // told through the other listener
		if time.Now().After(deadline) {
			t.Error("/health never says that the end is near")
			break
		}
		time.Sleep(time.Millisecond)
	}
	select {
	case err := <-ended:
		t.Errorf("Serve returned %v with a request under way", err)
	default:
	}
	close(held.release)
	if got := <-answered; !strings.Contains(got, `"id":1500`) {
		t.Errorf("the request under way got %q", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if resp, err := client.Get(url + "/health"); err == nil {
		resp.Body.Close()
		t.Error("still answering")
	}
}
