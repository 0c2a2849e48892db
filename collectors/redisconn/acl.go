package redisconn

// ACLRules are the least rights with which everything works but the opt-ins, to
// be typed after "ACL SETUSER name on >password". Redis 6 does not know "%R~*":
// there it is "~*". What config|get is for, it can read passwords too; without it
// Redis' defaults are assumed for how fast use is forgotten, and what counts as
// slow is unknown.
const ACLRules = "resetkeys %R~* -@all +hello +select +ping +info +time +dbsize +scan +type +pttl +memory|usage " +
	"+object|encoding +object|freq +object|idletime +strlen +getrange +llen +lrange +hlen +hmget +hgetall " +
	"+scard +zcard +zcount +zrange +xlen +latency|histogram +slowlog|len +slowlog|get +config|get " +
	"+cluster|slots +client|setname"

const aclFix = "ACL SETUSER name on >password " + ACLRules

// OptIn is what something needs beside [ACLRules] that is not on by itself, or
// that not every server knows.
type OptIn struct {
	For   string // a flag, or a version
	Rules string // to be typed after "ACL SETUSER name"
}

// ACLOptIns are the rights that are not in [ACLRules].
func ACLOptIns() []OptIn {
	return []OptIn{
		{"Redis 7.2 and newer", "+client|no-touch"},
		{"keyspace events, where they are on", "+subscribe +psubscribe &__key*"},
		{"--allow-monitor", "+monitor"},
		{"--allow-tracking", "+client|tracking"},
		{"--allow-hotkeys", "+hotkeys|get +hotkeys|start +hotkeys|stop +hotkeys|reset"},
		{"--allow-writes", WriteRules},
	}
}
