package redisconn

import "strings"

// sign spells a command's name as no client library does, "Pttl": servers take
// any spelling, and whoever listens to all commands sees the one that was sent.
// So our own commands can be told from others, through proxies and on unix
// sockets too, where addresses say nothing.
func sign(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + strings.ToLower(name[1:])
}

// Signed tells whether a command's name, as it was sent, is spelt as a [Conn]
// does: one capital, then small letters. A command of one letter is not.
func Signed(name string) bool {
	if len(name) < 2 || name[0] < 'A' || name[0] > 'Z' {
		return false
	}
	for _, c := range []byte(name[1:]) {
		if c >= 'A' && c <= 'Z' {
			return false
		}
	}
	return true
}

// DB is the number of the database that the connection uses.
func (c *Conn) DB() int { return c.target.db }
