package scrape

import "strings"

// evidence is what the labels of one family hold. Values are stronger evidence
// than names: a label that holds 200 and 404 is a status whatever it is called.
type evidence struct {
	series int
	labels map[string]*values // by normal name
}

// values counts what the values of one label look like.
type values struct {
	n      int // series with a value
	status int // 200, 5xx, or a class digit
	verb   int // GET, post
	path   int // /users/{id}, GET /users
}

// enoughEvidence is how many series of a family are looked at.
const enoughEvidence = 2000

// view is a page as the choice of a mapping sees it.
type view struct {
	table    *table
	families []*family
	byName   map[string]*family // by normal name
	bySample map[*metric][]*series
	seen     map[string]*evidence
}

func newView(t *table) *view {
	v := &view{table: t, families: t.families(), byName: map[string]*family{}, seen: map[string]*evidence{}}
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
	for _, s := range all[:min(len(all), enoughEvidence)] {
		e.take(v.table.labelsOf(s))
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
			v = &values{}
			e.labels[name] = v
		}
		v.n++
		if isStatus(l.value) {
			v.status++
		}
		if isVerb(l.value) {
			v.verb++
		}
		if isPath(l.value) {
			v.path++
		}
	}
}

// has tells whether any series has the label.
func (e *evidence) has(name string) bool { return e.labels[name] != nil }

// share is part of v.n, 0..1.
func (v *values) share(part int) float64 { return float64(part) / float64(max(v.n, 1)) }

// isStatus takes 404, 4xx and the bare class 4.
func isStatus(s string) bool {
	if s == "" || s[0] < '1' || s[0] > '5' {
		return false
	}
	switch rest := s[1:]; rest {
	case "", "xx", "XX":
		return true
	default:
		return len(rest) == 2 && digit(rest[0]) && digit(rest[1])
	}
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

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

// isPath takes /users, https://host/users and "GET /users".
func isPath(s string) bool {
	if verb, rest, ok := strings.Cut(s, " "); ok && isVerb(verb) {
		s = rest
	}
	return strings.HasPrefix(s, "/") || strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}
