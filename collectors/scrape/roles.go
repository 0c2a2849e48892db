package scrape

import (
	"slices"
	"strings"
)

// roles says which labels of a family hold what.
type roles struct {
	route  []string // normal names; several make the route together
	status string
	method string
	kind   statusKind
}

// rolesOf finds the labels of a family by their values, then by their names.
// With calls, statuses may be those of gRPC.
func rolesOf(e *evidence, calls bool) roles {
	known := &e.roles[0]
	if calls {
		known = &e.roles[1]
	}
	if *known == nil {
		r := e.find(calls)
		*known = &r
	}
	return **known
}

func (e *evidence) find(calls bool) roles {
	var r roles
	if calls {
		r.status, r.kind = best(e, grpcNames, true, func(v *values) int { return v.grpc }), grpcStatus
	}
	if r.status == "" {
		r.status, r.kind = statusOf(e)
	}
	r.method = best(e, methodNames, false, func(v *values) int { return v.verb })
	r.route = routeOf(e, r)
	return r
}

// statusOf finds the label with statuses of HTTP, else one with words that say
// the same. 443 is a port and 200 a size: here the name must agree.
func statusOf(e *evidence) (string, statusKind) {
	status := best(e, statusNames, false, func(v *values) int {
		if !v.ends {
			return 0
		}
		return v.status
	})
	if status != "" {
		return status, plainStatus
	}
	word := best(e, outcomeNames, true, func(v *values) int { return v.word })
	if v := e.labels[word]; word != "" && v.truth == v.n && strings.Contains(word, "err") {
		return word, trueIsError
	}
	return word, wordStatus
}

// best is the label of which most values fit. Half of the values of a label with
// a known name must fit ("UNKNOWN" is a status too), nearly all of any other,
// where others may be it.
func best(e *evidence, known ranks, only bool, fit func(*values) int) string {
	found, top := "", 0.0
	for name, v := range e.labels {
		n := fit(v)
		if n == 0 {
			continue
		}
		score, rank := v.share(n), known.of(name)
		switch {
		case rank >= 0 && score >= 0.5:
			score += 2 - float64(rank)/float64(len(known))
		case rank >= 0 || only || score < 0.9:
			continue
		}
		if score > top || score == top && name < found {
			found, top = name, score
		}
	}
	return found
}

// routeOf finds the labels of the route among those that are neither status nor
// method. Paths beat names, so that gin's url is taken and not handler, which
// holds the names of Go functions; without paths only the name is left to go by.
func routeOf(e *evidence, r roles) []string {
	found, top := "", 0.0
	for name, v := range e.labels {
		if name == r.status || name == r.method || strings.HasPrefix(name, "otel_scope") {
			continue
		}
		score := routeScore(name, v)
		if score > top || score == top && score > 0 && name < found {
			found, top = name, score
		}
	}
	switch {
	case found == "":
		return nil
	case top > pathScore:
		return []string{found}
	}
	for _, pair := range [...][2]string{
		{"controller", "action"}, {"grpc_service", "grpc_method"}, {"rpc_service", "rpc_method"}, {"service", "method"}, {"service", "rpc"},
	} {
		if e.has(pair[0]) && e.has(pair[1]) && slices.Contains(pair[:], found) && r.method != pair[1] && r.status != pair[0] {
			return pair[:]
		}
	}
	return []string{found}
}

// pathScore is above what a label without paths can have.
const pathScore = 2

func routeScore(name string, v *values) float64 {
	paths := v.share(v.path)
	all := len(routeNames) + len(wideNames)
	rank := routeNames.of(name)
	if wide := wideNames.of(name); wide >= 0 && (paths > 0 || v.differ) {
		rank = len(routeNames) + wide
	}
	switch {
	case rank < 0 && paths < 0.9:
		return 0
	case rank < 0:
		rank = all
	}
	score := 0.1 + 1 - float64(rank)/float64(all)
	if paths > 0 {
		score += pathScore + paths // one path among words is a path label with exceptions
	}
	return score
}

// covers tells whether r says all that other does about status and route.
func (r roles) covers(other roles) bool {
	return (r.status != "" || other.status == "") && (len(r.route) > 0 || len(other.route) == 0)
}

// known counts how much r says.
func (r roles) known() int {
	n := 0
	if r.status != "" {
		n++
	}
	if r.method != "" {
		n++
	}
	return n + min(len(r.route), 1)
}
