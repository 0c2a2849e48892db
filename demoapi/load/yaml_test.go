package load

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const shopYAML = `
name: shop
headers: {Accept: application/json}
values:
  key: {zipf: 0.99, count: 1000}
  page: {count: 5, first: 0}
  word: {list: [lamp, "a desk"], zipf: 1}
users:
  - {tier: guest, share: 60, identities: 100}
  - {tier: basic, share: 40, identities: 10}
client_header: X-Client-Id
login:
  path: /auth/login
  body: '{"username":"{user}","password":"secret"}'
  guests: guest
requests:
  - {name: "/products/{id}", path: "/products/{key}", weight: 40}
  - method: POST
    path: /search?page={page}
    body: '{"query":"{word}","who":"{user}"}'
    headers: {X-Tier: "{tier}"}
    weight: 15
  - {path: /users/me, weight: 3, account: true}
`

func TestReadScenario(t *testing.T) {
	got, err := ReadScenario(strings.NewReader(shopYAML))
	if err != nil {
		t.Fatal(err)
	}
	want := &Scenario{
		Name: "shop", Headers: map[string]string{"Accept": "application/json"}, ClientHeader: "X-Client-Id",
		Values: map[string]Values{
			"key": {Keys: Keys{0.99, 1000}, First: 1}, "page": {Keys: Keys{0, 5}},
			"word": {Keys: Keys{Exponent: 1}, List: []string{"lamp", "a desk"}},
		},
		Tiers: []TierShare{{"guest", 60, 100}, {"basic", 40, 10}},
		Login: &Login{Path: "/auth/login", Body: `{"username":"{user}","password":"secret"}`, Token: "token", User: "{tier}{n}", Guests: "guest"},
		Requests: []Request{
			{Name: "/products/{id}", Path: "/products/{key}", Weight: 40},
			{Method: "POST", Path: "/search?page={page}", Body: `{"query":"{word}","who":"{user}"}`, Headers: map[string]string{"X-Tier": "{tier}"}, Weight: 15},
			{Path: "/users/me", Weight: 3, Account: true},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	synctest.Test(t, func(t *testing.T) {
		rep := run(t, Spec{Scenario: got, Stages: steady(100, 20*time.Second), Seed: 1, Transport: anything(time.Millisecond)})
		if rep.OK != 2000 || len(rep.Routes) != 3 || rep.Routes[0].Route != "/products/{id}" || rep.Routes[1].Route != "/search" || rep.Logins.OK != 10 {
			t.Errorf("%+v", rep)
		}
	})
}

func TestReadScenarioErrors(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"empty":            {"", "empty"},
		"no YAML":          {"a: [", "line 1"},
		"list":             {"- a", "line 1: the scenario: want a mapping"},
		"unknown key":      {"name: a\nrequest: []", `line 2: unknown key "request" in the scenario: want one of client_header, headers,`},
		"key twice":        {"name: a\nname: b", `line 2: the scenario: "name" is given twice`},
		"no requests":      {"name: a", "want 1 to 200 requests, not 0"},
		"weight":           {"requests:\n- path: /\n  weight: many", `line 3: weight: want a number of at least 0, not "many"`},
		"negative weight":  {"requests:\n- {path: /, weight: -1}", "line 2: weight"},
		"no weight at all": {"requests:\n- {path: /, weight: 0}", "weight above 0"},
		"NaN":              {"requests:\n- {path: /, weight: .nan}", "line 2: weight"},
		"unknown field":    {"requests:\n- path: /\n  wieght: 3", `line 3: unknown key "wieght" in request 1`},
		"path":             {"requests:\n- {path: /}\n- path: products", "line 3: request 2: path: want one that begins with /"},
		"path with space":  {"requests:\n- path: /a b", "line 2: request 1: path: spaces"},
		"no path":          {"requests:\n- weight: 1", "line 2: request 1: path"},
		"placeholder":      {"requests:\n- path: /{kye}", "line 2: request 1: there is no value for {kye}"},
		"body placeholder": {"requests:\n- path: /\n  body: '{\"a\":{b}}'", "no value for {b}"},
		"method":           {"requests:\n- {path: /, method: 'GET /'}", "line 2: request 1: method"},
		"header":           {"requests:\n- {path: /, headers: {'a b': c}}", `header "a b"`},
		"header break":     {"requests:\n- path: /\n  headers:\n    A: \"b\\r\\nc\"", `header "A"`},
		"null":             {"requests:\n- path: ~", "line 2: path: want a text"},
		"boolean":          {"sequential: maybe\nrequests: [{path: /}]", "line 1: sequential: want true or false"},
		"value name":       {"values: {Key: {count: 1}}", "line 1: values: \"Key\" cannot be a placeholder"},
		"reserved value":   {"values: {tier: {count: 1}}", "cannot be a placeholder"},
		"value count":      {"values: {key: {zipf: 1}}", "line 1: value key: count"},
		"list and count":   {"values: {key: {list: [a], count: 3}}", "a list has no count"},
		"value field":      {"values: {key: {n: 3}}", `unknown key "n" in value key`},
		"users":            {"users:\n- {tier: a}\n- {tier: a}", "line 3: user 2"},
		"share":            {"users: [{tier: a, share: 0}]", "line 1: user 1"},
		"login path":       {"login: {body: a}\nrequests: [{path: /}]", "line 1: login: path"},
		"login user":       {"login: {path: /, user: '{key}'}\nrequests: [{path: /}]", "line 1: login: the user"},
		"account":          {"requests: [{path: /}, {path: /me, account: true}]", "there is no login"},
		"alias":            {"headers: &a {B: c}\nrequests: [{path: /, headers: *a}]", "line 2: headers: want a mapping"},
		"client header":    {"client_header: a b\nrequests: [{path: /}]", "client header"},
		"huge":             {"name: " + strings.Repeat("a", maxScenario), "more than"},
	}
	for name, tt := range tests {
		s, err := ReadScenario(strings.NewReader(tt.text))
		if err == nil || s != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
}

// FuzzReadScenario: a scenario that is accepted can be run.
func FuzzReadScenario(f *testing.F) {
	f.Add([]byte(shopYAML))
	f.Add([]byte("requests: [{path: /}]"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("values: {k: {list: ['\"', ?]}}\nrequests: [{path: '/{k}?a={k}', body: '{k}'}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ReadScenario(bytes.NewReader(text))
		if err != nil {
			return
		}
		n := 0
		for _, v := range s.Values {
			n += v.Count
		}
		for _, u := range s.Tiers {
			n += u.Identities
		}
		if n > 100_000 {
			return // correct, but too slow for this
		}
		r, err := New(Spec{Target: "http://host", Scenario: s, Stages: steady(1, time.Second), Seed: 1})
		if err != nil {
			t.Fatalf("accepted, but: %v", err)
		}
		w := r.newWorker(t.Context())
		defer w.close()
		for range 20 {
			p, _ := r.planner.next(time.Now(), 1)
			req := r.planner.request(p, w.base)
			if !strings.HasPrefix(req.URL.RequestURI(), "/") {
				t.Errorf("asks for %q", req.URL.RequestURI())
			}
			if strings.ContainsAny(req.URL.RequestURI(), " \r\n") {
				t.Errorf("asks for %q", req.URL.RequestURI())
			}
		}
	})
}
