package demoapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"apitop/demoapi/middleware"
)

// maxBody bounds a request's body; the largest sensible one has about 2 KB.
const maxBody = 64 << 10

// input collects what is wrong with a request, field by field.
type input struct {
	errors []middleware.FieldError
}

// check notes the message for the field unless ok.
func (in *input) check(ok bool, field, message string) {
	if !ok {
		in.errors = append(in.errors, middleware.FieldError{Field: field, Message: message})
	}
}

// number reads a whole number from text that may be empty, for which it returns
// the default.
func (in *input) number(field, text string, def int64, r bounds) int64 {
	if text == "" {
		return def
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < r.min || n > r.max { // the message is not free
		in.check(false, field, fmt.Sprintf("must be a whole number from %d to %d", r.min, r.max))
	}
	return n
}

// once returns the query's parameter, or "" if it has none.
func (in *input) once(q url.Values, name string) string {
	in.check(len(q[name]) <= 1, name, "occurs more than once")
	return q.Get(name)
}

// bounds of a number, both allowed.
type bounds struct{ min, max int64 }

// refused answers 422 if anything is wrong, and says so.
func (in *input) refused(w http.ResponseWriter, r *http.Request) bool {
	if len(in.errors) == 0 {
		return false
	}
	middleware.WriteProblem(w, r, middleware.Problem{
		Status: http.StatusUnprocessableEntity, Detail: "The request is not valid.", Errors: in.errors,
	})
	return true
}

// pathID returns the path's id; without a valid one it answers and returns false.
func pathID(w http.ResponseWriter, r *http.Request) (int64, bool) {
	var in input
	id := in.number("id", r.PathValue("id"), 0, bounds{1, maxID})
	return id, !in.refused(w, r)
}

// query returns the URL's parameters; if they cannot be read it answers and
// returns false.
func query(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		middleware.WriteProblem(w, r, middleware.Problem{Status: http.StatusBadRequest, Detail: "The query of the URL cannot be read."})
	}
	return q, err == nil
}

// decode reads the JSON body into v; if it cannot, it answers and returns false.
func decode(w http.ResponseWriter, r *http.Request, v any) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		w.Header().Set("Accept-Post", "application/json")
		middleware.WriteProblem(w, r, middleware.Problem{Status: http.StatusUnsupportedMediaType, Detail: "Send application/json."})
		return false
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err = d.Decode(v)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one value")
		}
	}
	if err != nil {
		middleware.WriteProblem(w, r, undecodable(err))
		return false
	}
	return true
}

// undecodable says what is wrong with a body, in words that hold nothing of
// our insides.
func undecodable(err error) middleware.Problem {
	p := middleware.Problem{Status: http.StatusBadRequest, Detail: "The body is not valid JSON."}
	var large *http.MaxBytesError
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &large):
		p = middleware.Problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("The body has more than %d bytes.", large.Limit)}
	case errors.As(err, &kind):
		p = middleware.Problem{Status: http.StatusUnprocessableEntity, Detail: "The request is not valid."}
		p.Errors = []middleware.FieldError{{Field: kind.Field, Message: "must not be a " + kind.Value}}
	case errors.As(err, &syntax):
		p.Detail = fmt.Sprintf("The body is not valid JSON at byte %d.", syntax.Offset)
	case errors.Is(err, io.EOF):
		p.Detail = "The body is empty."
	case errors.Is(err, os.ErrDeadlineExceeded):
		p = middleware.Problem{Status: http.StatusRequestTimeout, Detail: "The body did not arrive in time."}
	default:
		// encoding/json has no type for this error.
		if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			p = middleware.Problem{Status: http.StatusUnprocessableEntity, Detail: "The request is not valid."}
			p.Errors = []middleware.FieldError{{Field: strings.Trim(field, `"`), Message: "is not known"}}
		}
	}
	return p
}
