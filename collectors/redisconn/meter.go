package redisconn

import (
	"io"
	"net"
)

// meter ends a stream after so many bytes. What a server sends to a listener is
// not for us to choose: one line of MONITOR is as long as the longest value.
type meter struct {
	from net.Conn
	left int64
}

// Read implements io.Reader.
func (m *meter) Read(b []byte) (int, error) {
	if m.left <= 0 {
		return 0, io.EOF
	}
	n, err := m.from.Read(b[:min(int64(len(b)), m.left)])
	m.left -= int64(n)
	return n, err
}

// SetLimit ends the connection's input after so many more bytes from the network.
func (r *Raw) SetLimit(bytes int) { r.meter.left = int64(bytes) }

// Spent tells whether the limit was reached and all of it was read.
func (r *Raw) Spent() bool { return r.meter.left <= 0 && r.in.Buffered() == 0 }
