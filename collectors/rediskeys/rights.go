package rediskeys

import (
	"errors"

	"apitop/collectors/redisconn"
	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// right is something that the connection's user may or may not do, and what is
// lost without it.
type right int

const (
	rightScan right = iota
	rightTime
	rightSize
	rightCounts
	rightTTL
	rightType
	rightMemory
	rightLimits
	rightsCount
)

// lost says what does not work without a right.
var lost = [rightsCount]string{
	rightScan:   "keys cannot be found: SCAN is not permitted",
	rightTime:   "the local clock is used: TIME is not permitted",
	rightSize:   "coverage is unknown: DBSIZE is not permitted",
	rightCounts: "the app's own counts of reads cannot be read",
	rightTTL:    "lifetimes are unknown: PTTL is not permitted",
	rightType:   "types are unknown: TYPE is not permitted",
	rightMemory: "sizes are unknown: MEMORY USAGE is not permitted",
	rightLimits: "limiter keys cannot be read: ZCOUNT, ZRANGE and HMGET are needed",
}

// rights remembers what was refused.
type rights struct{ refused [rightsCount]bool }

// lacks tells whether something was refused.
func (r *rights) lacks(what right) bool { return r.refused[what] }

// take gives a reply, nil when it is an error. An error that says that the
// command is not permitted or not known is remembered; one about a single key
// (another type, a key that this user may not see) concerns that key only.
func (r *rights) take(what right, reply any) any {
	err, bad := reply.(error)
	if !bad {
		return reply
	}
	if e, ok := errors.AsType[*redisconn.ReplyError](err); ok && (e.Denied() || e.Unknown()) {
		r.refused[what] = true
	}
	return nil
}

func (r *rights) notes() []snapshot.Note {
	var notes []snapshot.Note
	for what, refused := range r.refused {
		if refused {
			notes = append(notes, snapshot.Note{
				What: safe.New(lost[what]),
				Fix:  "ACL SETUSER name " + redisconn.ACLRules,
			})
		}
	}
	return notes
}
