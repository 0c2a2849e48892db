package targets

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

// Answers of a test resolver beside records.
const (
	rcodeServFail = 2
	rcodeNXDomain = 3
	rcodeSilent   = 99 // no answer at all
)

// Types of records. Source: RFC 1035, 2782, 3596.
const (
	typeA    = 1
	typeNS   = 2
	typeMX   = 15
	typeAAAA = 28
	typeSRV  = 33
)

// testDNS is a resolver whose answers a test changes as it likes.
type testDNS struct {
	mu    sync.Mutex // guards what follows: the test changes it while it is asked
	rcode int        // 0: records, or NXDOMAIN where a name has none at all
	zone  map[string]map[uint16][][]byte
	asked int
}

// startDNS runs a resolver until the test ends.
func startDNS(t *testing.T) (*testDNS, *net.Resolver) {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &testDNS{zone: map[string]map[uint16][][]byte{}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := d.answer(buf[:n]); answer != nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-ended })
	return d, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// set makes all later answers: rcode, and the records of one name.
func (d *testDNS) set(rcode int, name string, records map[uint16][][]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rcode = rcode
	d.zone = map[string]map[uint16][][]byte{}
	if records != nil {
		d.zone[name+"."] = records
	}
}

func (d *testDNS) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked
}

// answer is the reply to a query of one question; nil: none.
func (d *testDNS) answer(query []byte) []byte {
	var labels strings.Builder
	end := 12
	for query[end] != 0 {
		n := int(query[end])
		labels.WriteString(strings.ToLower(string(query[end+1:end+1+n])) + ".")
		end += n + 1
	}
	name := labels.String()
	kind := binary.BigEndian.Uint16(query[end+1:])
	question := query[12 : end+5]
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if d.rcode == rcodeSilent {
		return nil
	}
	records, known := d.zone[name]
	rcode := d.rcode
	if rcode == 0 && !known {
		rcode = rcodeNXDomain
	}
	var list [][]byte
	if rcode == 0 {
		list = records[kind]
	}
	out := append([]byte{query[0], query[1], 0x81, 0x80 | byte(rcode), 0, 1, 0, byte(len(list)), 0, 0, 0, 0}, question...)
	for _, data := range list {
		out = append(out, 0xc0, 12) // the name is that of the question
		out = binary.BigEndian.AppendUint16(out, kind)
		out = append(out, 0, 1, 0, 0, 0, 60)
		out = binary.BigEndian.AppendUint16(out, uint16(len(data)))
		out = append(out, data...)
	}
	return out
}

// ips are A or AAAA records.
func ips(list ...string) [][]byte {
	var data [][]byte
	for _, s := range list {
		data = append(data, netip.MustParseAddr(s).AsSlice())
	}
	return data
}

// srv is a record of a service.
func srv(port uint16, host string) []byte {
	data := binary.BigEndian.AppendUint16([]byte{0, 1, 0, 1}, port)
	return append(data, encoded(host)...)
}

func encoded(host string) (data []byte) {
	for part := range strings.SplitSeq(host, ".") {
		data = append(append(data, byte(len(part))), part...)
	}
	return append(data, 0)
}
