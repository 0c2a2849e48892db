package scrape

import "strings"

// evidence is what the labels of one family hold. Values are stronger evidence
// than names: a label that holds 200 and 404 is a status whatever it is called.
type evidence struct {
	series int
	labels map[string]*values // by normal name
	roles  [2]*roles          // what they hold, once it was asked: without and with calls
}

// values counts what the values of one label look like.
type values struct {
	n      int // series with a value
	status int // 200, 5xx, or a class digit
	word   int // success, NOT_FOUND
	grpc   int // OK, DeadlineExceeded
	truth  int // true, false
	verb   int // GET, post
	path   int // /users/{id}, GET /users

	ends   bool // the label's name is of one that says how requests end
	differ bool // not all are the same
	last   string
	traits traits // of last
}

// traits is what one value looks like.
type traits struct{ status, word, grpc, truth, verb, path bool }

// What is looked at of a page, spread over all of each family: so many series of
// a family, and so many labels of a page, which ends the search on pages that
// are made to be costly.
const (
	enoughEvidence = 300
	enoughLabels   = 100_000
)

// view is a page as the choice of a mapping sees it.
type view struct {
	table    *table
	families []*family
	byName   map[string]*family // by normal name
	bySample map[*metric][]*series
	seen     map[string]*evidence
	looked   int // labels

	counting [2][]candidate // of counters and durations, once they were asked
	timing   [2][]candidate
	sorted   [2]bool
	routes   map[*family]map[string]float64 // requests by route
}

func newView(t *table) *view {
	v := &view{table: t, families: t.families(), byName: map[string]*family{}, seen: map[string]*evidence{}, routes: map[*family]map[string]float64{}}
	for _, f := range v.families {
		v.byName[f.norm] = f
	}
	return v
}

// evidence looks at the labels of a family's samples, once.
func (v *view) evidence(f *family) *evidence {
	if e := v.seen[f.sample]; e != nil {
		return e
	}
	e := &evidence{labels: map[string]*values{}}
	v.seen[f.sample] = e
	all := v.samples(f)
	step := 1 + (len(all)-1)/enoughEvidence
	for i := 0; i < len(all) && v.looked < enoughLabels; i += step {
		labels := v.table.labelsOf(all[i])
		v.looked += len(labels) + 1
		e.take(labels)
	}
	return e
}

// samples lists the series of a family's samples in the order of the page. All
// are sorted out in one pass, for all families.
func (v *view) samples(f *family) []*series {
	if v.bySample == nil {
		v.bySample = map[*metric][]*series{}
		v.table.each(func(s *series) bool {
			v.bySample[s.metric] = append(v.bySample[s.metric], s)
			return true
		})
	}
	return v.bySample[v.table.metrics[f.sample]]
}

// labelsOf reads the labels of s again; they are valid until the next call.
func (t *table) labelsOf(s *series) []label {
	_, labels, err := parseSeries(s.raw, t.labels, t.limits.Labels)
	if err != nil {
		return nil // it was read once, so it can be read again
	}
	t.labels = labels
	return labels
}

func (e *evidence) take(labels []label) {
	e.series++
	for _, l := range labels {
		if l.value == "" || l.name == "le" || l.name == "quantile" {
			continue // an empty label is an absent one
		}
		name := normal(l.name)
		v := e.labels[name]
		if v == nil {
			v = &values{ends: endName(name)}
			e.labels[name] = v
		}
		v.take(l.value)
	}
}

// take counts one value. Neighbours mostly have the same, which is looked at once.
func (v *values) take(s string) {
	v.n++
	if v.n == 1 || s != v.last {
		v.differ = v.differ || v.n > 1
		v.last = strings.Clone(s)
		v.traits = traits{verb: isVerb(s), path: isPath(s), status: isStatus(s)}
		if v.ends {
			v.traits.word, v.traits.grpc, v.traits.truth = wordHTTP(s) != "", grpcHTTP(s) != "", isTruth(s)
		}
	}
	for _, x := range [...]struct {
		is bool
		n  *int
	}{
		{v.traits.verb, &v.verb}, {v.traits.path, &v.path}, {v.traits.status, &v.status},
		{v.traits.word, &v.word}, {v.traits.grpc, &v.grpc}, {v.traits.truth, &v.truth},
	} {
		if x.is {
			*x.n++
		}
	}
}

// has tells whether any series has the label.
func (e *evidence) has(name string) bool { return e.labels[name] != nil }

// share is part of v.n, 0..1.
func (v *values) share(part int) float64 { return float64(part) / float64(max(v.n, 1)) }

// isVerb takes the methods of HTTP, in any case: client_golang writes "get".
func isVerb(s string) bool {
	if len(s) > len("OPTIONS") {
		return false
	}
	switch strings.ToUpper(s) {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT":
		return true
	}
	return false
}

// isTruth takes true and false.
func isTruth(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }

// isPath takes /users, https://host/users, "GET /users", api/users/{id} and
// ^users/(?P<id>.+)$.
func isPath(s string) bool {
	if verb, rest, ok := cutVerb(s); ok && verb != "" {
		s = rest
	}
	switch {
	case strings.HasPrefix(s, "/"), strings.HasPrefix(s, "^"),
		strings.HasPrefix(s, "http://"), strings.HasPrefix(s, "https://"):
		return true
	case strings.HasPrefix(s, "HTTP/"), strings.Contains(s, " "):
		return false
	}
	slashes := strings.Count(s, "/")
	return slashes > 1 || slashes == 1 && strings.ContainsAny(s, "{<:*")
}

// cutVerb parts "GET /users", "GET:/users" and "HTTP: GET /users", as some
// libraries write method and path into one label.
func cutVerb(s string) (verb, path string, ok bool) {
	s = strings.TrimPrefix(s, "HTTP: ")
	i := strings.IndexAny(s, " :|#_")
	if i <= 0 || !isVerb(s[:i]) {
		return "", "", false
	}
	path = strings.TrimLeft(s[i+1:], " ")
	if s[i] != ' ' && !strings.HasPrefix(path, "/") {
		return "", "", false // a word that begins with a verb: post_office
	}
	return s[:i], path, true
}
