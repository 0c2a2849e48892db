package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Seed says how much demo data there is. The data is the same in every store:
// it follows from the numbers alone.
type Seed struct {
	Products int // at least 100
	Orders   int // >= 0
}

// DefaultSeed is the demo's usual size.
func DefaultSeed() Seed { return Seed{Products: 50_000, Orders: 2_000} }

// The seeded accounts: admin1..admin200, premium1..premium2000 and
// basic1..basic17800, with ids from 1 in that order. So many, because a tier's
// hourly limit is for each account, and load of hundreds of requests a second
// should meet the limits only where it means to. All share [DemoPassword].
const (
	AdminUsers   = 200
	PremiumUsers = 2_000
	BasicUsers   = 17_800
	Users        = AdminUsers + PremiumUsers + BasicUsers
)

// DemoPassword opens every seeded account. It guards nothing but demo data.
const DemoPassword = "apitop-demo"

// smallest keeps the two products of a seeded order apart.
const smallest = 100

func (s Seed) check() error {
	if s.Products < smallest || s.Orders < 0 {
		return fmt.Errorf("store: seed of %d products and %d orders: want at least %d products and no negative number",
			s.Products, s.Orders, smallest)
	}
	return nil
}

// nouns has a word for each category; product g is of category g mod 20.
func nouns() []string {
	return []string{
		"Lamp", "Chair", "Desk", "Shelf", "Mug", "Bowl", "Plate", "Knife", "Towel", "Blanket",
		"Cushion", "Rug", "Clock", "Frame", "Vase", "Basket", "Candle", "Mirror", "Stool", "Planter",
	}
}

func materials() []string {
	return []string{
		"Oak", "Walnut", "Ash", "Beech", "Birch", "Cherry", "Maple", "Pine", "Teak", "Bamboo",
		"Steel", "Copper", "Brass", "Iron", "Zinc", "Glass", "Stone", "Marble", "Slate", "Clay",
		"Linen", "Cotton", "Wool", "Jute", "Felt",
	}
}

// seedProduct is product number g, from 1. The same formulas stand in the SQL
// of seed.go; the conformance suite compares the two.
func seedProduct(g int64) Product {
	n, m := nouns(), materials()
	noun := n[g%int64(len(n))]
	material := m[g/int64(len(n))%int64(len(m))]
	return Product{
		ID:         g,
		SKU:        fmt.Sprintf("SKU-%06d", g),
		Name:       material + " " + noun + " " + strconv.FormatInt(g, 10),
		CategoryID: 1 + g%int64(len(n)),
		PriceCents: 199 + g*7919%19800,
		Stock:      1000 + g*37%9000,
		Description: "A " + strings.ToLower(noun) + " of " + strings.ToLower(material) +
			", made in our own workshop in small numbers, delivered within three days and taken back within a hundred. Article " +
			strconv.FormatInt(g, 10) + ".",
	}
}

// seedUser is account number id, from 1, without its password.
func seedUser(id int64) User {
	tier, n := "basic", id-AdminUsers-PremiumUsers
	switch {
	case id <= AdminUsers:
		tier, n = "admin", id
	case id <= AdminUsers+PremiumUsers:
		tier, n = "premium", id-AdminUsers
	}
	return User{ID: id, Tier: tier, Username: tier + strconv.FormatInt(n, 10)}
}

// seedItems are the two lines of order number g of a shop with that many products.
func seedItems(g, products int64) []Item {
	items := []Item{
		{ProductID: 1 + g*31%products, Quantity: 1 + g%3},
		{ProductID: 1 + (g*31+17)%products, Quantity: 1},
	}
	for i := range items {
		items[i].PriceCents = seedProduct(items[i].ProductID).PriceCents
	}
	sortItems(items)
	return items
}

// Words splits a search text into the words that count: runs of letters and
// digits in lower case. Texts with the same words, in whatever order, find the
// same products.
func Words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

func sortItems(items []Item) {
	slices.SortFunc(items, func(a, b Item) int { return int(a.ProductID - b.ProductID) })
}

func total(items []Item) int64 {
	var sum int64
	for _, it := range items {
		sum += it.Quantity * it.PriceCents
	}
	return sum
}
