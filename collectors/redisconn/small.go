package redisconn

import (
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

const (
	mostFields = 128  // of a hash that may be read as a whole
	mostHashes = 1024 // that are known to be small
)

// smallHashes are the hashes that were found small by HLEN: those may be read by
// HGETALL. Safe for concurrent use.
type smallHashes struct {
	mu   sync.Mutex // of keys
	keys map[string]bool
}

func (s *smallHashes) has(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[key]
}

// learn looks at an answer to HLEN. When there are too many keys all are
// forgotten: who wants to read one asks for its length before.
func (s *smallHashes) learn(cmd redis.Cmder) {
	if nameOf(cmd) != "hlen" {
		return
	}
	c, ok := cmd.(*redis.Cmd)
	if !ok {
		return
	}
	n, ok := c.Val().(int64)
	s.mu.Lock()
	defer s.mu.Unlock()
	key := word(cmd, 1)
	if !ok || n > mostFields {
		delete(s.keys, key)
		return
	}
	if s.keys == nil || len(s.keys) >= mostHashes {
		s.keys = map[string]bool{}
	}
	s.keys[strings.Clone(key)] = true
}
