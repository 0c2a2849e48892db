package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// canary stands where a secret may stand; nothing printed may hold it.
const canary = "S3cr3tPW"

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func parse(t *testing.T, text string) Settings {
	t.Helper()
	var s Settings
	if err := yaml.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func request(t *testing.T) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:8000/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSign(t *testing.T) {
	file := write(t, "token", " "+canary+"\n")
	tests := map[string]struct {
		yaml string
		want http.Header
		host string
	}{
		"nothing":        {"{}", http.Header{}, "localhost:8000"},
		"basic":          {"basic_auth: {username: bob, password: " + canary + "}", http.Header{"Authorization": {"Basic Ym9iOlMzY3IzdFBX"}}, ""},
		"basic file":     {"basic_auth: {username: bob, password_file: " + file + "}", http.Header{"Authorization": {"Basic Ym9iOlMzY3IzdFBX"}}, ""},
		"user file":      {"basic_auth: {username_file: " + file + "}", http.Header{"Authorization": {"Basic UzNjcjN0UFc6"}}, ""},
		"bearer":         {"authorization: {credentials: " + canary + "}", http.Header{"Authorization": {"Bearer " + canary}}, ""},
		"other type":     {"authorization: {type: Token, credentials: " + canary + "}", http.Header{"Authorization": {"Token " + canary}}, ""},
		"file":           {"authorization: {credentials_file: " + file + "}", http.Header{"Authorization": {"Bearer " + canary}}, ""},
		"older":          {"bearer_token: " + canary, http.Header{"Authorization": {"Bearer " + canary}}, ""},
		"older file":     {"bearer_token_file: " + file, http.Header{"Authorization": {"Bearer " + canary}}, ""},
		"headers":        {"headers: {x-scope-orgid: team-a, Host: api.example}", http.Header{"X-Scope-Orgid": {"team-a"}}, "api.example"},
		"number":         {"headers: {x-scope-orgid: 12}", http.Header{"X-Scope-Orgid": {"12"}}, ""},
		"several values": {"http_headers: {A: {values: [x], secrets: [" + canary + "], files: [" + file + "]}}", http.Header{"A": {"x", canary, canary}}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			settings := parse(t, tt.yaml)
			c, err := settings.Open()
			if err != nil {
				t.Fatal(err)
			}
			r := request(t)
			if err := c.sign(r); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(r.Header) != fmt.Sprint(tt.want) || tt.host != "" && r.Host != tt.host {
				t.Errorf("headers %v, host %q; want %v, %q", r.Header, r.Host, tt.want, tt.host)
			}
			if c.Signs() != (tt.want.Get("Authorization") != "") {
				t.Errorf("Signs() = %v", c.Signs())
			}
			if text := fmt.Sprintf("%v %+v %#v %v %+v %#v", settings, settings, settings, c, c, c); strings.Contains(text, canary) {
				t.Errorf("a secret is printed: %s", text)
			}
		})
	}
}

