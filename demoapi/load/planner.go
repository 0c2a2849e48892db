package load

import (
	"encoding/base64"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"
)

// route is one kind of request, ready to be rendered.
type route struct {
	index   int // of its row in the report; kinds with the same method and name share one
	method  string
	name    string
	path    template
	body    template
	json    bool
	headers []header
	host    string
	address *url.URL // when the path is fixed
	account bool
	follow  *route // nil: nothing to look at afterwards
}

// header is one header in canonical form; values are shared when they are fixed.
type header struct {
	name   string
	values []string // nil: rendered
	text   template
}

// plan is one request to be sent.
type plan struct {
	route   *route
	who     *caller
	address *url.URL
	body    string
	token   *string // nil: none
	login   bool    // its answer has a token for who
	headers []string
}

// planner decides what is sent next. It belongs to one goroutine; with the same
// seed it decides the same, as long as logins take the same time.
type planner struct {
	rng   *rand.Rand
	crowd *crowd
	base  *url.URL
	obey  bool

	open    weights // those for everybody
	all     weights // with those for accounts
	login   *route  // nil: there is none
	abuse   weights
	abusing float64  // requests a second
	most    float64  // the abuser's share at most
	rows    []*route // a kind of request for each row of the report
	client  string   // the client header, canonical
	sources map[string]*source
	basic   []string // the Authorization for the user and password in the target; nil: none
}

// weights draws routes by their weight.
type weights struct {
	routes []*route
	upTo   []float64
}

func (w *weights) add(r *route, weight float64) {
	if weight == 0 {
		return
	}
	if n := len(w.upTo); n > 0 {
		weight += w.upTo[n-1]
	}
	w.routes, w.upTo = append(w.routes, r), append(w.upTo, weight)
}

func (w *weights) draw(rng *rand.Rand) *route {
	last := len(w.upTo) - 1
	u := rng.Float64() * w.upTo[last]
	for i, up := range w.upTo[:last] {
		if u < up {
			return w.routes[i]
		}
	}
	return w.routes[last]
}

func newPlanner(s *Scenario, spec Spec, base *url.URL) *planner {
	p := &planner{
		rng: rand.New(rand.NewPCG(spec.Seed, 0)), base: base, obey: spec.ObeyRetryAfter,
		crowd: newCrowd(s, spec), sources: sources(s, spec.Keys),
		client: textproto.CanonicalMIMEHeaderKey(s.ClientHeader),
	}
	if u := base.User; u != nil {
		secret, _ := u.Password()
		p.basic = []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+secret))}
	}
	for _, r := range s.Requests {
		compiled := p.route(s, r)
		if p.all.add(compiled, r.Weight); !r.Account {
			p.open.add(compiled, r.Weight)
		}
	}
	if l := s.Login; l != nil {
		p.login = p.route(s, Request{Method: http.MethodPost, Path: l.Path, Body: l.Body})
	}
	if a := s.Abuser; a != nil {
		for _, r := range a.Requests {
			p.abuse.add(p.route(s, r), r.Weight)
			p.abusing += r.Weight
		}
		p.most = a.MaxShare
	}
	return p
}

func sources(s *Scenario, keys Keys) map[string]*source {
	known := map[string]*source{}
	for name, v := range s.Values {
		if name == "key" && keys.Count > 0 && len(v.List) == 0 {
			v.Keys = keys
		}
		known[name] = newSource(v)
	}
	return known
}

// route compiles a request and gives it its row.
func (p *planner) route(s *Scenario, r Request) *route {
	c := &route{
		method: r.Method, name: r.Name, account: r.Account, json: true,
		path: newTemplate(r.Path, p.sources), body: newTemplate(r.Body, p.sources),
	}
	if c.method == "" {
		c.method = http.MethodGet
	}
	if c.name == "" {
		c.name, _, _ = strings.Cut(r.Path, "?")
	}
	c.setHeaders(s, r, p.sources)
	if c.path.fixed() {
		c.address = p.resolve(r.Path)
	}
	p.addRow(c)
	if r.Follow {
		c.follow = p.route(s, Request{Name: r.FollowName, Path: "/"})
	}
	return c
}

