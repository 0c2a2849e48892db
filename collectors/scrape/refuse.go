package scrape

import (
	"bytes"
	"context"
	"net"
	"time"

	"apitop/collectors/snapshot"
)

// protocols tells by its first bytes who answers an HTTP request that is not
// an HTTP server. An answer to a request in a foreign protocol is an error
// message, or a greeting that did not wait for the request.
var protocols = []struct{ begins, name string }{
	{"-ERR", "Redis"}, {"-NOAUTH", "Redis"}, {"-DENIED", "Redis"}, {"-LOADING", "Redis"}, {"-NOPERM", "Redis"},
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
			return c.foreign(p.name)
		}
	}
	switch {
	case bytes.HasPrefix(first, []byte("HTTP/")) && c.target.url.Scheme == "https":
		return snapshot.Fail(snapshot.Unsupported, c.target.name+" speaks plain HTTP", "use http:// instead of https://")
	case len(first) > 2 && (first[0] == 0x15 || first[0] == 0x16) && first[1] == 3 && c.target.url.Scheme == "http":
		return snapshot.Fail(snapshot.Unsupported, c.target.name+" speaks TLS", "use https:// instead of http://")
	case len(first) > 4 && first[3] == 0 && (first[4] == 10 || first[4] == 0xff):
		return c.foreign("MySQL") // a packet with number 0: protocol 10, or an error
	case len(first) > 8 && first[3] == 4 && bytes.Equal(first[5:9], make([]byte, 4)):
		return c.foreign("HTTP/2 without TLS (gRPC)") // a SETTINGS frame of stream 0
	case len(first) > 5 && first[0] == 'E' && first[1] == 0 && c.target.url.Scheme == "http":
		return c.foreign(postgres)
	}
	return nil
}

const postgres = "Postgres"

// foreign is the failure for a server of another kind, with the flag for it.
func (c *Collector) foreign(name string) *snapshot.Failure {
	fix := fixPage
	switch name {
	case "Redis":
		fix = "use --redis redis://" + c.target.hostPort()
	case postgres:
		fix = "use --postgres postgres://" + c.target.hostPort()
	}
	return snapshot.Fail(snapshot.Unsupported, c.target.name+" answers as "+name+", not as metrics", fix)
}

// sslRequest asks a Postgres server whether it speaks TLS; the answer is one
// letter. It reads nothing and starts no session.
// Source: PostgreSQL documentation, "Message Formats", SSLRequest.
var sslRequest = [8]byte{0, 0, 0, 8, 4, 210, 22, 47}

// probeTime bounds the probe, which comes on top of a failed scrape.
const probeTime = 300 * time.Millisecond

// probe asks a silent server whether it is Postgres; nil when it is not.
func (c *Collector) probe(ctx context.Context) *snapshot.Failure {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.target.hostPort())
	if err != nil {
		return nil
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if conn.SetDeadline(deadline) != nil {
		return nil
	}
	var answer [1]byte
	if _, err := conn.Write(sslRequest[:]); err != nil {
		return nil
	}
	if _, err := conn.Read(answer[:]); err != nil || answer[0] != 'S' && answer[0] != 'N' {
		return nil
	}
	return c.foreign(postgres)
}
