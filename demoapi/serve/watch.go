package serve

import (
	"net/url"
	"strconv"
	"strings"
)

// asGiven stands for an address that may hold a password.
const asGiven = "<as given>"

// Target is what an apitop command line names. Empty fields are left out.
type Target struct {
	MetricsURL  string
	RedisURL    string
	PostgresDSN string
	PID         int // of the API; 0: unknown
}

// URL is the API's address, "http://127.0.0.1:34567".
func (t Target) URL() string { return strings.TrimSuffix(t.MetricsURL, "/metrics") }

// WatchLine is the command that watches t, ready for a shell. An address with a
// password is not repeated.
func (t Target) WatchLine() string {
	words := []string{"apitop", quote(t.MetricsURL)}
	if t.RedisURL != "" {
		words = append(words, "--redis", quote(withoutSecret(t.RedisURL)))
	}
	if t.PostgresDSN != "" {
		words = append(words, "--postgres", quote(withoutSecret(t.PostgresDSN)))
	}
	if t.PID != 0 {
		words = append(words, "--pid", strconv.Itoa(t.PID))
	}
	return strings.Join(words, " ")
}

// withoutSecret returns addr when it surely holds no password.
func withoutSecret(addr string) string {
	if strings.Contains(strings.ToLower(addr), "pass") {
		return asGiven // a parameter, in whatever notation
	}
	if !strings.Contains(addr, "://") {
		return addr // key=value pairs
	}
	u, err := url.Parse(addr)
	if err != nil {
		return asGiven
	}
	if _, secret := u.User.Password(); secret || strings.Contains(u.Host+u.Path, "@") {
		return asGiven
	}
	return addr
}

// quote makes word one word of a POSIX shell.
func quote(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+:/.,=@%"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
