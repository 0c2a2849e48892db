package redislive

import (
	"strconv"
	"strings"
)

// use is what a command does to a key.
type use int

const (
	reads  use = iota
	writes     // also what reads and writes
	script     // named by a script, whose own commands have lines of their own
)

// spec says which words of a command are keys. Word 0 is its name.
type spec struct {
	use   use
	first int // the first key; 0: no fixed place
	last  int // the last, from the end if negative; 0: only the first
	step  int // to the next key; 0 is 1

	counted int    // the word that says how many keys follow it
	after   string // half of the words after this one, behind first, are keys: STREAMS
	target  int    // the word that names a key to write, beside those to read; 0: none
}

// specs tells where the keys of common commands are; others have none that we
// know of.
func specs() map[string]spec {
	m := make(map[string]spec, 200)
	add := func(s spec, names string) {
		for name := range strings.FieldsSeq(names) {
			m[name] = s
		}
	}
	add(spec{first: 1}, `get strlen getrange substr bitcount bitpos getbit bitfield_ro ttl pttl type expiretime
		pexpiretime dump hget hmget hgetall hkeys hvals hlen hexists hscan hstrlen hrandfield httl hpttl llen lrange
		lindex lpos scard sismember smismember smembers sscan srandmember zcard zscore zmscore zrange zrangebyscore
		zrevrange zrevrangebyscore zrangebylex zrevrangebylex zrank zrevrank zcount zlexcount zscan zrandmember xlen
		xrange xrevrange xpending geopos geodist geohash geosearch georadius_ro georadiusbymember_ro sort_ro json.get
		bf.exists bf.mexists cf.exists ts.get ts.range`)
	add(spec{first: 1, last: -1}, "mget exists touch pfcount sinter sunion sdiff watch")
	add(spec{first: 1, last: 2}, "lcs")
	add(spec{first: 2}, "object memory xinfo")
	add(spec{counted: 1}, "sintercard zunion zinter zdiff zintercard")
	add(spec{after: "streams"}, "xread")

	add(spec{use: writes, first: 1}, `set setex psetex setnx getset getdel getex append incr decr incrby decrby
		incrbyfloat setrange setbit bitfield expire pexpire expireat pexpireat persist hset hmset hsetnx hincrby
		hincrbyfloat hdel hexpire hpexpire hsetex hgetex hgetdel lpush rpush lpushx rpushx lpop rpop lset linsert lrem
		ltrim sadd srem spop zadd zrem zincrby zpopmin zpopmax zremrangebyscore zremrangebyrank zremrangebylex xadd
		xdel xtrim xack xsetid xclaim xautoclaim pfadd geoadd restore sort georadius georadiusbymember cl.throttle
		json.set json.del bf.add bf.madd cf.add ts.add`)
	add(spec{use: writes, first: 1, last: -1}, "del unlink")
	add(spec{use: writes, first: 1, last: -1, step: 2}, "mset msetnx")
	add(spec{use: writes, first: 1, last: -2}, "blpop brpop bzpopmin bzpopmax")
	add(spec{use: writes, first: 1, last: 2}, "rename renamenx lmove rpoplpush blmove brpoplpush smove")
	add(spec{use: writes, first: 2}, "xgroup")
	add(spec{use: writes, counted: 1}, "lmpop zmpop")
	add(spec{use: writes, counted: 2}, "blmpop bzmpop")
	add(spec{use: writes, first: 3, after: "streams"}, "xreadgroup") // GROUP and two names come first
	add(spec{target: 1, first: 2}, "zrangestore geosearchstore")
	add(spec{target: 1, first: 2, last: -1}, "sinterstore sunionstore sdiffstore pfmerge")
	add(spec{target: 1, counted: 2}, "zunionstore zinterstore zdiffstore")
	add(spec{target: 2, first: 1}, "copy")
	add(spec{target: 2, first: 3, last: -1}, "bitop")

	add(spec{use: script, counted: 2}, "eval evalsha eval_ro evalsha_ro fcall fcall_ro")
	return m
}

// each calls f with every key of a command, still escaped, and what is done to it.
func (s spec) each(l *line, f func(word []byte, u use)) {
	if s.target > 0 && len(l.words) > s.target {
		f(l.words[s.target], writes)
	}
	first, end, step := s.span(l)
	for i := first; i > 0 && i < end; i += step {
		f(l.words[i], s.use)
	}
}

// span is where the keys of a command are: every step words from first to before
// end. Of a line that was cut off, those that are there.
func (s spec) span(l *line) (first, end, step int) {
	n := len(l.words)
	step = max(s.step, 1)
	switch {
	case s.counted > 0:
		count := number(l, s.counted)
		return s.counted + 1, min(s.counted+1+count, n), step
	case s.after != "":
		first, end = s.halves(l)
		return first, end, step
	case s.last < 0 && l.cut:
		return s.first, n, step
	case s.last < 0:
		return s.first, n + s.last + 1, step
	}
	return s.first, min(max(s.first, s.last)+1, n), step
}

// halves are the words after STREAMS: as many keys as ids. Of a line that was cut
// off nobody can tell.
func (s spec) halves(l *line) (first, end int) {
	if l.cut {
		return 0, 0
	}
	for i, w := range l.words {
		if i > s.first && strings.EqualFold(string(w), s.after) {
			return i + 1, i + 1 + (len(l.words)-i-1)/2
		}
	}
	return 0, 0
}

// number is the count in word i; 0 when it is none.
func number(l *line, i int) int {
	if i >= len(l.words) {
		return 0
	}
	n, err := strconv.Atoi(string(l.words[i]))
	if err != nil || n < 0 || n > mostWords {
		return 0
	}
	return n
}