func (c *route) setHeaders(s *Scenario, r Request, sources map[string]*source) {
	texts := map[string]string{"User-Agent": "apitop-load", "Accept-Encoding": "gzip"}
	if r.Body != "" {
		texts["Content-Type"] = "application/json"
	}
	for _, set := range []map[string]string{s.Headers, r.Headers} {
		for name, text := range set {
			texts[textproto.CanonicalMIMEHeaderKey(name)] = text
		}
	}
	if kind, given := texts["Content-Type"]; given {
		c.json = strings.Contains(kind, "json")
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		text := newTemplate(texts[name], sources)
		switch {
		case name == "Host":
			c.host = texts[name]
		case text.fixed():
			c.headers = append(c.headers, header{name: name, values: []string{texts[name]}})
		default:
			c.headers = append(c.headers, header{name: name, text: text})
		}
	}
}

func (p *planner) addRow(c *route) {
	for _, known := range p.rows {
		if known.method == c.method && known.name == c.name {
			c.index = known.index
			return
		}
	}
	c.index = len(p.rows)
	p.rows = append(p.rows, c)
}

// resolve makes the address of a path, with query, under the base.
func (p *planner) resolve(path string) *url.URL {
	u := *p.base
	u.RawQuery, u.User = "", nil
	path, query, found := strings.Cut(path, "?")
	if found {
		u.RawQuery = query
	}
	full := p.base.EscapedPath() + path
	if plain, err := url.PathUnescape(full); err == nil {
		u.Path, u.RawPath = plain, ""
		if plain != full {
			u.RawPath = full
		}
	} else {
		u.Path, u.RawPath = full, ""
	}
	return &u
}

// next decides on one request, for the rate at its time. A user without a token
// logs in first, if that is to be part of the load; while that takes its time
// somebody without an account asks instead. False: all callers were told to
// wait.
func (p *planner) next(now time.Time, rate float64) (plan, bool) {
	if p.crowd.abuser != nil && p.rng.Float64()*rate < min(p.abusing, p.most*rate) {
		return p.plan(p.abuse.draw(p.rng), p.crowd.abuser), true
	}
	who := p.crowd.pick(p.rng, now, p.obey)
	if who == nil {
		return plan{}, false
	}
	return p.ask(who, now), true
}

// ask is what a caller asks next.
func (p *planner) ask(who *caller, now time.Time) plan {
	if who.user != "" && who.token.Load() == nil {
		if who.mayLogIn(now) {
			return p.logIn(who)
		}
		if guest := p.guest(now); guest != nil {
			who = guest
		}
	}
	if f := who.follow.Swap(nil); f != nil {
		next := p.plan(f.route, who)
		next.address = p.resolve(f.path)
		return next
	}
	if who.token.Load() == nil {
		return p.plan(p.open.draw(p.rng), who)
	}
	return p.plan(p.all.draw(p.rng), who)
}

// guest is a caller without an account; nil: there is none who may ask.
func (p *planner) guest(now time.Time) *caller {
	for _, group := range p.crowd.callers {
		if group[0].user == "" {
			return p.crowd.from(group, p.rng, now, p.obey)
		}
	}
	return nil
}

func (p *planner) logIn(who *caller) plan {
	r := p.plan(p.login, who)
	r.login = true
	return r
}

func (p *planner) plan(r *route, who *caller) plan {
	next := plan{route: r, who: who, address: r.address, token: who.token.Load()}
	if next.address == nil {
		next.address = p.resolve(r.path.render(who, p.rng, inPath))
	}
	e := inHeader
	if r.json {
		e = inJSON
	}
	next.body = r.body.render(who, p.rng, e)
	for _, h := range r.headers {
		if h.values == nil {
			next.headers = append(next.headers, h.text.render(who, p.rng, inHeader))
		}
	}
	return next
}

// request is the plan as net/http wants it; base brings the context.
func (p *planner) request(n plan, base *http.Request) *http.Request {
	req := *base
	req.Method, req.URL, req.Host = n.route.method, n.address, n.route.host
	req.Header = make(http.Header, len(n.route.headers)+2)
	rendered := n.headers
	for _, h := range n.route.headers {
		if h.values != nil {
			req.Header[h.name] = h.values
			continue
		}
		req.Header[h.name] = []string{rendered[0]}
		rendered = rendered[1:]
	}
	if p.client != "" && n.who.client != "" {
		req.Header[p.client] = []string{n.who.client}
	}
	switch {
	case n.token != nil:
		req.Header["Authorization"] = []string{"Bearer " + *n.token}
	case p.basic != nil && req.Header["Authorization"] == nil:
		req.Header["Authorization"] = p.basic
	}
	if n.body != "" {
		setBody(&req, n.body)
	}
	return &req
}
