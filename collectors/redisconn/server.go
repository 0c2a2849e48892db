package redisconn

import (
	"context"

	"apitop/collectors/safe"
)

// Server is everything that stands behind one address: a single server, the
// masters of a cluster, or the master that sentinels name. Safe for concurrent
// use.
type Server struct {
	target Target
	nodes  []*Conn
}

// OpenServer prepares connections to what stands behind t, without using the
// network.
func OpenServer(t Target) *Server { return &Server{target: t, nodes: []*Conn{Open(t)}} }

// Name is the address for people; see [Target.Name].
func (s *Server) Name() safe.Text { return s.target.Name() }

// Nodes are the connections to the nodes that hold keys: one of a single server.
// They stay the same as long as the nodes do. The error is a [snapshot.Failure]:
// nobody told which nodes there are; the nodes known before come with it.
func (s *Server) Nodes(context.Context) ([]*Conn, error) { return s.nodes, nil }

// NodeOf is the connection to the node that holds a key, by its raw name. The
// error is a [snapshot.Failure]: no node is known that does.
func (s *Server) NodeOf(_ context.Context, _ string) (*Conn, error) { return s.nodes[0], nil }

// Close ends all connections. Calls in flight fail, as do later ones.
func (s *Server) Close() error {
	for _, n := range s.nodes {
		if err := n.Close(); err != nil {
			return err
		}
	}
	return nil
}