func TestWrongSettings(t *testing.T) {
	key := write(t, "key.pem", "-----BEGIN EC PRIVATE KEY-----\n"+canary+"\n-----END EC PRIVATE KEY-----\n")
	noPEM := write(t, "ca.pem", canary)
	tests := map[string]struct{ yaml, field, why string }{
		"two ways":         {"{basic_auth: {username: a}, authorization: {credentials: S3cr3tPW}}", "authorization", "either it or basic_auth"},
		"two older":        {"{bearer_token: S3cr3tPW, bearer_token_file: /x}", "bearer_token_file", "either it or bearer_token"},
		"two passwords":    {"basic_auth: {username: a, password: S3cr3tPW, password_file: /x}", "basic_auth.password_file", "either it or password"},
		"no user":          {"basic_auth: {password: S3cr3tPW}", "basic_auth", "no username"},
		"no credentials":   {"authorization: {type: Bearer}", "authorization", "no credentials"},
		"two credentials":  {"authorization: {credentials: S3cr3tPW, credentials_file: /x}", "authorization.credentials_file", "either it or credentials"},
		"basic type":       {"authorization: {type: basic, credentials: S3cr3tPW}", "authorization.type", "basic_auth"},
		"type":             {"authorization: {type: 'S3cr3tPW x', credentials: y}", "authorization.type", "a word"},
		"line end":         {"authorization: {credentials: \"S3cr3tPW\\n\"}", "authorization.credentials", "a line end"},
		"header name":      {"headers: {\"a b\": S3cr3tPW}", "headers", "letters"},
		"header value":     {"headers: {A: \"S3cr3tPW\\r\\nB: x\"}", "headers", "a line end"},
		"our header":       {"headers: {accept-encoding: x}", "headers", "Accept-Encoding cannot be set"},
		"authorized twice": {"{headers: {authorization: S3cr3tPW}, basic_auth: {username: a}}", "headers", "Authorization is set by"},
		"proxy":            {"proxy_url: 'http://u:S3cr3tPW@h:port'", "proxy_url", "it is no URL"},
		"proxy scheme":     {"proxy_url: 'ftp://u:S3cr3tPW@h:1'", "proxy_url", "none of http"},
		"two proxies":      {"{proxy_url: 'http://u:S3cr3tPW@h:1', proxy_from_environment: true}", "proxy_from_environment", "either it or proxy_url"},
		"no ca":            {"tls_config: {ca_file: /no/such/ca.pem}", "tls_config.ca_file", "/no/such/ca.pem: no such file"},
		"ca is a folder":   {"tls_config: {ca_file: /}", "tls_config.ca_file", "is a directory"},
		"ca is a key":      {"tls_config: {ca_file: " + key + "}", "tls_config.ca_file", "no certificate"},
		"ca is no PEM":     {"tls_config: {ca_file: " + noPEM + "}", "tls_config.ca_file", "no certificate in PEM form"},
		"two cas":          {"tls_config: {ca: x, ca_file: y}", "tls_config.ca_file", "either it or ca"},
		"no key":           {"tls_config: {cert_file: " + noPEM + "}", "tls_config", "cert_file needs key_file"},
		"no certificate":   {"tls_config: {key_file: " + key + "}", "tls_config", "key_file needs cert_file"},
		"bad pair":         {"tls_config: {cert_file: " + noPEM + ", key_file: " + key + "}", "tls_config", "do not belong together"},
		"no key file":      {"tls_config: {cert_file: " + noPEM + ", key_file: /no/key}", "tls_config.key_file", "/no/key: no such file"},
		"two certs":        {"tls_config: {cert: x, cert_file: y, key: S3cr3tPW}", "tls_config.cert_file", "either it or cert"},
		"two keys":         {"tls_config: {cert: x, key: S3cr3tPW, key_file: y}", "tls_config.key_file", "either it or key"},
		"version":          {"tls_config: {min_version: TLS9}", "tls_config.min_version", "TLS10"},
		"versions":         {"tls_config: {max_version: TLS11}", "tls_config.max_version", "lower than min_version"},
		"endless file":     {"tls_config: {ca_file: /dev/zero}", "tls_config.ca_file", "larger than 1 MiB"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, tt.yaml).Open()
			field, ok := errors.AsType[*FieldError](err)
			if !ok || field.Field != tt.field || !strings.Contains(field.Why, tt.why) {
				t.Fatalf("got %v, want %s: %s", err, tt.field, tt.why)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("a secret is in %q", err)
			}
		})
	}
}

// TestFilesAreReadAnew: tokens are rotated while we run.
func TestFilesAreReadAnew(t *testing.T) {
	file := write(t, "token", "one")
	c, err := parse(t, "authorization: {credentials_file: "+file+"}").Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "two"} {
		if err := os.WriteFile(file, []byte(want+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		r := request(t)
		if err := c.sign(r); err != nil || r.Header.Get("Authorization") != "Bearer "+want {
			t.Errorf("%v, %v; want %s", err, r.Header, want)
		}
	}
	if n := c.Notes(); len(n) != 0 {
		t.Errorf("notes %v", n)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := c.sign(request(t)); err != nil {
		t.Fatal(err)
	}
	if n := c.Notes(); len(n) != 1 || n[0].Fix != "chmod 600 "+file {
		t.Errorf("notes %v", n)
	}
	for content, want := range map[string]string{"": "is empty", "S3cr3tPW\x00": "control character"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		failsWith(t, c.sign(request(t)), want)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	failsWith(t, c.sign(request(t)), file+": no such file")
}

func failsWith(t *testing.T, err error, want string) {
	t.Helper()
	f, ok := errors.AsType[*snapshot.Failure](err)
	if !ok || f.Kind != snapshot.Denied || !strings.Contains(f.Error(), want) || strings.Contains(f.Error(), canary) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestPipe: what a shell's <(…) gives can be read only once.
func TestPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	go func() { _ = os.WriteFile(pipe, []byte(canary), 0) }()
	c, err := Settings{BearerTokenFile: pipe}.Open()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r := request(t)
		if err := c.sign(r); err != nil || r.Header.Get("Authorization") != "Bearer "+canary {
			t.Errorf("%v, %v", err, r.Header)
		}
	}
}

func TestNext(t *testing.T) {
	tests := map[string]struct {
		from, location string
		status         int
		want           string // empty: not followed
	}{
		"path":          {"http://h:1/metrics", "/m", 302, "http://h:1/m"},
		"relative":      {"http://h:1/a/b", "c", 301, "http://h:1/a/c"},
		"permanent":     {"http://h:1/metrics", "http://h:1/m?x=1#f", 308, "http://h:1/m?x=1"},
		"default port":  {"http://h/metrics", "http://h:80/m", 307, "http://h:80/m"},
		"to https":      {"http://h:1/metrics", "https://h:2/m", 303, "https://h:2/m"},
		"from https":    {"https://h/metrics", "http://h/metrics", 302, ""},
		"other port":    {"http://h:1/metrics", "http://h:2/metrics", 302, ""},
		"other host":    {"http://h:1/metrics", "http://169.254.169.254/latest", 302, ""},
		"no scheme":     {"http://h:1/metrics", "//evil:1/metrics", 302, ""},
		"other scheme":  {"http://h:1/metrics", "file:///etc/passwd", 302, ""},
		"user":          {"http://h:1/metrics", "http://u:p@h:1/m", 302, "http://h:1/m"},
		"no location":   {"http://h:1/metrics", "", 302, ""},
		"bad":           {"http://h:1/metrics", "http://h:1/%zz", 302, ""},
		"not modified":  {"http://h:1/metrics", "/m", 304, ""},
		"no redirect":   {"http://h:1/metrics", "/m", 200, ""},
		"several hosts": {"http://h:1/metrics", "http://h.evil:1/metrics", 302, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			from, err := url.Parse(tt.from)
			if err != nil {
				t.Fatal(err)
			}
			resp := &http.Response{StatusCode: tt.status, Header: http.Header{"Location": {tt.location}}}
			to, ok := Client{FollowRedirects: true}.next(resp, from)
			if ok != (tt.want != "") || ok && to.String() != tt.want {
				t.Errorf("to %v, %v; want %q", to, ok, tt.want)
			}
			if _, ok := (Client{}).next(resp, from); ok {
				t.Error("followed without being asked to")
			}
		})
	}
}

// pair makes a certificate that signs itself, and its key.
func pair(t *testing.T, name string) (certFile, keyFile string, cert *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}))), cert
}

