// Package storetest holds what every store must do, as tests and benchmarks.
package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"apitop/demoapi/store"
)

// Store is all that a store offers.
type Store interface {
	Ping(ctx context.Context) error
	Product(ctx context.Context, id int64) (store.Product, error)
	Products(ctx context.Context, q store.ListQuery) ([]store.Listing, error)
	Search(ctx context.Context, q store.SearchQuery) ([]store.Listing, error)
	Categories(ctx context.Context) ([]store.Category, error)
	User(ctx context.Context, id int64) (store.User, error)
	UserByName(ctx context.Context, name string) (store.User, error)
	CreateOrder(ctx context.Context, n store.NewOrder) (store.Order, error)
	Order(ctx context.Context, id int64) (store.Order, error)
	PendingOrders(ctx context.Context, limit int) ([]int64, error)
	SettleOrder(ctx context.Context, id int64, status string) error
}

// Seed is the size of the store that [Run] expects.
func Seed() store.Seed { return store.Seed{Products: 2_000, Orders: 50} }

// Run holds s, freshly seeded with [Seed], to the contract. It adds orders.
func Run(t *testing.T, s Store) {
	t.Run("products", func(t *testing.T) { testProducts(t, s) })
	t.Run("lists", func(t *testing.T) { testLists(t, s) })
	t.Run("search", func(t *testing.T) { testSearch(t, s) })
	t.Run("categories", func(t *testing.T) { testCategories(t, s) })
	t.Run("users", func(t *testing.T) { testUsers(t, s) })
	t.Run("seeded orders", func(t *testing.T) { testSeededOrder(t, s) })
	t.Run("orders", func(t *testing.T) { testOrders(t, s) })
	t.Run("refused orders", func(t *testing.T) { testRefusedOrders(t, s) })
	t.Run("settled orders", func(t *testing.T) { testSettledOrders(t, s) })
	t.Run("orders settled at once", func(t *testing.T) { testSettledAtOnce(t, s) })
	t.Run("refused settling", func(t *testing.T) { testRefusedSettling(t, s) })
	t.Run("concurrent orders", func(t *testing.T) { testConcurrentOrders(t, s) })
}

func testProducts(t *testing.T, s Store) {
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[int64]store.Product{
		1:    {ID: 1, SKU: "SKU-000001", Name: "Oak Chair 1", CategoryID: 2, PriceCents: 8118, Stock: 1037},
		42:   {ID: 42, SKU: "SKU-000042", Name: "Ash Desk 42", CategoryID: 3, PriceCents: 15997, Stock: 2554},
		2000: {ID: 2000, SKU: "SKU-002000", Name: "Oak Lamp 2000", CategoryID: 1, PriceCents: 17999, Stock: 3000},
	}
	for id, p := range want {
		word := strings.Fields(strings.ToLower(p.Name))
		p.Description = "A " + word[1] + " of " + word[0] + ", made in our own workshop in small numbers, " +
			"delivered within three days and taken back within a hundred. Article " + word[2] + "."
		got, err := s.Product(t.Context(), id)
		if err != nil || got != p {
			t.Errorf("Product(%d) = %+v, %v, want %+v", id, got, err, p)
		}
	}
	for _, id := range []int64{-1, 0, 2001} {
		if _, err := s.Product(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Product(%d): error %v, want ErrNotFound", id, err)
		}
	}
}

func testLists(t *testing.T, s Store) {
	tests := map[string]struct {
		query store.ListQuery
		want  []int64
	}{
		"first page":         {store.ListQuery{Limit: 3}, []int64{1, 2, 3}},
		"next page":          {store.ListQuery{After: 3, Limit: 2}, []int64{4, 5}},
		"last page is short": {store.ListQuery{After: 1998, Limit: 5}, []int64{1999, 2000}},
		"past the end":       {store.ListQuery{After: 2000, Limit: 5}, []int64{}},
		"category":           {store.ListQuery{CategoryID: 3, Limit: 3}, []int64{2, 22, 42}},
		"category, next":     {store.ListQuery{CategoryID: 3, After: 42, Limit: 2}, []int64{62, 82}},
		"no such category":   {store.ListQuery{CategoryID: 99, Limit: 3}, []int64{}},
	}
	for name, tt := range tests {
		got, err := s.Products(t.Context(), tt.query)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got == nil || !slices.Equal(ids(got), tt.want) {
			t.Errorf("%s: Products(%+v) = %v, want %v", name, tt.query, ids(got), tt.want)
		}
	}
	page, err := s.Products(t.Context(), store.ListQuery{After: 41, Limit: 1})
	want := store.Listing{ID: 42, SKU: "SKU-000042", Name: "Ash Desk 42", CategoryID: 3, PriceCents: 15997}
	if err != nil || len(page) != 1 || page[0] != want {
		t.Errorf("the listing of 42 is %+v, %v, want %+v", page, err, want)
	}
}

