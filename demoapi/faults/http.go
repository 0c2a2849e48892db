package faults

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"apitop/demoapi/middleware"
)

// mostBody bounds the body of a request to switch.
const mostBody = 4 << 10

// postPatience bounds a request to switch, whatever is in it.
const postPatience = 2 * time.Minute

// answer is the body of a successful answer.
type answer struct {
	Faults []State `json:"faults"`
}

// ServeHTTP lists the faults (GET) or switches some and lists them then (POST),
// for callers on this machine only. The body of a POST is a JSON object of
// switches, as {"n-plus-one": true, "slow_redis": false}. What is to go off goes
// off first, and servers are the first to come back and the last to go; at the
// first failure the rest is left alone.
//
// The answer is {"faults": [...]}, see [State], or a problem: 403 for others, 415
// and 400 for a body that is no JSON object of switches, 422 for unknown names,
// 409 for faults that cannot be switched on here, 503 when switching failed.
func (s *Set) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !local(r) {
		refuse(w, r, http.StatusForbidden, "Faults are switched from the machine that the demo runs on, at its loopback address.")
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		if !s.post(w, r) {
			return
		}
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		refuse(w, r, http.StatusMethodNotAllowed, "")
		return
	}
	body, err := json.Marshal(answer{s.List()})
	if err != nil {
		refuse(w, r, http.StatusInternalServerError, "")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(body, '\n')) // the client may be gone
}

// post switches what the body says; false: it has answered with a problem.
func (s *Set) post(w http.ResponseWriter, r *http.Request) bool {
	wanted, ok := readSwitches(w, r)
	if !ok {
		return false
	}
	for name := range wanted {
		if err := Check(name); err != nil {
			middleware.WriteProblem(w, r, middleware.Problem{
				Status: http.StatusUnprocessableEntity, Detail: err.Error(),
				Errors: []middleware.FieldError{{Field: name, Message: "is no fault"}},
			})
			return false
		}
	}
	// Some take longer than an answer usually may.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(postPatience)) // not every writer can
	for _, f := range slices.Backward(s.faults) {
		if on, asked := wanted[f.name]; asked && !on && !s.switched(w, r, f.name, false) {
			return false
		}
	}
	for _, f := range s.faults {
		if wanted[f.name] && !s.switched(w, r, f.name, true) {
			return false
		}
	}
	return true
}

// switched switches a fault; false: it has answered with a problem.
func (s *Set) switched(w http.ResponseWriter, r *http.Request, name string, on bool) bool {
	err := s.Switch(r.Context(), name, on)
	if err != nil {
		refuse(w, r, statusOf(err), err.Error())
	}
	return err == nil
}

// readSwitches reads the body; names are as listed. false: it has answered with a
// problem.
func readSwitches(w http.ResponseWriter, r *http.Request) (map[string]bool, bool) {
	// No page in a browser can send this type to us without asking first.
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		refuse(w, r, http.StatusUnsupportedMediaType, "The body must be JSON, sent as application/json.")
		return nil, false
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostBody))
	var body map[string]bool
	err := dec.Decode(&body)
	if err == nil {
		_, err = dec.Token()
	}
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		refuse(w, r, http.StatusRequestEntityTooLarge, "")
		return nil, false
	}
	if !errors.Is(err, io.EOF) || body == nil {
		refuse(w, r, http.StatusBadRequest, `The body must be one JSON object of switches, as {"n-plus-one": true}.`)
		return nil, false
	}
	wanted := make(map[string]bool, len(body))
	for name, on := range body {
		if other, twice := wanted[Canonical(name)]; twice && other != on {
			refuse(w, r, http.StatusBadRequest, Canonical(name)+" cannot be both on and off.")
			return nil, false
		}
		wanted[Canonical(name)] = on
	}
	return wanted, true
}

func statusOf(err error) int {
	if _, ok := errors.AsType[*UnavailableError](err); ok {
		return http.StatusConflict
	}
	return http.StatusServiceUnavailable
}

func refuse(w http.ResponseWriter, r *http.Request, status int, detail string) {
	middleware.WriteProblem(w, r, middleware.Problem{Status: status, Detail: detail})
}

// local tells whether the request comes from this machine and was meant for it:
// a web page of somebody else's could have its own name point to us, but the name
// would still be in the request. What a proxy on this machine passes on comes from
// anywhere.
func local(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !from.Addr().Unmap().IsLoopback() {
		return false
	}
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	_, err = netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}
