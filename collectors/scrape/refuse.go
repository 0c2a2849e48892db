package scrape

import (
	"bytes"
	"context"
	"net"
	"strings"
	"time"

	"apitop/collectors/snapshot"
)

// protocols tells by its first bytes who answers an HTTP request that is not
// an HTTP server. An answer to a request in a foreign protocol is an error
// message, or a greeting that did not wait for the request.
var protocols = []struct{ begins, name string }{
	{"-ERR", redis}, {"-NOAUTH", redis}, {"-DENIED", redis}, {"-LOADING", redis}, {"-NOPERM", redis},
	{"SSH-", "SSH"},
	{"220 ", "FTP or SMTP"}, {"220-", "FTP or SMTP"},
	{"ERROR\r\n", "memcached"},
	{"AMQP", "AMQP (RabbitMQ)"},
	{"* OK", "IMAP"},
	{"RFB ", "VNC"},
}

// speaks recognises a foreign protocol; nil when it cannot.
func (c *Collector) speaks(first []byte) error {
	for _, p := range protocols {
		if bytes.HasPrefix(first, []byte(p.begins)) {
			f := c.foreign(p.name)
			if p.name == redis && !c.proxied {
				c.foreigner, c.question = f, askRedis
			}
			return f
		}
	}
	switch {
	case bytes.HasPrefix(first, []byte("HTTP/")) && c.target.URL.Scheme == "https":
		return snapshot.Fail(snapshot.Unsupported, c.target.name+" speaks plain HTTP", "use http:// instead of https://")
	case len(first) > 2 && (first[0] == 0x15 || first[0] == 0x16) && first[1] == 3 && c.target.URL.Scheme == "http":
		return snapshot.Fail(snapshot.Unsupported, c.target.name+" speaks TLS", "use https:// instead of http://")
	case len(first) > 4 && first[3] == 0 && (first[4] == 10 || first[4] == 0xff):
		return c.foreign("MySQL") // a packet with number 0: protocol 10, or an error
	case len(first) > 8 && first[3] == 4 && bytes.Equal(first[5:9], make([]byte, 4)):
		return c.foreign("HTTP/2 without TLS (gRPC)") // a SETTINGS frame of stream 0
	case len(first) > 5 && first[0] == 'E' && first[1] == 0 && c.target.URL.Scheme == "http":
		return c.foreign(postgres)
	}
	return nil
}

const (
	redis    = "Redis"
	postgres = "Postgres"
)

// foreign is the failure for a server of another kind, with the flag for it.
func (c *Collector) foreign(name string) *snapshot.Failure {
	fix := fixPage
	switch name {
	case redis:
		fix = "use --redis redis://" + c.target.HostPort()
	case postgres:
		fix = "use --postgres postgres://" + c.target.HostPort()
	}
	return snapshot.Fail(snapshot.Unsupported, c.target.name+" answers as "+name+", not as metrics", fix)
}

// The questions for a server that closed on HTTP without a byte: Redis does that
// when the Host header arrives together with the request line, and Postgres with
// all that is no startup packet. Neither reads data or starts a session.
// Sources: redis.io, PING; PostgreSQL documentation, SSLRequest.
const (
	askRedis    = "PING\r\n"
	askPostgres = "\x00\x00\x00\x08\x04\xd2\x16\x2f"
)

// answered is who answers a question so; empty when nobody known does.
func answered(question, answer string) string {
	if answer == "" {
		return ""
	}
	switch {
	case question == askRedis && (strings.HasPrefix(answer, "+PONG") || answer[0] == '-'): // -NOAUTH, -DENIED
		return redis
	case question == askPostgres && (answer[0] == 'S' || answer[0] == 'N'):
		return postgres
	}
	return ""
}

// probeTime bounds one question, which comes on top of a failed scrape.
const probeTime = 300 * time.Millisecond

// probe asks a silent server who it is.
func (c *Collector) probe(ctx context.Context) {
	for _, question := range [...]string{askRedis, askPostgres} {
		if who := answered(question, c.ask(ctx, question)); who != "" {
			c.foreigner, c.question = c.foreign(who), question
			return
		}
	}
}

// stillForeign asks a server once found to be another kind, in its own words:
// HTTP requests would fill its log. nil when it has gone.
func (c *Collector) stillForeign(ctx context.Context) error {
	if c.foreigner == nil {
		return nil
	}
	if answered(c.question, c.ask(ctx, c.question)) == "" {
		c.foreigner = nil
		return nil
	}
	return c.foreigner
}

// ask sends a question over a new connection and returns what comes first;
// nothing when that fails.
func (c *Collector) ask(ctx context.Context, question string) string {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.target.HostPort())
	if err != nil {
		return ""
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if conn.SetDeadline(deadline) != nil {
		return ""
	}
	if _, err := conn.Write([]byte(question)); err != nil {
		return ""
	}
	var answer [8]byte
	n, _ := conn.Read(answer[:]) // an error leaves nothing to tell by
	return string(answer[:n])
}