func testSearch(t *testing.T, s Store) {
	tests := map[string]struct {
		text  string
		limit int
		want  []int64
	}{
		"two words":              {"ash desk", 3, []int64{42, 542, 1042}},
		"order and case":         {"DESK Ash", 3, []int64{42, 542, 1042}},
		"beginnings":             {"as des", 3, []int64{42, 542, 1042}},
		"the limit":              {"ash desk", 1, []int64{42}},
		"with a number":          {"desk 42", 3, []int64{42, 422}},
		"middle of a word":       {"esk", 3, []int64{}},
		"no such word":           {"ash unicorn", 3, []int64{}},
		"no word":                {" -!' ", 3, []int64{}},
		"letters of all kinds":   {"\u0663 ſ ǆ İ 日本 ß x\u0300", 3, []int64{}},
		"query language is text": {"ash' | 'desk", 3, []int64{42, 542, 1042}},
		"operators are dropped":  {"ash & !desk:*", 3, []int64{42, 542, 1042}},
	}
	for name, tt := range tests {
		got, err := s.Search(t.Context(), store.SearchQuery{Text: tt.text, Limit: tt.limit})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got == nil || !slices.Equal(ids(got), tt.want) {
			t.Errorf("%s: Search(%q) = %v, want %v", name, tt.text, ids(got), tt.want)
		}
	}
}

