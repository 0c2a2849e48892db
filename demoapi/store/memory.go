package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Memory keeps everything in the process. Its data is lost at the end, and of
// the settled orders only the latest 100,000 are kept. It is safe for concurrent
// use and needs no Close.
type Memory struct {
	mu         sync.RWMutex // guards products, orders and what belongs to them
	products   []Product    // product id i stands at i-1
	names      []string     // " " + name in lower case, same order; never changes
	users      []User       // user id i stands at i-1; never changes
	byName     map[string]int64
	orders     []Order // order id i stands at i-1-forgotten
	forgotten  int64   // orders dropped from the front
	pending    []int64 // ids of pending orders, ascending
	categories []Category
}

// NewMemory returns a store filled with the demo's data. It fails only on an
// impossible seed.
func NewMemory(seed Seed) (*Memory, error) {
	if err := seed.check(); err != nil {
		return nil, err
	}
	hash, err := HashPassword(DemoPassword)
	if err != nil {
		return nil, err
	}
	m := &Memory{byName: make(map[string]int64, Users)}
	for i, noun := range nouns() {
		m.categories = append(m.categories, Category{ID: int64(i) + 1, Name: noun})
	}
	for g := int64(1); g <= int64(seed.Products); g++ {
		p := seedProduct(g)
		m.products = append(m.products, p)
		m.names = append(m.names, " "+strings.ToLower(p.Name))
		m.categories[p.CategoryID-1].Products++
	}
	for id := int64(1); id <= Users; id++ {
		u := seedUser(id)
		u.PasswordHash = hash
		m.users = append(m.users, u)
		m.byName[u.Username] = id
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	for g := int64(1); g <= int64(seed.Orders); g++ {
		items := seedItems(g, int64(seed.Products))
		m.orders = append(m.orders, Order{
			ID: g, UserID: 1 + g%Users, Items: items, TotalCents: total(items), Status: StatusConfirmed, CreatedAt: now,
		})
	}
	return m, nil
}

// Ping always succeeds: there is nothing to reach.
func (m *Memory) Ping(context.Context) error { return nil }

// Product returns the product with that id, or [ErrNotFound].
func (m *Memory) Product(_ context.Context, id int64) (Product, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if id < 1 || id > int64(len(m.products)) {
		return Product{}, fmt.Errorf("store: product %d: %w", id, ErrNotFound)
	}
	return m.products[id-1], nil
}

// Products returns one page; it is empty past the end.
func (m *Memory) Products(_ context.Context, q ListQuery) ([]Listing, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	page := []Listing{}
	for i := max(q.After, 0); i < int64(len(m.products)) && len(page) < q.Limit; i++ {
		if q.CategoryID == 0 || m.products[i].CategoryID == q.CategoryID {
			page = append(page, m.products[i].listing())
		}
	}
	return page, nil
}

// Search returns the products whose names have a word beginning with each word
// of the text. A text without words finds nothing.
func (m *Memory) Search(_ context.Context, q SearchQuery) ([]Listing, error) {
	words := Words(q.Text)
	found := []Listing{}
	if len(words) == 0 {
		return found, nil
	}
	for i := range words {
		words[i] = " " + words[i]
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	for i, name := range m.names {
		if len(found) == q.Limit {
			break
		}
		missing := func(word string) bool { return !strings.Contains(name, word) }
		if !slices.ContainsFunc(words, missing) {
			found = append(found, m.products[i].listing())
		}
	}
	return found, nil
}

// Categories returns all categories by id, with the number of their products.
func (m *Memory) Categories(context.Context) ([]Category, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Clone(m.categories), nil
}

// User returns the account with that id, or [ErrNotFound].
func (m *Memory) User(_ context.Context, id int64) (User, error) {
	if id < 1 || id > int64(len(m.users)) {
		return User{}, fmt.Errorf("store: user %d: %w", id, ErrNotFound)
	}
	return m.users[id-1], nil
}

// UserByName returns the account with that name, or [ErrNotFound].
func (m *Memory) UserByName(ctx context.Context, name string) (User, error) {
	id, ok := m.byName[name]
	if !ok {
		return User{}, fmt.Errorf("store: user by name: %w", ErrNotFound)
	}
	return m.User(ctx, id)
}

func (p Product) listing() Listing {
	return Listing{ID: p.ID, SKU: p.SKU, Name: p.Name, CategoryID: p.CategoryID, PriceCents: p.PriceCents}
}
