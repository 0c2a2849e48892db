package redisconn

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apitop/collectors/redisconn/redistest"
	"apitop/collectors/snapshot"
)

// authority is a CA for a test, with its files in a folder.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.issue(t, "ca")
	return a
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

// issue writes NAME.pem and NAME.key, a certificate for 127.0.0.1 and the host
// redis.test; the first one is the authority's own.
func (a *authority) issue(t *testing.T, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"redis.test"},
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert == nil {
		a.key = key
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		name + ".pem": {Type: "CERTIFICATE", Bytes: der},
		name + ".key": {Type: "EC PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(a.path(file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTLSServer: a server with a certificate of its own authority, which wants one of
// ours as well.
func TestTLSServer(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	ca.issue(t, "server")
	ca.issue(t, "client")
	port := redistest.FreePorts(t, 1)[0]
	addr := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}).String()
	redistest.Start(t, "--bind", "127.0.0.1", "--tls-port", strings.TrimPrefix(addr, "127.0.0.1:"),
		"--tls-cert-file", ca.path("server.pem"), "--tls-key-file", ca.path("server.key"), "--tls-ca-cert-file", ca.path("ca.pem"))
	ours := "&cert_file=" + ca.path("client.pem") + "&key_file=" + ca.path("client.key")
	tests := map[string]struct{ url, want string }{
		"all there":          {"rediss://" + addr + "?ca_file=" + ca.path("ca.pem") + ours, ""},
		"any certificate":    {"rediss://" + addr + "?skip_verify=true" + ours, ""},
		"by another name":    {"rediss://" + addr + "?server_name=redis.test&ca_file=" + ca.path("ca.pem") + ours, ""},
		"a wrong name":       {"rediss://" + addr + "?server_name=other.test&ca_file=" + ca.path("ca.pem") + ours, "the server's certificate is for another host"},
		"another authority":  {"rediss://" + addr + "?ca_file=" + stranger.path("ca.pem") + ours, "the server's certificate is signed by an unknown authority"},
		"no CA":              {"rediss://" + addr + "?server_name=redis.test" + ours, "the server's certificate is signed by an unknown authority"},
		"no certificate":     {"rediss://" + addr + "?ca_file=" + ca.path("ca.pem"), "the server refused the TLS handshake"},
		"TLS was not wanted": {"redis://" + addr, "the connection was closed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := server(t, tt.url)
			nodes, err := s.Nodes(t.Context())
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if r, err := raw(t, nodes[0], 3).ask(t.Context(), "ping"); err != nil || r != "PONG" {
					t.Errorf("raw: %v, %v", r, err)
				}
				return
			}
			if name == "no certificate" && err != nil && strings.HasPrefix(err.Error(), "the connection was closed") {
				return // the server hung up before its reason was read
			}
			if f := snapshot.FailureOf(err); f == nil || !strings.HasPrefix(f.What.String(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}
