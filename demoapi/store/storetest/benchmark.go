package storetest

import (
	"testing"

	"apitop/demoapi/store"
)

// Benchmark times the calls of s, seeded with [store.DefaultSeed].
func Benchmark(b *testing.B, s Store) {
	var product int64 // another each time, so that none runs out
	calls := map[string]func() error{
		"product": func() error { _, err := s.Product(b.Context(), 4242); return err },
		"list": func() error {
			_, err := s.Products(b.Context(), store.ListQuery{CategoryID: 3, After: 1000, Limit: 20})
			return err
		},
		"search, 2 words": func() error {
			_, err := s.Search(b.Context(), store.SearchQuery{Text: "ash desk", Limit: 20})
			return err
		},
		"search, wide": func() error {
			_, err := s.Search(b.Context(), store.SearchQuery{Text: "lamp", Limit: 20})
			return err
		},
		"user": func() error { _, err := s.User(b.Context(), 4242); return err },
		"order, settled": func() error {
			product = product%40_000 + 1
			o, err := s.CreateOrder(b.Context(), store.NewOrder{UserID: 1, Items: []store.Item{
				{ProductID: product, Quantity: 1}, {ProductID: product + 1, Quantity: 1},
			}})
			if err != nil {
				return err
			}
			return s.SettleOrder(b.Context(), o.ID, store.StatusConfirmed)
		},
		"categories": func() error { _, err := s.Categories(b.Context()); return err },
	}
	for name, call := range calls {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := call(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
