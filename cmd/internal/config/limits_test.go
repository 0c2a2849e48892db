package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLimiting(t *testing.T) {
	path := write(t, `
limiters:
- name: shop
  key: "^shop:{(?P<id>[^}]+)}:(?P<ep>.+)$"
  type: hash
  algorithm: token-bucket
  fields: {tokens: t, last: at}
  unit: ms
  limit: 100
  window: 1m
limits:
- {layout: ulule-limiter, endpoint: /orders*, tier: guest, subject: "10.0.?.*", limit: 30, window: 1h, burst: 5}
- {subject: "~^(?:bot|crawler)-", limit: 1}
tiers:
- {subject: admin-*, tier: admin}
- key: user_tier:{id}
- {key: "user:{id}", field: tier}
limit_headers:
- http://localhost:8000/products
- url: http://localhost:8000/orders
  endpoint: /orders
  tier: guest
  every: 10m
  method: GET
  basic_auth: {username: apitop, password_file: secrets/password}
`, 0o600)
	f, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	rule := f.Limits[0]
	layout, err := f.Limiters[0].Layout()
	for what, ok := range map[string]bool{
		"layout":     err == nil && layout.Name == "shop" && layout.Type == "hash" && layout.Key.MatchString("shop:{7}:/orders"),
		"rule":       rule.Layout == "ulule-limiter" && rule.Tier == "guest" && rule.Limit == 30 && rule.Window.Seconds() == 3600 && rule.Burst == 5,
		"glob":       rule.Endpoint.Regexp.MatchString("/orders/7") && !rule.Endpoint.Regexp.MatchString("/v1/orders"),
		"one letter": rule.Subject.Regexp.MatchString("10.0.1.200") && !rule.Subject.Regexp.MatchString("10.0.11.2") && !rule.Subject.Regexp.MatchString("10a0.1.2"),
		"regex":      f.Limits[1].Subject.Regexp.MatchString("bot-7") && f.Limits[1].Endpoint.Regexp == nil,
		"tiers":      len(f.Tiers) == 3 && f.Tiers[0].Tier == "admin" && f.Tiers[1].Key == "user_tier:{id}" && f.Tiers[2].Field == "tier",
		"headers":    len(f.LimitHeaders) == 2 && f.LimitHeaders[0].URL.Reveal() == "http://localhost:8000/products",
		"settings":   f.LimitHeaders[1].Every == 10*time.Minute && f.LimitHeaders[1].Method == "GET" && f.LimitHeaders[1].BasicAuth.PasswordFile == filepath.Dir(path)+"/secrets/password",
	} {
		if !ok {
			t.Errorf("%s: %+v", what, f.Limiting)
		}
	}
}

