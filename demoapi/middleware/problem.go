package middleware

import (
	"encoding/json"
	"net/http"
)

// Problem is an error answer as RFC 9457 has it.
type Problem struct {
	Type   string `json:"type,omitempty"` // a URI; empty means no more than the status
	Title  string `json:"title"`          // empty: the status' text
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"` // for the person who sent the request

	Errors []FieldError `json:"errors,omitempty"` // what is wrong with which field

	// For a request over its quota: the policies of RateLimit-Policy it broke,
	// the limit, and the unix second from which the next one can be allowed.
	ViolatedPolicies []string `json:"violated-policies,omitempty"`
	Limit            int      `json:"limit,omitempty"`
	ResetTime        int64    `json:"reset_time,omitempty"`

	RequestID string `json:"request_id,omitempty"`
}

// FieldError says what is wrong with one field of a request.
type FieldError struct {
	Field   string `json:"field"`   // "items[1].quantity"; for a query, the parameter
	Message string `json:"message"` // "must be from 1 to 100"
}

// WriteProblem answers with p. Nothing may have been written before.
func WriteProblem(w http.ResponseWriter, r *http.Request, p Problem) {
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	p.RequestID = InfoFrom(r.Context()).RequestID
	body, err := json.Marshal(p)
	if err != nil { // it holds nothing but strings and numbers
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone
}
