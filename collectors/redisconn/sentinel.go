package redisconn

import (
	"context"
	"net"
	"slices"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// askSentinels asks one sentinel after the other, until one answers, who the
// master is. The one that answered is asked first the next time.
func (s *Server) askSentinels(ctx context.Context) (topology, error) {
	var first error
	for i, addr := range slices.Clone(s.sentinels) {
		master, err := s.askSentinel(ctx, addr)
		if err == nil {
			s.sentinels[0], s.sentinels[i] = addr, s.sentinels[0]
			t := s.target.node(master)
			return topology{mode: snapshot.RedisSentinel, nodes: []Target{t}}, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return topology{}, first
}

// askSentinel gives the master's address as one sentinel knows it.
func (s *Server) askSentinel(ctx context.Context, addr string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	t := s.target.node(addr)
	t.user, t.password, t.ask, t.db = s.target.sentinel.user, s.target.sentinel.password, nil, 0
	r, err := openRaw(ctx, t, 2, new(guard))
	if err != nil {
		return "", sentinelFailure(err)
	}
	defer func() { _ = r.Close() }() // it has said what we wanted
	reply, err := r.ask(ctx, "sentinel", "get-master-addr-by-name", s.target.master)
	if err != nil {
		return "", sentinelFailure(err)
	}
	switch v := reply.(type) {
	case []any:
		if len(v) == 2 {
			host, ok1 := v[0].(string)
			port, ok2 := v[1].(string)
			if _, full, err := address(net.JoinHostPort(host, port), ""); ok1 && ok2 && err == nil {
				return full, nil
			}
		}
	case nil:
		return "", snapshot.Fail(snapshot.NoData, "the sentinels know no master of that name", "look at SENTINEL MASTERS for the name")
	case *ReplyError:
		if f := v.state(); f != nil {
			return "", sentinelFailure(f)
		}
		if v.Unknown() {
			return "", snapshot.Fail(snapshot.Unsupported, "answers, but is no sentinel", "give the sentinels' addresses (port 26379), or leave master_name away")
		}
		return "", snapshot.Fail(snapshot.Denied, "the sentinel refuses to say who the master is", "a user who may: ACL SETUSER name +sentinel|get-master-addr-by-name +auth +client|setname")
	}
	return "", snapshot.Fail(snapshot.Unsupported, "the sentinel's answer is not understood", "")
}

// sentinelFailure says that it is the sentinel that failed, not the server.
func sentinelFailure(err error) error {
	f := snapshot.FailureOf(err)
	if f == nil {
		return err
	}
	if f.Kind == snapshot.Denied {
		return snapshot.Fail(f.Kind, "sentinel: "+f.What.String(), "sentinels have users of their own: add sentinel_user and sentinel_password to the address")
	}
	return &snapshot.Failure{Kind: f.Kind, What: safe.New("sentinel: " + f.What.Raw()), Fix: f.Fix}
}
