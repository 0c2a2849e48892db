package cache

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Item names a cached value: the cache it belongs to, a metric's label, and its
// Redis key. Equal questions give equal items, in every process.
type Item struct {
	Cache string // "product", "products", "search", "categories", "user"
	Key   string // "product:42"
}

// Names are all values of [Item.Cache].
func Names() []string { return []string{"product", "products", "search", "categories", "user"} }

// Product is one product.
func Product(id int64) Item {
	return Item{"product", "product:" + strconv.FormatInt(id, 10)}
}

// Products is one page of the products of a category; category 0 means all.
func Products(category, after int64, limit int) Item {
	q := url.Values{"after": {strconv.FormatInt(after, 10)}, "limit": {strconv.Itoa(limit)}}
	if category != 0 {
		q.Set("category", strconv.FormatInt(category, 10))
	}
	return Item{"products", "products:list:" + q.Encode()} // Encode sorts by name
}

// Search is the result of a search for words, whose order does not matter.
func Search(words []string, limit int) Item {
	words = slices.Compact(slices.Sorted(slices.Values(words)))
	q := url.Values{"limit": {strconv.Itoa(limit)}, "q": {strings.Join(words, " ")}}
	return Item{"search", "search:" + q.Encode()}
}

// Categories is the list of all categories.
func Categories() Item { return Item{"categories", "categories"} }

// User is one account.
func User(id int64) Item {
	return Item{"user", "user:" + strconv.FormatInt(id, 10)}
}
