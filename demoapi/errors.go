package demoapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"apitop/demoapi/middleware"
	"apitop/demoapi/queue"
	"apitop/demoapi/store"
)

// statusClientGone is what nginx writes when the client went away: nobody reads
// the answer, but it is no failure of ours either.
const statusClientGone = 499

// outcome is how an error of our parts looks from the outside.
type outcome struct {
	err    error
	status int
	detail string
}

// outcomes is the table of all of them; the first that fits counts. What is not
// listed is a 500 without details.
func outcomes() []outcome {
	return []outcome{
		{errWrongLogin, http.StatusUnauthorized, "The user name or the password is wrong."},
		{store.ErrNotFound, http.StatusNotFound, "There is nothing with that id."},
		{store.ErrUnknownProduct, http.StatusUnprocessableEntity, "A product of the order does not exist."},
		{store.ErrOutOfStock, http.StatusConflict, "There is not enough left of a product of the order."},
		{queue.ErrFull, http.StatusServiceUnavailable, "Too many orders are waiting; none was made."},
		{queue.ErrClosed, http.StatusServiceUnavailable, "Orders are not taken any more; none was made."},
		{context.Canceled, statusClientGone, ""},
		{store.ErrUnavailable, http.StatusServiceUnavailable, "The database does not answer at present."},
		{context.DeadlineExceeded, http.StatusServiceUnavailable, "That took too long."},
	}
}

// fail answers with the problem that err is.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := middleware.Problem{Status: http.StatusInternalServerError}
	for _, o := range outcomes() {
		if errors.Is(err, o.err) {
			p.Status, p.Detail = o.status, o.detail
			break
		}
	}
	if faulty, ok := errors.AsType[*store.ProductError](err); ok {
		p.Errors = []middleware.FieldError{{Field: "items", Message: fmt.Sprintf("product %d: %v", faulty.ProductID, faulty.Err)}}
	}
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	middleware.InfoFrom(r.Context()).Err = err
	middleware.WriteProblem(w, r, p)
}
