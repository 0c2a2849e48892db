package demoapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"apitop/demoapi/limit"
	"apitop/demoapi/middleware"
	"apitop/demoapi/store"
)

type orderStore interface {
	CreateOrder(ctx context.Context, n store.NewOrder) (store.Order, error)
	Order(ctx context.Context, id int64) (store.Order, error)
}

const (
	mostItems    = 20
	mostQuantity = 100
)

// orderLine is one line of the body of POST /orders.
type orderLine struct {
	ProductID int64 `json:"product_id"`
	Quantity  int64 `json:"quantity"`
}

func (a *API) createOrder(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Items []orderLine `json:"items"`
	}
	if !decode(w, r, &body) {
		return
	}
	var in input
	n := store.NewOrder{UserID: middleware.InfoFrom(r.Context()).UserID, Items: checkLines(&in, body.Items)}
	if in.refused(w, r) {
		return
	}
	// Without a place in the queue the order is not made.
	place, err := a.desk.queue.Reserve()
	if err != nil {
		a.fail(w, r, err)
		return
	}
	defer place.Release()
	ctx, done := asking(r.Context())
	o, err := a.store.CreateOrder(ctx, n)
	done()
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.metrics.OrderPlaced(o.TotalCents)
	a.desk.forgetStock(r.Context(), o.Items)
	a.desk.submit(place, o.ID)
	w.Header().Set("Location", "/orders/"+strconv.FormatInt(o.ID, 10))
	a.write(w, r, http.StatusCreated, o)
}

func checkLines(in *input, lines []orderLine) []store.Item {
	in.check(len(lines) >= 1 && len(lines) <= mostItems, "items", fmt.Sprintf("must have 1 to %d lines", mostItems))
	if len(in.errors) > 0 {
		return nil
	}
	items := make([]store.Item, len(lines))
	seen := make(map[int64]bool, len(lines))
	for i, l := range lines {
		field := fmt.Sprintf("items[%d].", i)
		in.check(l.ProductID >= 1 && l.ProductID <= maxID, field+"product_id", "must be the id of a product")
		in.check(!seen[l.ProductID], field+"product_id", "occurs in another line")
		in.check(l.Quantity >= 1 && l.Quantity <= mostQuantity, field+"quantity", fmt.Sprintf("must be from 1 to %d", mostQuantity))
		seen[l.ProductID] = true
		items[i] = store.Item{ProductID: l.ProductID, Quantity: l.Quantity}
	}
	return items
}

// getOrder shows an order to who made it and to admins. To others it does not
// exist.
func (a *API) getOrder(w http.ResponseWriter, r *http.Request) {
	id, ok := pathID(w, r)
	if !ok {
		return
	}
	ctx, done := asking(r.Context())
	o, err := a.store.Order(ctx, id)
	done()
	info := middleware.InfoFrom(r.Context())
	if err == nil && o.UserID != info.UserID && info.Tier != limit.Admin {
		err = fmt.Errorf("order %d of another user: %w", id, store.ErrNotFound)
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.write(w, r, http.StatusOK, o)
}
