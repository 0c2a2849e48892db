package cache

import (
	"context"
	"slices"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"apitop/collectors/analysis"
	"apitop/tui/screen"
)

// page is the page of one key. It is a value: what changes it gives a new one.
type page struct {
	key    name
	visit  bool                          // another screen asked for it: Esc leads back there
	cursor screen.Cursor[screen.RouteID] // on its routes
	asking bool
	detail *screen.KeyDetail // nil: not answered yet
	err    error             // why not
	at     time.Time         // of the report on display when it was answered
}

// inspectTimeout is how long one look at a key may take.
const inspectTimeout = 5 * time.Second

// detailMsg is the answer to a look at a key.
type detailMsg struct {
	key    string
	detail screen.KeyDetail
	err    error
}

// pageKeys are the keys of the page.
var pageKeys = struct{ again, route key.Binding }{
	again: key.NewBinding(key.WithKeys("R"), key.WithHelp("R", "look again")),
	route: key.NewBinding(key.WithKeys("enter", "t"), key.WithHelp("Enter/t", "go to the route")),
}

func (p *page) keys() []key.Binding {
	return append([]key.Binding{pageKeys.route, pageKeys.again, screen.CopyKey("the key")}, screen.MoveKeys()...)
}

// open opens the page of a key and looks at it.
func (m Model) open(on name, visit bool) (screen.Screen, tea.Cmd) {
	m.page = &page{key: on, visit: visit}
	return m.ask()
}

// ask looks at the key of the page, once at a time.
func (m Model) ask() (screen.Screen, tea.Cmd) {
	inspect := m.redis.Inspect
	if inspect == nil || m.page.asking {
		return m, nil
	}
	p := *m.page
	p.asking = true
	m.page = &p
	return m, func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), inspectTimeout)
		defer cancel()
		d, err := inspect(ctx, p.key.raw)
		return screen.Reply{To: digit, Msg: detailMsg{p.key.raw, d, err}}
	}
}

// take takes an answer, if it is about this key; one to an earlier page is
// dropped.
func (p *page) take(msg detailMsg, r *analysis.Report) *page {
	if p == nil || p.key.raw != msg.key {
		return p
	}
	next := *p
	next.asking, next.err, next.at = false, msg.err, r.At
	if msg.err == nil {
		next.detail = &msg.detail
	}
	return &next
}

func (m Model) pressPage(msg tea.KeyMsg, r *analysis.Report) (screen.Screen, tea.Cmd) {
	switch {
	case key.Matches(msg, pageKeys.again):
		return m.ask()
	case key.Matches(msg, screen.CopyKey("")):
		return m, screen.Copy(m.page.key.raw)
	}
	routes := screen.RouteIDs(m.page.routes(r))
	i := m.page.cursor.Index(routes)
	if key.Matches(msg, pageKeys.route) {
		if i < 0 {
			return m, nil
		}
		return m, func() tea.Msg { return screen.Navigate{To: '2', Select: routes[i]} }
	}
	if c, moved := m.page.cursor.Update(msg, routes); moved {
		p := *m.page
		p.cursor = c
		m.page = &p
	}
	return m, nil
}

// routes are those that are likely to use the key, by their names.
func (p *page) routes(r *analysis.Report) []analysis.Route {
	if r.HTTP == nil {
		return nil
	}
	all := r.HTTP.Rows()
	var list []analysis.Route
	for _, i := range analysis.ByName(all).Routes(p.key.raw) {
		list = append(list, all[i])
	}
	return list
}

// hot is the row of the key in the report; nil when it is not followed.
func (p *page) hot(r *analysis.Report) *analysis.HotKey {
	if r.Cache == nil {
		return nil
	}
	i := slices.IndexFunc(r.Cache.HotKeys, func(k analysis.HotKey) bool { return k.Key.Raw() == p.key.raw })
	if i < 0 {
		return nil
	}
	return &r.Cache.HotKeys[i]
}
