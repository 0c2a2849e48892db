package rediskeys

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

func TestPrefixOf(t *testing.T) {
	for name, want := range map[string]string{
		"product:17":                                      "product:",
		"product:list":                                    "product:",
		"user:42:cart":                                    "user:*:cart",
		"user:7f3a9c1e88b24d10:cart":                      "user:*:cart",
		"session:0a1b2c3d4e5f60718293a4b5":                "session:",
		"session:3f2504e0-4f89-11d3-9a0c-0305e82c3301":    "session:",
		"cache:v1:product:12":                             "cache:v1:product:",
		"a:b:c:d:e:f":                                     "a:b:c:",
		"tenant:5:order:7":                                "tenant:*:order:",
		":1:products:list":                                ":1:products:",
		":1:views.decorators.cache.cache_page.GET":        ":1:views.decorators.cache.",
		":1:home":                                         ":1:",
		"books::42":                                       "books::",
		"laravel_cache_:user":                             "laravel_cache_:",
		"views/products/17":                               "views/products/",
		"expensive_calculation:-4912345678901234567":      "expensive_calculation:",
		"app.viewsget_product(1,)[]":                      "app.viewsget_product(",
		"fastapi-cache::5d41402abc4b2a76b9719d911017c592": "fastapi-cache::",
		"img|large|77":                                    "img|large|",
		"key000123":                                       "key*",
		"categories":                                      "",
		"":                                                "",
		"42":                                              "",
		":":                                               "",
		"::":                                              "",
		"10.0.0.1":                                        "",
	} {
		if got := prefixOf(name); got != want {
			t.Errorf("%q is in %q, want %q", name, got, want)
		}
	}
	if got := prefixOf(strings.Repeat("x", 1000) + ":1"); len(got) > prefixBytes {
		t.Errorf("a prefix of %d bytes", len(got))
	}
}

func FuzzPrefixOf(f *testing.F) {
	for _, s := range []string{"user:42:cart", ":1:a", "a::b", "f(1)", "\xff:\x00", "::::", "*:*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if p := prefixOf(name); len(p) > prefixBytes || len(p) > 2*len(name)+2 {
			t.Errorf("%q is in %q", name, p)
		}
	})
}

// TestGroups: the large groups are found among more small ones than there is
// room for, with counts that are right within their bound.
func TestGroups(t *testing.T) {
	s := newSurvey()
	for i := range 200_000 {
		name := fmt.Sprintf("one%c%c%c:%d", 'a'+i%26, 'a'+i/26%26, 'a'+i/676%26, i) // 7,692 groups
		switch i % 4 {
		case 0:
			name = fmt.Sprintf("product:%d", i)
		case 1:
			name = fmt.Sprintf("user:%d:cart", i)
		}
		s.groups.add(name)
		s.seen++
	}
	if len(s.groups.by) > mostGroups {
		t.Fatalf("%d groups", len(s.groups.by))
	}
	list := s.estimates(2_000_000)
	if len(list) < 3 || list[0].Prefix.Raw() != "product:" && list[0].Prefix.Raw() != "user:*:cart" {
		t.Fatalf("groups %v", list)
	}
	total := 0.0
	for _, g := range list {
		total += g.Keys.V
		if p := g.Prefix.Raw(); (p == "product:" || p == "user:*:cart") && math.Abs(g.Keys.V-500_000) > 5000 {
			t.Errorf("%s has %v keys, not 500,000", p, g.Keys.V)
		}
	}
	if rest := list[len(list)-1]; rest.Prefix != (safe.Text{}) || math.Abs(total-2_000_000) > 1 {
		t.Errorf("the rest is %v, all are %v", rest, total)
	}
}

// TestReservoir: early and late keys of a pass are in the sample alike.
func TestReservoir(t *testing.T) {
	const passes, keys, parts = 20, 40_000, 10
	var in [parts]int
	for range passes {
		r := newReservoir()
		place := make(map[int]int)
		for i := range keys {
			if at := r.offer("k:1"); at >= 0 {
				place[at] = i
				r.answer(at, int64(-1), int64(100))
			}
		}
		if len(r.keys) != sampleKeys || r.seen != keys {
			t.Fatalf("%d of %d", len(r.keys), r.seen)
		}
		for _, i := range place {
			in[i*parts/keys]++
		}
	}
	for part, n := range in {
		want := float64(passes * sampleKeys / parts)
		if math.Abs(float64(n)-want) > 5*math.Sqrt(want) {
			t.Errorf("part %d: %d in the sample, want about %v", part, n, want)
		}
	}
}

func TestSummary(t *testing.T) {
	r := newReservoir()
	for _, a := range []struct{ ttl, bytes any }{
		{int64(-1), int64(64)}, {int64(5000), int64(65)}, {int64(-2), nil}, {int64(90_000), int64(1 << 40)},
		{errors.New("refused"), int64(10)}, {errors.New("refused"), errors.New("refused")},
	} {
		r.answer(r.offer("x:1"), a.ttl, a.bytes)
	}
	s := summary(r.keys, 6)
	if s.N != 4 || s.NoTTL != 1 || s.Of != 6 {
		t.Errorf("%+v", s)
	}
	if b := s.Bytes; b[0] != (snapshot.Bound{Le: 64, Count: 2}) || b[1].Count != 3 || b[len(b)-2].Count != 3 || b[len(b)-1].Count != 4 {
		t.Errorf("bytes %v", b)
	}
	if b := s.TTLs; b[0].Count != 0 || b[1] != (snapshot.Bound{Le: 10, Count: 1}) || b[3].Count != 2 || b[len(b)-1].Count != 2 {
		t.Errorf("lifetimes %v", b)
	}
}
