package store_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"apitop/demoapi/store"
	"apitop/demoapi/store/storetest"
)

// testSameSearch searches both stores for the same texts, made of words that
// occur and of what may confuse a parser of words.
func testSameSearch(t *testing.T, s *store.Postgres) {
	memory, err := store.NewMemory(storetest.Seed())
	if err != nil {
		t.Fatal(err)
	}
	parts := []string{
		"ash", "desk", "Lamp", "oa", "stee", "42", "4", "00042", "1e5", "1e", "0x2a", "desk42", "42desk", "a", "the", "٣", "日本", "ſ", "ß", "é", "É",
		"x\u0300", "Ⅷ", "ǆ", "İ", "𝟘", "\x00", "\xff", "'", "\\", ":*", "&", "|", "!", "<->", "-", ".", "@", "/", "http", "a.b", "_", "%",
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 600 {
		words := make([]string, 1+rng.IntN(3))
		for i := range words {
			words[i] = parts[rng.IntN(len(parts))]
		}
		q := store.SearchQuery{Text: strings.Join(words, []string{" ", "", "-"}[rng.IntN(3)]), Limit: 5}
		a, err := s.Search(t.Context(), q)
		if err != nil {
			t.Errorf("search for %q: %v", q.Text, err)
			continue
		}
		b, _ := memory.Search(t.Context(), q)
		if !slices.Equal(a, b) {
			t.Errorf("search for %q finds %d products in Postgres and %d in memory", q.Text, len(a), len(b))
		}
	}
}
