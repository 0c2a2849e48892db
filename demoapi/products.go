package demoapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"apitop/demoapi/cache"
	"apitop/demoapi/store"
)

type productStore interface {
	Product(ctx context.Context, id int64) (store.Product, error)
	Products(ctx context.Context, q store.ListQuery) ([]store.Listing, error)
}

type searchStore interface {
	Search(ctx context.Context, q store.SearchQuery) ([]store.Listing, error)
}

type categoryStore interface {
	Categories(ctx context.Context) ([]store.Category, error)
}

const (
	defaultPage = 20
	longestPage = 100
	maxID       = 1<<53 - 1 // what JSON numbers carry everywhere

	shortestQuery = 2 // letters and digits: one of them matches half the shop
	longestQuery  = 64
	mostWords     = 5
)

// page is one page of products. NextAfter is the "after" of the next page; it
// is left out on the last one.
type page struct {
	Items     []store.Listing `json:"items"`
	NextAfter int64           `json:"next_after,omitempty"`
}

func (a *API) listProducts(w http.ResponseWriter, r *http.Request) {
	q, ok := query(w, r)
	if !ok {
		return
	}
	var in input
	ask := store.ListQuery{
		CategoryID: in.number("category", in.once(q, "category"), 0, bounds{1, maxID}),
		After:      in.number("after", in.once(q, "after"), 0, bounds{0, maxID}),
		Limit:      int(in.number("limit", in.once(q, "limit"), defaultPage, bounds{1, longestPage})),
	}
	if in.refused(w, r) {
		return
	}
	a.cached(w, r, cache.Products(ask.CategoryID, ask.After, ask.Limit), a.pageLoader(ask))
}

func (a *API) pageLoader(ask store.ListQuery) cache.Loader {
	return func(ctx context.Context) (any, error) {
		items, err := a.store.Products(ctx, ask)
		p := page{Items: items}
		if len(items) == ask.Limit {
			p.NextAfter = items[len(items)-1].ID
		}
		return p, err
	}
}

func (a *API) getProduct(w http.ResponseWriter, r *http.Request) {
	id, ok := pathID(w, r)
	if !ok {
		return
	}
	a.cached(w, r, cache.Product(id), a.productLoader(id))
}

func (a *API) productLoader(id int64) cache.Loader {
	return func(ctx context.Context) (any, error) { return a.store.Product(ctx, id) }
}

// searchBody is the body of POST /products/search.
type searchBody struct {
	Query string `json:"query"`
	Limit *int64 `json:"limit"` // nil: defaultPage
}

func (a *API) searchProducts(w http.ResponseWriter, r *http.Request) {
	var body searchBody
	if !decode(w, r, &body) {
		return
	}
	var in input
	ask := body.check(&in)
	if in.refused(w, r) {
		return
	}
	a.cached(w, r, cache.Search(store.Words(ask.Text), ask.Limit), func(ctx context.Context) (any, error) {
		found, err := a.store.Search(ctx, ask)
		return page{Items: found}, err
	})
}

func (b searchBody) check(in *input) store.SearchQuery {
	limit := int64(defaultPage)
	if b.Limit != nil {
		limit = *b.Limit
	}
	in.check(limit >= 1 && limit <= longestPage, "limit", fmt.Sprintf("must be from 1 to %d", longestPage))
	words := store.Words(b.Query)
	length := len(strings.Join(words, ""))
	in.check(length >= shortestQuery && len(b.Query) <= longestQuery && len(words) <= mostWords, "query",
		fmt.Sprintf("must have at least %d letters or digits, at most %d words and %d bytes", shortestQuery, mostWords, longestQuery))
	return store.SearchQuery{Text: b.Query, Limit: int(limit)}
}

func (a *API) listCategories(w http.ResponseWriter, r *http.Request) {
	a.cached(w, r, cache.Categories(), a.loadCategories)
}

func (a *API) loadCategories(ctx context.Context) (any, error) {
	all, err := a.store.Categories(ctx)
	return map[string]any{"items": all}, err
}
