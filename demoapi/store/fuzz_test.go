package store_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"apitop/demoapi/store"
)

func FuzzWords(f *testing.F) {
	for _, text := range []string{"", "Ash Desk", "ash' | 'desk:*", "İstanbul ǅ ß", "a\x00b\xff", "x\u0300"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words := store.Words(text)
		for _, w := range words {
			// Postgres gets them in quotes: nothing may end those.
			if w == "" || strings.ContainsFunc(w, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
				t.Errorf("Words(%q) has the word %q", text, w)
			}
		}
		if again := store.Words(strings.Join(words, " ")); !slices.Equal(again, words) {
			t.Errorf("Words(%q) = %q, but of those words %q", text, words, again)
		}
	})
}

func FuzzCheckPassword(f *testing.F) {
	hash, err := store.HashPassword("secret")
	if err != nil {
		f.Fatal(err)
	}
	for _, h := range []string{hash, "", "$$$", "pbkdf2-sha256$1$$", strings.Replace(hash, "4096", "-1", 1)} {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, hash string) {
		if strings.Count(hash, "$") == 3 && len(strings.Split(hash, "$")[1]) > 4 {
			t.Skip("so many rounds take too long")
		}
		if store.CheckPassword(hash, "wrong") {
			t.Errorf("CheckPassword(%q) matches a wrong password", hash)
		}
	})
}
