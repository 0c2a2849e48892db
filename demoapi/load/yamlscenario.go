package load

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

func (r *reader) scenario(n *yaml.Node, s *Scenario) {
	r.mapping(n, "the scenario", fields{
		"name":          r.text(&s.Name),
		"headers":       r.texts(&s.Headers),
		"sequential":    r.boolean(&s.Sequential),
		"client_header": r.text(&s.ClientHeader),
		"values":        func(_ string, n *yaml.Node) { r.values(n, s) },
		"users":         func(_ string, n *yaml.Node) { r.users(n, s) },
		"login":         func(_ string, n *yaml.Node) { r.login(n, s) },
		"requests":      func(_ string, n *yaml.Node) { r.requests(n, s) },
	})
	// Only now are all values known, whatever the order in the file.
	r.checkTexts(n, s)
}

func (r *reader) values(n *yaml.Node, s *Scenario) {
	s.Values = map[string]Values{}
	r.pairs(n, "values", func(key, n *yaml.Node) {
		if !placeholderPattern.MatchString("{"+key.Value+"}") || key.Value == "tier" || key.Value == "n" || key.Value == "user" {
			r.fail(key, "values: %q cannot be a placeholder: want a-z, 0-9 and _, and none of tier, n, user", cut(key.Value))
			return
		}
		v := Values{First: -1}
		r.mapping(n, "value "+key.Value, fields{
			"zipf":    r.number(&v.Exponent),
			"count":   r.count(&v.Count),
			"first":   r.count(&v.First),
			"hottest": r.count(&v.Hottest),
			"list": func(key string, n *yaml.Node) {
				r.list(n, key, func(_ int, n *yaml.Node) {
					v.List = append(v.List, "")
					r.text(&v.List[len(v.List)-1])("list", n)
				})
			},
		})
		if len(v.List) > 0 && (v.Count > 0 || v.First >= 0 || v.Hottest > 0) {
			r.fail(n, "value %s: a list has no count, first or hottest", key.Value)
		}
		if v.First < 0 && len(v.List) == 0 {
			v.First = 1
		}
		v.First = max(v.First, 0)
		if err := v.check(); err != nil {
			r.fail(n, "value %s: %v", key.Value, err)
		}
		s.Values[key.Value] = v
	})
}

func (r *reader) users(n *yaml.Node, s *Scenario) {
	r.list(n, "users", func(i int, n *yaml.Node) {
		t := TierShare{Share: 1, Identities: 1}
		r.mapping(n, fmt.Sprintf("user %d", i+1), fields{
			"tier":       r.text(&t.Tier),
			"share":      r.number(&t.Share),
			"identities": r.count(&t.Identities),
		})
		s.Tiers = append(s.Tiers, t)
		if err := checkTiers(s.Tiers); err != nil {
			r.fail(n, "user %d: want another tier than before, a share above 0 and at most %d identities in all", i+1, maxIdentities)
		}
	})
}

func (r *reader) login(n *yaml.Node, s *Scenario) {
	l := &Login{Token: "token", User: "{tier}{n}"}
	r.mapping(n, "login", fields{
		"path":   r.text(&l.Path),
		"body":   r.text(&l.Body),
		"token":  r.text(&l.Token),
		"user":   r.text(&l.User),
		"guests": r.text(&l.Guests),
	})
	s.Login = l
}

func (r *reader) requests(n *yaml.Node, s *Scenario) {
	r.list(n, "requests", func(i int, n *yaml.Node) {
		q := Request{Weight: 1}
		r.mapping(n, fmt.Sprintf("request %d", i+1), fields{
			"name":    r.text(&q.Name),
			"method":  r.text(&q.Method),
			"path":    r.text(&q.Path),
			"body":    r.text(&q.Body),
			"headers": r.texts(&q.Headers),
			"weight":  r.number(&q.Weight),
			"account": r.boolean(&q.Account),
		})
		s.Requests = append(s.Requests, q)
	})
}

// checkTexts checks requests and login again with their lines.
func (r *reader) checkTexts(n *yaml.Node, s *Scenario) {
	for i := 0; r.err == nil && i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch key.Value {
		case "requests":
			for k, q := range s.Requests {
				if err := s.checkRequest(q); err != nil {
					r.fail(value.Content[k], "request %d: %v", k+1, err)
				}
			}
		case "login":
			if err := s.checkLogin(); err != nil {
				r.fail(value, "%v", err)
			}
		case "headers":
			if err := s.checkHeaders(s.Headers); err != nil {
				r.fail(value, "%v", err)
			}
		}
	}
}