// faultyLimits are files with a fault, where it is (line:column) and what is said.
var faultyLimits = map[string]struct{ text, at, want string }{
	"layout without name": {"limiters:\n- key: '^(?P<id>.+)$'", "2:3", "limiters[0]: it has no name"},
	"layout without id":   {"limiters:\n- {name: a, key: S3cr3tPW}", "2:13", "limiters[0].key: want a regular expression with a group (?P<id>…)"},
	"layout twice":        {"limiters:\n- {name: a, key: '(?P<id>.)'}\n- {name: a, key: '(?P<id>.)'}", "3:4", "limiters[1].name: another layout"},
	"layout regex":        {"limiters:\n- {name: a, key: '(?P<id>S3cr3tPW'}", "2:13", "limiters[0].key: it is no regular expression"},
	"layout type":         {"limiters:\n- {name: a, key: '(?P<id>.)', type: S3cr3tPW}", "2:31", "limiters[0].type: type is not known: string, hash, zset, list are allowed"},
	"layout algorithm":    {"limiters:\n- {name: a, key: '(?P<id>.)', algorithm: token-bucket}", "2:31", "algorithm is \"token-bucket\": fixed-window,"},
	"layout fields":       {"limiters:\n- {name: a, key: '(?P<id>.)', type: hash}", "2:3", "fields: used or remaining is missing"},
	"layout group":        {"limiters:\n- {name: a, key: '(?P<id>.)', reset_from: window}", "2:31", "key needs a group \"start\" or \"bucket\""},
	"no limit":            {"limits:\n- {layout: drf}", "2:3", "limits[0]: it has no limit"},
	"unknown layout":      {"limits:\n- {layout: redis-rate, limit: 5}", "2:4", "limits[0].layout: no limiter has this name: want one of apisix,"},
	"layout of headers":   {"limit_headers:\n- {url: 'http://h', layout: S3cr3tPW}", "2:21", "limit_headers[0].layout: no limiter has this name"},
	"window":              {"limits:\n- {limit: 5, window: soon}", "2:22", "limits[0].window: want a duration such as 60s"},
	"long window":         {"limits:\n- {limit: 5, window: 1e9h}", "2:22", "limits[0].window: want a duration such as 60s"},
	"two subjects":        {"limiters:\n- {name: a, key: '(?P<user>.)(?P<ip>.)'}", "2:13", "limiters[0].key: want one group id instead of user and ip"},
	"layout without key":  {"limiters:\n- {name: a}", "2:3", "limiters[0]: it has no key"},
	"negative":            {"limits:\n- {limit: -5}", "2:4", "limits[0].limit: want a positive number"},
	"negative window":     {"limits:\n- {limit: 5, window: -1s}", "2:14", "limits[0].window: want a duration"},
	"negative burst":      {"limits:\n- {limit: 5, burst: -1}", "2:14", "limits[0].burst: want a positive number"},
	"unknown key":         {"limits:\n- {limt: 5}", "2:4", "limits[0]: unknown key limt: did you mean limit?"},
	"regex":               {"limits:\n- {limit: 5, subject: '~(S3cr3tPW'}", "2:23", "limits[0].subject: it is no regular expression"},
	"no tier":             {"tiers:\n- {subject: a}", "2:3", "tiers[0]: it has neither tier nor key"},
	"two tiers":           {"tiers:\n- {tier: a, key: 'a:{id}'}", "2:13", "tiers[0].key: give either it or tier"},
	"key without id":      {"tiers:\n- key: S3cr3tPW", "2:3", "tiers[0].key: want {id} in it"},
	"field alone":         {"tiers:\n- {tier: a, field: b}", "2:13", "tiers[0].field: want the key of a hash"},
	"no url":              {"limit_headers:\n- {endpoint: /a}", "2:3", "limit_headers[0]: it has no url"},
	"bad url":             {"limit_headers:\n- ftp://u:S3cr3tPW@h", "2:3", "limit_headers[0].url: it is neither http nor https"},
	"too often":           {"limit_headers:\n- {url: 'http://h', every: 1s}", "2:21", "limit_headers[0].every: want 10s or more"},
	"method":              {"limit_headers:\n- {url: 'http://h', method: DELETE}", "2:21", "limit_headers[0].method: want one of HEAD"},
	"setting":             {"limit_headers:\n- {url: 'http://h', authorization: {type: x}}", "2:21", "limit_headers[0].authorization: it has no credentials"},
}

func TestLimitingErrors(t *testing.T) {
	for name, tt := range faultyLimits {
		t.Run(name, func(t *testing.T) {
			path := write(t, tt.text, 0o600)
			_, err := Load(path)
			if _, ok := errors.AsType[*Error](err); !ok || !strings.HasPrefix(fmt.Sprint(err), path+":"+tt.at+": ") || !strings.Contains(fmt.Sprint(err), tt.want) {
				t.Errorf("got %v\nwant %s: %s", err, tt.at, tt.want)
			}
			if strings.Contains(fmt.Sprintf("%v %+v", err, err), canary) {
				t.Errorf("a secret is in %q", err)
			}
		})
	}
	if _, err := Load(write(t, "limits:\n"+strings.Repeat("- limit: 5\n", mostRules+1), 0o600)); err == nil {
		t.Error("rules without end are accepted")
	}
}
