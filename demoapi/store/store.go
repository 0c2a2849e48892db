// Package store keeps the shop's data: products in categories, users with a
// tier, and their orders.
//
// There are two implementations with the same behaviour, [Postgres] and
// [Memory]; the suite in storetest holds them to it. Callers declare the one or
// two methods they need themselves.
//
// A Postgres can also be made to misbehave, see [Faults] and the methods beside
// it, so that its usual troubles can be shown and tested.
package store

import (
	"errors"
	"strconv"
	"time"
)

// Errors that a caller acts on. They arrive wrapped, so compare with [errors.Is].
var (
	// ErrNotFound: no row has that id or name.
	ErrNotFound = errors.New("not found")
	// ErrUnknownProduct: an order names a product that does not exist.
	ErrUnknownProduct = errors.New("unknown product")
	// ErrOutOfStock: an order wants more of a product than there is.
	ErrOutOfStock = errors.New("out of stock")
	// ErrSettled: an order has been settled already, the other way.
	ErrSettled = errors.New("order settled otherwise")
	// ErrUnavailable: the database cannot be reached or refuses work.
	ErrUnavailable = errors.New("store unavailable")
)

// ProductError says which product of an order is at fault.
type ProductError struct {
	ProductID int64
	Err       error // ErrUnknownProduct or ErrOutOfStock
}

func (e *ProductError) Error() string {
	return "store: order of product " + strconv.FormatInt(e.ProductID, 10) + ": " + e.Err.Error()
}

// Unwrap gives [errors.Is] the sentinel.
func (e *ProductError) Unwrap() error { return e.Err }

// Product is one article with everything known about it.
type Product struct {
	ID         int64  `json:"id"` // from 1
	SKU        string `json:"sku"`
	Name       string `json:"name"`
	CategoryID int64  `json:"category_id"`
	PriceCents int64  `json:"price_cents"` // > 0
	Stock      int64  `json:"stock"`       // pieces left, >= 0

	Description string `json:"description"` // a sentence or two
}

// Listing is a product as it stands in lists and search results. It has no
// stock: so an order makes only the product's own cache entry stale, and no list.
type Listing struct {
	ID         int64  `json:"id"`
	SKU        string `json:"sku"`
	Name       string `json:"name"`
	CategoryID int64  `json:"category_id"`
	PriceCents int64  `json:"price_cents"`
}

// Category is a group of products.
type Category struct {
	ID       int64  `json:"id"` // from 1
	Name     string `json:"name"`
	Products int64  `json:"products"` // how many it holds
}

// User is an account.
type User struct {
	ID           int64  `json:"id"` // from 1
	Username     string `json:"username"`
	Tier         string `json:"tier"` // "basic", "premium" or "admin"
	PasswordHash string `json:"-"`    // see [HashPassword]
}

// ListQuery asks for one page of products in the order of their ids.
type ListQuery struct {
	CategoryID int64 // 0: of all categories
	After      int64 // only ids above this one; 0: from the start
	Limit      int   // page length, > 0
}

// SearchQuery asks for products by the words of their names.
type SearchQuery struct {
	Text  string // every word must begin a word of the name; case does not matter
	Limit int    // at most this many results, lowest ids first; > 0
}

// Item is one line of an order.
type Item struct {
	ProductID  int64 `json:"product_id"`
	Quantity   int64 `json:"quantity"`    // > 0
	PriceCents int64 `json:"price_cents"` // per piece, when ordered; ignored in a NewOrder
}

// NewOrder is an order to be made. No product may occur twice in Items.
type NewOrder struct {
	UserID int64
	Items  []Item // at least one
}

// The states of an order. It begins as pending and is settled once, by
// processing it, to one of the other two.
const (
	StatusPending   = "pending"
	StatusConfirmed = "confirmed"
	StatusFailed    = "failed" // its pieces are back in stock
)

// Order is an order that was made. Items are sorted by product id.
type Order struct {
	ID         int64     `json:"id"` // from 1
	UserID     int64     `json:"user_id"`
	Items      []Item    `json:"items"`
	TotalCents int64     `json:"total_cents"`
	Status     string    `json:"status"`     // a Status constant
	CreatedAt  time.Time `json:"created_at"` // UTC, microseconds
}
