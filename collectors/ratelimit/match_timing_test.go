package ratelimit

import "testing"

// BenchmarkMatch is the cost of a key of the cache, which no layout claims: the
// explorer pays it for every key of every page.
func BenchmarkMatch(b *testing.B) {
	layouts := Layouts()
	keys := ordinaryKeys(1795549258)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		Match(layouts, keys[i%len(keys)])
	}
}

// BenchmarkMatchPlain is the same for the most frequent sort of key.
func BenchmarkMatchPlain(b *testing.B) {
	layouts := Layouts()
	b.ReportAllocs()
	for b.Loop() {
		Match(layouts, "product:42:details:en")
	}
}

// BenchmarkRead is the cost of all recorded keys, from name to limiter.
func BenchmarkRead(b *testing.B) {
	layouts := Layouts()
	list := recordings(b)
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range list {
			if _, err := read(layouts, r.Key, Known{Told: r.Told}, r.Now, r.replies); err != nil {
				b.Fatal(err)
			}
		}
	}
}
