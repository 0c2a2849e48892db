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

const (
	productPrefix = "product:"
	listPrefix    = "products:list:"
	searchPrefix  = "search:"
	userPrefix    = "user:"
	categoriesKey = "categories"
)

// ours reports whether key is the Redis key of an item.
func ours(key string) bool {
	for _, prefix := range []string{productPrefix, listPrefix, searchPrefix, userPrefix} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return key == categoriesKey
}

// Product is one product.
func Product(id int64) Item {
	return Item{"product", productPrefix + strconv.FormatInt(id, 10)}
}

// ProductID is the id that [Product] was called with; false for other items.
func (i Item) ProductID() (int64, bool) {
	text, ok := strings.CutPrefix(i.Key, productPrefix)
	id, err := strconv.ParseInt(text, 10, 64)
	return id, ok && err == nil && Product(id) == i
}

// Page is one page of the products of a category.
type Page struct {
	Category int64 // 0: all
	After    int64 // the id before the page's first; 0: from the beginning
	Limit    int   // products at most
}

// Products is one page of the products of a category; category 0 means all.
func Products(category, after int64, limit int) Item {
	q := url.Values{"after": {strconv.FormatInt(after, 10)}, "limit": {strconv.Itoa(limit)}}
	if category != 0 {
		q.Set("category", strconv.FormatInt(category, 10))
	}
	return Item{"products", listPrefix + q.Encode()} // Encode sorts by name
}

// Page is what [Products] was called with; false for other items.
func (i Item) Page() (Page, bool) {
	text, ok := strings.CutPrefix(i.Key, listPrefix)
	q, err := url.ParseQuery(text)
	if !ok || err != nil {
		return Page{}, false
	}
	var p Page
	p.After, _ = strconv.ParseInt(q.Get("after"), 10, 64)
	p.Category, _ = strconv.ParseInt(q.Get("category"), 10, 64)
	p.Limit, _ = strconv.Atoi(q.Get("limit"))
	return p, Products(p.Category, p.After, p.Limit) == i // whatever did not parse differs here
}

// ItemOf is the item of a Redis key, for the kinds that can be loaded knowing
// nothing else: a product, a page of products, the categories. Ask its
// [Item.ProductID] and [Item.Page] for what. False for all other keys, also for
// those that are not exactly as we write them.
func ItemOf(key string) (Item, bool) {
	if _, ok := (Item{"product", key}).ProductID(); ok {
		return Item{"product", key}, true
	}
	if _, ok := (Item{"products", key}).Page(); ok {
		return Item{"products", key}, true
	}
	return Categories(), key == categoriesKey
}

// Search is the result of a search for words, whose order does not matter.
func Search(words []string, limit int) Item {
	words = slices.Compact(slices.Sorted(slices.Values(words)))
	q := url.Values{"limit": {strconv.Itoa(limit)}, "q": {strings.Join(words, " ")}}
	return Item{"search", searchPrefix + q.Encode()}
}

// Categories is the list of all categories.
func Categories() Item { return Item{"categories", categoriesKey} }

// User is one account.
func User(id int64) Item {
	return Item{"user", userPrefix + strconv.FormatInt(id, 10)}
}