// TestTLS talks to a server that wants a client certificate, and goes on when
// certificate and key are renewed under their names.
func TestTLS(t *testing.T) {
	certFile, keyFile, cert := pair(t, "client")
	newCertFile, newKeyFile, newCert := pair(t, "renewed")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS.PeerCertificates[0].DNSNames[0])
	}))
	clients := x509.NewCertPool()
	clients.AddCert(cert)
	clients.AddCert(newCert)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	ca := write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	c, err := Settings{TLS: TLS{CAFile: ca, CertFile: certFile, KeyFile: keyFile, ServerName: "example.com"}}.Open()
	if err != nil {
		t.Fatal(err)
	}
	ask := func(want string) {
		transport := &http.Transport{TLSClientConfig: c.TLS, DisableKeepAlives: true}
		resp, err := (&http.Client{Transport: transport}).Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); string(body) != want {
			t.Errorf("the server sees %s, want %s", body, want)
		}
	}
	ask("client")
	if err := errors.Join(os.Rename(newCertFile, certFile), os.Rename(newKeyFile, keyFile)); err != nil {
		t.Fatal(err)
	}
	ask("renewed")
	if text := fmt.Sprintf("%+v", TLS{Key: safe.Hide(canary)}); strings.Contains(text, canary) {
		t.Error("a key is printed")
	}
}

func TestProxy(t *testing.T) {
	c, err := Settings{ProxyURL: safe.Hide("http://u:" + canary + "@proxy:3128")}.Open()
	if err != nil {
		t.Fatal(err)
	}
	if u, err := c.Proxy(request(t)); err != nil || u.Host != "proxy:3128" || u.User.Username() != "u" {
		t.Errorf("%v, %v", u, err)
	}
	if c, _ := (Settings{}).Open(); c.Proxy != nil || c.TLS != nil {
		t.Error("the zero value is not plain")
	}
}

// TestThroughProxy asks over a proxy that wants a password; the target is never
// connected to.
func TestThroughProxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.URL, " ", r.Header.Get("Proxy-Authorization"), " ", r.Header.Get("Authorization"))
	}))
	defer proxy.Close()
	c, err := Settings{
		ProxyURL:    safe.Hide("http://bob:" + canary + "@" + proxy.Listener.Addr().String()),
		BearerToken: safe.Hide("token"),
	}.Open()
	if err != nil {
		t.Fatal(err)
	}
	r := request(t)
	r.URL.Host, r.Host = "no-such-host.invalid:1", ""
	if err := c.sign(r); err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Transport{Proxy: c.Proxy, DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	const want = "http://no-such-host.invalid:1/metrics Basic Ym9iOlMzY3IzdFBX Bearer token"
	if body, _ := io.ReadAll(resp.Body); string(body) != want {
		t.Errorf("the proxy got %s, want %s", body, want)
	}
}