func testCategories(t *testing.T, s Store) {
	got, err := s.Categories(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 20 {
		t.Fatalf("%d categories, want 20", len(got))
	}
	if want := (store.Category{ID: 1, Name: "Lamp", Products: 100}); got[0] != want {
		t.Errorf("first category %+v, want %+v", got[0], want)
	}
	if want := (store.Category{ID: 20, Name: "Planter", Products: 100}); got[19] != want {
		t.Errorf("last category %+v, want %+v", got[19], want)
	}
}

func testUsers(t *testing.T, s Store) {
	for id, name := range map[int64]string{
		1: "admin1", 200: "admin200", 201: "premium1", 2200: "premium2000", 2201: "basic1", 20_000: "basic17800",
	} {
		byID, err := s.User(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		byName, err := s.UserByName(t.Context(), name)
		if err != nil || byName != byID {
			t.Errorf("UserByName(%q) = %+v, %v, want %+v", name, byName, err, byID)
		}
		if byID.ID != id || byID.Username != name || byID.Tier != strings.TrimRight(name, "0123456789") {
			t.Errorf("user %d is %+v, want %s", id, byID, name)
		}
	}
	u, _ := s.User(t.Context(), 7)
	if !store.CheckPassword(u.PasswordHash, store.DemoPassword) {
		t.Error("the documented password does not open user 7")
	}
	if store.CheckPassword(u.PasswordHash, "wrong") {
		t.Error("a wrong password opens user 7")
	}
	if _, err := s.User(t.Context(), store.Users+1); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("User(20001): error %v, want ErrNotFound", err)
	}
	if _, err := s.UserByName(t.Context(), "Admin1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("UserByName(Admin1): error %v, want ErrNotFound", err)
	}
}

func testSeededOrder(t *testing.T, s Store) {
	got, err := s.Order(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	want := []store.Item{{ProductID: 63, Quantity: 3, PriceCents: 4096}, {ProductID: 80, Quantity: 1, PriceCents: 119}}
	for i := range want { // prices as the products have them
		p, err := s.Product(t.Context(), want[i].ProductID)
		if err != nil {
			t.Fatal(err)
		}
		want[i].PriceCents = p.PriceCents
	}
	if got.UserID != 3 || got.Status != store.StatusConfirmed || !slices.Equal(got.Items, want) || got.TotalCents != 3*want[0].PriceCents+want[1].PriceCents {
		t.Errorf("order 2 is %+v, want items %+v of user 3", got, want)
	}
	if _, err := s.Order(t.Context(), 0); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Order(0): error %v, want ErrNotFound", err)
	}
}

func testOrders(t *testing.T, s Store) {
	before := stock(t, s, 300)
	// Given out of order, kept by product id; the price asked for does not count.
	made, err := s.CreateOrder(t.Context(), store.NewOrder{UserID: 91, Items: []store.Item{
		{ProductID: 301, Quantity: 1, PriceCents: 1}, {ProductID: 300, Quantity: 4},
	}})
	if err != nil {
		t.Fatal(err)
	}
	p300, _ := s.Product(t.Context(), 300)
	p301, _ := s.Product(t.Context(), 301)
	want := []store.Item{
		{ProductID: 300, Quantity: 4, PriceCents: p300.PriceCents}, {ProductID: 301, Quantity: 1, PriceCents: p301.PriceCents},
	}
	if made.ID <= 0 || made.Status != store.StatusPending || made.UserID != 91 || made.CreatedAt.IsZero() || !slices.Equal(made.Items, want) ||
		made.TotalCents != 4*p300.PriceCents+p301.PriceCents {
		t.Errorf("CreateOrder = %+v, want items %+v", made, want)
	}
	if got := stock(t, s, 300); got != before-4 {
		t.Errorf("stock of 300 went from %d to %d, want 4 less", before, got)
	}
	read, err := s.Order(t.Context(), made.ID)
	if err != nil || read.ID != made.ID || read.Status != made.Status || read.TotalCents != made.TotalCents || !slices.Equal(read.Items, want) || !read.CreatedAt.Equal(made.CreatedAt) {
		t.Errorf("Order(%d) = %+v, %v, want %+v", made.ID, read, err, made)
	}
}

func testRefusedOrders(t *testing.T, s Store) {
	tests := map[string]struct {
		order   store.NewOrder
		want    error
		product int64
	}{
		"unknown product": {store.NewOrder{UserID: 91, Items: []store.Item{{ProductID: 400, Quantity: 1}, {ProductID: 2001, Quantity: 1}}}, store.ErrUnknownProduct, 2001},
		"out of stock":    {store.NewOrder{UserID: 91, Items: []store.Item{{ProductID: 400, Quantity: 1}, {ProductID: 401, Quantity: 1 << 40}}}, store.ErrOutOfStock, 401},
		"unknown user":    {store.NewOrder{UserID: store.Users + 1, Items: []store.Item{{ProductID: 400, Quantity: 1}}}, store.ErrNotFound, 0},
	}
	before := stock(t, s, 400)
	for name, tt := range tests {
		_, err := s.CreateOrder(t.Context(), tt.order)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: error %v, want %v", name, err, tt.want)
		}
		var faulty *store.ProductError
		if tt.product != 0 && (!errors.As(err, &faulty) || faulty.ProductID != tt.product) {
			t.Errorf("%s: error %v does not name product %d", name, err, tt.product)
		}
	}
	if got := stock(t, s, 400); got != before {
		t.Errorf("refused orders changed the stock of 400 from %d to %d", before, got)
	}
}

// testConcurrentOrders has many buyers take the same two products, named in
// opposite order, and half of the orders fail meanwhile, so that careless
// locking deadlocks or sells too many.
func testConcurrentOrders(t *testing.T, s Store) {
	const buyers, each, sold = 8, 6, 8 * 6 / 2
	before := [2]int64{stock(t, s, 500), stock(t, s, 501)}
	var wg sync.WaitGroup
	for b := range buyers {
		wg.Go(func() {
			items := []store.Item{{ProductID: 500, Quantity: 2}, {ProductID: 501, Quantity: 1}}
			if b%2 == 1 {
				slices.Reverse(items)
			}
			for i := range each {
				o, err := s.CreateOrder(context.Background(), store.NewOrder{UserID: int64(b + 1), Items: items})
				if err == nil && i%2 == 0 {
					err = s.SettleOrder(context.Background(), o.ID, store.StatusFailed)
				}
				if err != nil {
					t.Errorf("buyer %d: %v", b, err)
				}
			}
		})
	}
	wg.Wait()
	if got := stock(t, s, 500); got != before[0]-2*sold {
		t.Errorf("stock of 500 went from %d to %d, want %d less", before[0], got, 2*sold)
	}
	if got := stock(t, s, 501); got != before[1]-sold {
		t.Errorf("stock of 501 went from %d to %d, want %d less", before[1], got, sold)
	}
}

func stock(t *testing.T, s Store, id int64) int64 {
	t.Helper()
	p, err := s.Product(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return p.Stock
}

func ids(page []store.Listing) []int64 {
	all := []int64{}
	for _, p := range page {
		all = append(all, p.ID)
	}
	return all
}
