package ratelimit

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"apitop/collectors/snapshot"
)

// recorded is what a server answered about one key of a limiter, as the library
// left it there. Keys and texts are quoted as in Go, since some are binary. In
// parentheses behind the library: "script" when only its Lua script was run, "its
// commands" when the commands of its source were sent by hand, "bytes by hand"
// when the value was put together from its source; else the library itself was
// run, and Want has what it told its caller.
type recorded struct {
	Library string
	Key     string
	Now     float64
	Told    Quota
	Answers []struct {
		Ask   []string
		Reply any
	}
	Want want
}

// want is what is to be read of a key. Numbers that are nil are to be unknown.
type want struct {
	Layout, Algorithm, Subject, Endpoint string
	Used, Limit, Window, Resets          *float64
	LimitFrom                            string `json:"limit_from"`
	Blocked                              bool
	Lint                                 []string
}

// slack is by how many seconds a recorded reset may be off: libraries answered a
// moment before the server was asked, some in whole seconds.
const slack = 1.0

func (w want) check(l snapshot.Limiter) error {
	got := want{
		Layout: l.Layout, Algorithm: l.Algorithm, Subject: l.Subject.Raw(), Endpoint: l.Endpoint.Raw(),
		LimitFrom: l.LimitFrom, Blocked: l.Blocked, Lint: l.Lint,
	}
	if got.Layout != w.Layout || got.Algorithm != w.Algorithm || got.Subject != w.Subject || got.Endpoint != w.Endpoint ||
		got.LimitFrom != w.LimitFrom || got.Blocked != w.Blocked || !slices.Equal(got.Lint, w.Lint) {
		return fmt.Errorf("got %+v\nwant %+v", got, w)
	}
	if !same(l.Used, w.Used, 0) || !same(l.Limit, w.Limit, 0) {
		return fmt.Errorf("used %v of %v, want %v of %v", l.Used, l.Limit, show(w.Used), show(w.Limit))
	}
	if w.Window != nil && !same(l.WindowSeconds, w.Window, 1e-6) || w.Resets != nil && !same(l.ResetsSeconds, w.Resets, slack) {
		return fmt.Errorf("window %v, resets in %v, want %v and %v", l.WindowSeconds, l.ResetsSeconds, show(w.Window), show(w.Resets))
	}
	return nil
}

func same(got snapshot.Value, want *float64, within float64) bool {
	if want == nil {
		return !got.OK
	}
	return got.OK && math.Abs(got.V-*want) <= within
}

func show(v *float64) string {
	if v == nil {
		return "unknown"
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}

// replies are the answers to asks; an ask that was not recorded is an error.
func (r recorded) replies(asks [][]string) ([]any, error) {
	var list []any
	for _, ask := range asks {
		i := slices.IndexFunc(r.Answers, func(a struct {
			Ask   []string
			Reply any
		},
		) bool {
			return slices.EqualFunc(a.Ask, ask, func(quoted, word string) bool { return unquote(quoted) == word })
		})
		if i < 0 {
			return nil, fmt.Errorf("asks %q, which was not recorded", ask)
		}
		list = append(list, reply(r.Answers[i].Reply))
	}
	return list, nil
}

// reply is a reply of the server by its form in the file.
func reply(v any) any {
	switch v := v.(type) {
	case string:
		return unquote(v)
	case float64:
		return int64(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = reply(v[i])
		}
		return list
	}
	return v
}

func unquote(s string) string {
	u, err := strconv.Unquote(`"` + s + `"`)
	if err != nil {
		panic(err)
	}
	return u
}

// read asks for a key until all is known, as package rediskeys does.
func read(layouts []Layout, key string, k Known, now float64, ask func([][]string) ([]any, error)) (Reading, error) {
	ref, ok := Match(layouts, key)
	if !ok {
		return Reading{}, nil
	}
	for range 12 {
		replies, err := ask(ref.Ask(k, now))
		if err != nil {
			return Reading{}, err
		}
		got := ref.Read(k, replies, now)
		if !got.More {
			return got, nil
		}
		k = got.Known
	}
	return Reading{}, fmt.Errorf("%q is never done", key)
}

func recordings(t testing.TB) []recorded {
	t.Helper()
	f, err := os.Open("testdata/recorded.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []recorded
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r recorded
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		r.Key = unquote(r.Key)
		list = append(list, r)
	}
	return list
}

// TestRecorded reads the keys that limiters left on a real server.
func TestRecorded(t *testing.T) {
	seen := map[string]bool{"apitop-demo": true} // and the tutorial's: tests of their own
	for _, r := range recordings(t) {
		seen[r.Want.Layout] = true
		t.Run(strings.Join([]string{r.Library, r.Key}, " "), func(t *testing.T) {
			got, err := read(Layouts(), r.Key, Known{Told: r.Told}, r.Now, r.replies)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Found {
				t.Fatal("not found")
			}
			if err := r.Want.check(got.Limiter); err != nil {
				t.Error(err)
			}
		})
	}
	for _, l := range Layouts() {
		if !seen[l.Name] {
			t.Errorf("no recording of %s", l.Name)
		}
	}
}

// TestRecordedByConfig reads the same values under other names, by a definition
// that says what they are like.
func TestRecordedByConfig(t *testing.T) {
	for _, r := range recordings(t) {
		switch r.Want.Layout {
		case "rate-limit-redis", "redis_rate", "traefik", "sethvargo-limiter", "drf", "redis-cell", "bucket4j", "laravel-throttle":
		default:
			continue // their names say more than who is limited
		}
		t.Run(r.Library, func(t *testing.T) {
			own, err := Custom(Definition{Name: "mine", Key: `^acme/(?P<id>.+)$`, Like: r.Want.Layout})
			if err != nil {
				t.Fatal(err)
			}
			w := r.Want
			w.Layout, w.Subject, w.Endpoint = "mine", "x", ""
			got, err := read(append([]Layout{own}, Layouts()...), "acme/x", Known{Told: r.Told}, r.Now, func(asks [][]string) ([]any, error) {
				for _, ask := range asks {
					ask[1] = r.Key
				}
				return r.replies(asks)
			})
			if err != nil || !got.Found {
				t.Fatalf("found %v: %v", got.Found, err)
			}
			if err := w.check(got.Limiter); err != nil {
				t.Error(err)
			}
		})
	}
}
