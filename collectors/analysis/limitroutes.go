package analysis

import (
	"regexp"
	"slices"
	"strings"

	"apitop/collectors/safe"
)

// How sure a route is what an endpoint of a limiter stands for.
const (
	noRoute     = iota
	namedRoute  // the endpoint's words are parts of the route: "login" and /auth/login
	endRoute    // the route ends with the endpoint: /orders and /api/v1/orders
	likeRoute   // the same with ids taken for parameters: /users/7 and /users/{id}
	sameRoute   // the same path
	methodRoute // the same path and method
)

// RoutesOf are the places in Routes of those that an endpoint of a limiter
// stands for; nil when it stands for all ("" and "all"), or nothing is like it.
// Limiters name endpoints as they like: "/orders", "POST /orders", "post:/orders",
// "api.orders", "login".
func (h *HTTP) RoutesOf(endpoint Text) []int {
	if h == nil || forAll(endpoint) {
		return nil
	}
	return h.routesOf(endpoint, h.paths())
}

// paths are the routes as [templated] has them.
func (h *HTTP) paths() []string {
	list := make([]string, len(h.Routes))
	for i := range h.Routes {
		list[i] = templated(h.Routes[i].Route.Raw())
	}
	return list
}

func (h *HTTP) routesOf(endpoint Text, paths []string) []int {
	if forAll(endpoint) {
		return nil
	}
	e := parseEndpoint(endpoint.Raw())
	var list []int
	best := noRoute
	for i := range h.Routes {
		r := &h.Routes[i]
		switch like := e.like(r.Method.Raw(), r.Route.Raw(), paths[i]); {
		case like == noRoute || like < best:
		case like > best:
			best, list = like, []int{i}
		default:
			list = append(list, i)
		}
	}
	return list
}

// CallersOf are the subjects with a limit on a route of its own, in the order of
// Subjects.
func (r *Report) CallersOf(method, route Text) []Subject {
	if r.Limits == nil {
		return nil
	}
	on := map[safe.Text]bool{} // by endpoint: there are few
	var list []Subject
	for _, s := range r.Limits.Subjects {
		is, asked := on[s.Endpoint]
		if !asked {
			is = r.stands(s.Endpoint, method, route)
			on[s.Endpoint] = is
		}
		if is {
			list = append(list, s)
		}
	}
	return list
}

// stands tells whether an endpoint stands for a route: no other is more like it.
func (r *Report) stands(endpoint, method, route Text) bool {
	if forAll(endpoint) {
		return false
	}
	path := templated(route.Raw())
	like := parseEndpoint(endpoint.Raw()).like(method.Raw(), route.Raw(), path)
	if like == noRoute {
		return false
	}
	if r.HTTP == nil {
		return true
	}
	best := r.HTTP.RoutesOf(endpoint)
	return len(best) == 0 || slices.ContainsFunc(best, func(i int) bool {
		at := &r.HTTP.Routes[i]
		return at.Method == method && at.Route == route || templated(at.Route.Raw()) == path
	})
}

// endpointName is an endpoint as a limiter names it.
type endpointName struct {
	method string // upper case; empty: any
	path   string // with ids taken for parameters; empty: it is no path
	raw    string
	words  []string // of a name
}

var methodPrefix = regexp.MustCompile(`^(?i)(get|head|post|put|patch|delete|options)[ :/\n-]+(.+)$`)

// noWords are parts of names that say nothing of the route.
func noWords(word string) bool {
	switch word {
	case "", "api", "route", "routes", "endpoint", "view", "views", "limit", "throttle", "default":
		return true
	}
	return false
}

func parseEndpoint(raw string) endpointName {
	raw = strings.TrimSpace(raw)
	e := endpointName{raw: raw}
	if m := methodPrefix.FindStringSubmatch(raw); m != nil {
		e.method = strings.ToUpper(m[1])
		e.raw = m[2]
		if !strings.HasPrefix(e.raw, "/") && strings.Contains(raw, "/") {
			e.raw = "/" + e.raw
		}
	}
	if strings.HasPrefix(e.raw, "/") {
		e.path = templated(e.raw)
		return e
	}
	for _, w := range strings.FieldsFunc(strings.ToLower(e.raw), func(r rune) bool { return strings.ContainsRune("./:_- \n", r) }) {
		if !noWords(w) {
			e.words = append(e.words, w)
		}
	}
	return e
}

// like tells how well a route fits; path is the route as [templated] has it.
func (e endpointName) like(method, route, path string) int {
	if route == "" || e.method != "" && method != "" && !strings.EqualFold(e.method, method) {
		return noRoute
	}
	switch {
	case e.path == "":
		return e.named(path)
	case path != e.path && !strings.HasSuffix(path, e.path):
		return noRoute
	case path != e.path:
		if e.path == "/" {
			return noRoute
		}
		return endRoute
	case strings.TrimSuffix(route, "/") != strings.TrimSuffix(e.raw, "/"):
		return likeRoute
	case e.method != "" && method != "":
		return methodRoute
	}
	return sameRoute
}

// named tells whether all words of a name are parts of a path.
func (e endpointName) named(path string) int {
	if len(e.words) == 0 {
		return noRoute
	}
	parts := strings.FieldsFunc(strings.ToLower(path), func(r rune) bool { return strings.ContainsRune("/._-", r) })
	for _, w := range e.words {
		if !slices.ContainsFunc(parts, func(p string) bool { return p == w || p == w+"s" || p+"s" == w }) {
			return noRoute
		}
	}
	return namedRoute
}

// templated is a path with its parameters and ids written alike, without a slash
// at its end.
func templated(path string) string {
	parts := strings.Split(template(path), "/")
	for i, p := range parts {
		if p != "" && (strings.ContainsAny(p, "{}<>*[]()") || p[0] == ':') {
			parts[i] = placeholder
		}
	}
	if path = strings.TrimRight(strings.Join(parts, "/"), "/"); path == "" {
		return "/"
	}
	return path
}
