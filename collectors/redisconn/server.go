package redisconn

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// Server is everything that stands behind one address: a single server, the
// masters of a cluster, or the master that sentinels name. Which of them it is,
// and which nodes there are, is asked when it is first needed, then every ten
// seconds and after each sign of a change: a node that fails, a key that moved, a
// master that became a replica. Safe for concurrent use.
type Server struct {
	target Target
	turn   chan struct{} // capacity 1: who holds the token asks which nodes there are
	// The addresses of the sentinels, the one to ask first at the front. Who has
	// the turn may change their order.
	sentinels []string

	mu     sync.Mutex // of all below
	mode   snapshot.RedisMode
	seeds  map[string]*Conn // to the addresses given, until the nodes are known
	nodes  []*Conn          // by address
	ranges []slotRange
	asked  time.Time // when it was last asked which nodes there are
	err    error     // what came of it
	notes  []snapshot.Note
	closed bool
}

const (
	mostNodes = 64 // that are followed, and addresses that may be given
	keepNodes = 10 * time.Second
	askGap    = 500 * time.Millisecond // between two questions, whatever happens
	askTime   = 500 * time.Millisecond // for one node's answer
)

// OpenServer prepares connections to what stands behind t, without using the
// network.
func OpenServer(t Target) *Server {
	return &Server{target: t, turn: make(chan struct{}, 1), sentinels: slices.Clone(t.seeds), seeds: map[string]*Conn{}}
}

// Name is the address for people; see [Target.Name].
func (s *Server) Name() safe.Text { return s.target.Name() }

// Mode says what stands behind the address; empty: it is not known yet.
func (s *Server) Mode() snapshot.RedisMode {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mode
}

// Notes says what could not be found out about the nodes.
func (s *Server) Notes() []snapshot.Note {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.notes)
}

// Nodes are the connections to the nodes that hold keys, by address: one of a
// single server. They stay the same as long as the nodes do; the connection to
// one that is gone is closed. The error is a [snapshot.Failure]: nobody told
// which nodes there are; the nodes known before come with it.
func (s *Server) Nodes(ctx context.Context) ([]*Conn, error) {
	if nodes, err, fresh := s.known(); fresh {
		return nodes, err
	}
	if !s.takeTurn(ctx) {
		nodes, err, _ := s.known()
		if len(nodes) == 0 && err == nil {
			err = failure(ctx.Err())
		}
		return nodes, err
	}
	defer func() { <-s.turn }()
	nodes, err, fresh := s.known()
	if !fresh { // nobody asked while we waited
		s.ask(ctx)
		nodes, err, _ = s.known()
	}
	return nodes, err
}

// takeTurn waits until nobody else asks; it does not wait when nodes are known.
func (s *Server) takeTurn(ctx context.Context) bool {
	select {
	case s.turn <- struct{}{}:
		return true
	default:
	}
	s.mu.Lock()
	none := len(s.nodes) == 0
	s.mu.Unlock()
	if !none {
		return false
	}
	select {
	case s.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// known is what was found out last; fresh tells that there is no reason to ask
// again now.
func (s *Server) known() (nodes []*Conn, err error, fresh bool) { //nolint:revive // the error belongs to the nodes
	s.mu.Lock()
	defer s.mu.Unlock()
	age := time.Since(s.asked)
	switch {
	case s.closed:
		return nil, errClosed(), true
	case !s.asked.IsZero() && age < askGap:
		fresh = true
	case s.mode == "" || s.err != nil:
	case s.mode == snapshot.RedisSingle:
		fresh = !s.nodes[0].moved.Load() // a single server knows no other
	default:
		fresh = age < keepNodes && !slices.ContainsFunc(s.nodes, (*Conn).changed)
	}
	return slices.Clone(s.nodes), s.err, fresh
}

func errClosed() error { return snapshot.Fail(snapshot.Unreachable, "the connection is closed", "") }

// NodeOf is the connection to the node that holds a key, by its raw name. The
// error is a [snapshot.Failure]: no node is known that does.
func (s *Server) NodeOf(ctx context.Context, key string) (*Conn, error) {
	nodes, err := s.Nodes(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ranges) == 0 {
		if len(nodes) == 1 {
			return nodes[0], nil
		}
		return nil, cmp.Or(err, error(snapshot.Fail(snapshot.NoData, "which node of the cluster holds the key is not known", "ACL SETUSER name +cluster|slots")))
	}
	slot := slotOf(key)
	for _, r := range s.ranges {
		if r.from <= slot && slot <= r.to {
			if at := slices.IndexFunc(s.nodes, func(c *Conn) bool { return c.target.addr == r.addr }); at >= 0 {
				return s.nodes[at], nil
			}
		}
	}
	return nil, snapshot.Fail(snapshot.NoData, "no node of the cluster holds slot "+strconv.Itoa(slot), "look at CLUSTER SLOTS: a master is missing")
}

// Close ends all connections. Calls in flight fail, as do later ones.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var errs []error
	for _, c := range s.nodes {
		errs = append(errs, c.Close())
	}
	for _, c := range s.seeds {
		errs = append(errs, c.Close())
	}
	s.nodes, s.seeds, s.ranges = nil, nil, nil
	return errors.Join(errs...)
}

// topology is an answer to the question which nodes there are.
type topology struct {
	mode   snapshot.RedisMode
	nodes  []Target
	ranges []slotRange
	notes  []snapshot.Note
}

// ask finds out which nodes there are and follows them.
func (s *Server) ask(ctx context.Context) {
	var f topology
	var err error
	if s.target.master != "" {
		f, err = s.askSentinels(ctx)
	} else {
		f, err = s.askNodes(ctx)
	}
	if err != nil && ctx.Err() != nil && s.Mode() != "" {
		return // who asked did not wait for the answer: the next one will
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.err = time.Now(), err
	if err != nil || s.closed {
		return
	}
	s.mode, s.ranges, s.notes = f.mode, f.ranges, f.notes
	s.followLocked(f.nodes)
}

// followLocked keeps the connections to targets, opens those that are new and
// closes the others.
func (s *Server) followLocked(targets []Target) {
	old := s.seeds
	for _, c := range s.nodes {
		old[c.target.addr] = c
	}
	nodes := make([]*Conn, 0, len(targets))
	for _, t := range targets {
		c := old[t.addr]
		if c == nil {
			c = Open(t)
		}
		delete(old, t.addr)
		c.settle(len(targets) > 1)
		nodes = append(nodes, c)
	}
	for _, c := range old {
		_ = c.Close() // it is gone
	}
	slices.SortFunc(nodes, func(a, b *Conn) int { return cmp.Compare(a.target.addr, b.target.addr) })
	s.nodes, s.seeds = nodes, map[string]*Conn{}
}

// candidates are the connections to ask, those that work first; the addresses
// that were given come last, as they may be anybody's by now.
func (s *Server) candidates() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	list := slices.Clone(s.nodes)
	slices.SortStableFunc(list, func(a, b *Conn) int { return cmp.Compare(b2i(a.lost.Load()), b2i(b.lost.Load())) })
	for _, t := range s.target.each() {
		if slices.ContainsFunc(list, func(c *Conn) bool { return c.target.addr == t.addr }) {
			continue
		}
		if s.seeds[t.addr] == nil {
			s.seeds[t.addr] = Open(t)
		}
		list = append(list, s.seeds[t.addr])
	}
	return list
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
