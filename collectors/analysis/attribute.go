package analysis

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// Attribution tells by their names which routes are likely to use which keys: a
// key "product:42" and a route /products/{id} speak of the same thing. It is a
// guess and must be labelled so, "by name". Not safe for concurrent use.
type Attribution struct {
	routes []wordSet
	known  map[string][]int // routes of keys with these words
}

// wordSet is what a name speaks of.
type wordSet struct {
	words []string // in their singular, without repetition
	id    bool     // it names one of them
}

// ByName makes the Attribution of these routes.
func ByName(routes []Route) *Attribution {
	a := &Attribution{known: map[string][]int{}}
	for i := range routes {
		a.routes = append(a.routes, routeWords(routes[i].Route.Raw()))
	}
	return a
}

// Routes are the indices of the routes that are likely to use a key, by its raw
// name, the likeliest first; none where no word is shared.
func (a *Attribution) Routes(key string) []int {
	k := keyWords(key)
	if len(k.words) == 0 {
		return nil
	}
	name := strings.Join(k.words, " ")
	if k.id {
		name += " #"
	}
	if list, ok := a.known[name]; ok {
		return list
	}
	list := a.likely(k)
	a.known[name] = list
	return list
}

// mostLikely is how many routes a key is said to belong to at most.
const mostLikely = 5

func (a *Attribution) likely(k wordSet) []int {
	type guess struct{ route, score int }
	var all []guess
	for i := range a.routes {
		if s := k.likeness(a.routes[i]); s > 0 {
			all = append(all, guess{i, s})
		}
	}
	slices.SortStableFunc(all, func(x, y guess) int { return cmp.Compare(y.score, x.score) })
	var list []int
	for _, g := range all {
		if len(list) == mostLikely || g.score < all[0].score-1 { // a word too many is another thing
			break
		}
		list = append(list, g.route)
	}
	return list
}

// Keys are the indices of the keys in keys that are likely to be used by the
// route with that index, in their order.
func (a *Attribution) Keys(route int, keys []HotKey) []int {
	var list []int
	for i := range keys {
		if slices.Contains(a.Routes(keys[i].Key.Raw()), route) {
			list = append(list, i)
		}
	}
	return list
}

// wordWeight is how much a shared word counts for, against one for a word that
// only one of the two has.
const wordWeight = 3

// likeness is above zero when a key's words w and a route's r share so many words that they are likely
// to speak of the same thing.
func (w wordSet) likeness(r wordSet) int {
	shared := 0
	for _, word := range w.words {
		if slices.Contains(r.words, word) {
			shared++
		}
	}
	if shared == 0 {
		return 0
	}
	score := wordWeight*shared - (len(w.words) - shared) - (len(r.words) - shared)
	if w.id == r.id {
		score++
	}
	return score
}

// routeWords are the words of a path; a placeholder is an id.
func routeWords(path string) wordSet {
	var set wordSet
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "" {
			continue
		}
		if strings.ContainsAny(segment[:1], "{:<*") {
			set.id = true
			continue
		}
		set.add(segment)
	}
	return set
}

// longestName is how much of a key's name is looked at; names may be megabytes.
const longestName = 200

// keyWords are the words of a key's name; what has a digit in it is an id, but
// for a number at the beginning, which is Django's version of the cache.
func keyWords(key string) wordSet {
	var set wordSet
	first := true
	for part := range strings.FieldsFuncSeq(key[:min(len(key), longestName)], func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-'
	}) {
		if strings.ContainsAny(part, "0123456789") && !isVersion(part) {
			set.id = set.id || !first || strings.Trim(part, "0123456789") != ""
		} else {
			set.add(part)
		}
		first = false
	}
	return set
}

// isVersion tells names such as v1 from ids.
func isVersion(s string) bool {
	return len(s) == 2 && (s[0] == 'v' || s[0] == 'V')
}

// add adds the words of s that say something, such as "order" and "item" of
// "order_items".
func (w *wordSet) add(s string) {
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return !unicode.IsLetter(r) }) {
		word = singular(strings.ToLower(word))
		if len(word) < 3 || saysNothing(word) || slices.Contains(w.words, word) {
			continue
		}
		w.words = append(w.words, word)
	}
}

// saysNothing tells words that are in names of all kinds of keys and routes.
func saysNothing(word string) bool {
	switch word {
	case "api", "app", "cache", "cached", "data", "entry", "find", "get", "http", "item", "key", "list", "all",
		"page", "read", "rest", "view", "laravel", "database", "internal", "public", "the", "for":
		return true
	}
	return false
}

// singular takes a plural's ending off, as English has it: what matters is that
// both forms of a word become the same.
func singular(word string) string {
	switch {
	case len(word) > 4 && strings.HasSuffix(word, "ies"):
		return word[:len(word)-3] + "y"
	case len(word) > 4 && (strings.HasSuffix(word, "ses") || strings.HasSuffix(word, "xes") || strings.HasSuffix(word, "ches")):
		return word[:len(word)-2]
	case len(word) > 3 && strings.HasSuffix(word, "s") && !strings.HasSuffix(word, "ss"):
		return word[:len(word)-1]
	}
	return word
}
