package web

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"reflect"

	"apitop/collectors/safe"
)

// versions are the names that the settings use.
var versions = map[string]uint16{
	"":      0,
	"TLS10": tls.VersionTLS10,
	"TLS11": tls.VersionTLS11,
	"TLS12": tls.VersionTLS12,
	"TLS13": tls.VersionTLS13,
}

// Open reads the files and makes the configuration; nil for the zero TLS. The error
// is a [FieldError] of tls_config.
func (t TLS) Open() (*tls.Config, error) {
	if reflect.ValueOf(t).IsZero() {
		return nil, nil //nolint:nilnil // the system's own settings
	}
	low, lowOK := versions[t.MinVersion]
	high, highOK := versions[t.MaxVersion]
	switch {
	case !lowOK:
		return nil, wrong("tls_config.min_version", "use TLS10, TLS11, TLS12 or TLS13")
	case !highOK:
		return nil, wrong("tls_config.max_version", "use TLS10, TLS11, TLS12 or TLS13")
	}
	if low == 0 {
		low = tls.VersionTLS12
	}
	if high > 0 && high < low {
		return nil, wrong("tls_config.max_version", "it is lower than min_version, which is TLS12 unless given")
	}
	c := &tls.Config{
		MinVersion:         low,
		MaxVersion:         high,
		ServerName:         t.ServerName,
		InsecureSkipVerify: t.InsecureSkipVerify, //nolint:gosec // the user asks for it by this name
	}
	var err error
	if c.RootCAs, err = t.authorities(); err != nil {
		return nil, err
	}
	return c, t.setCertificate(c)
}

// authorities are those whose certificates count; nil: the system's.
func (t TLS) authorities() (*x509.CertPool, error) {
	switch {
	case t.CA != "" && t.CAFile != "":
		return nil, wrong("tls_config.ca_file", "give either it or ca")
	case t.CA != "":
		return poolOf([]byte(t.CA), "tls_config.ca", "it")
	case t.CAFile == "":
		return nil, nil //nolint:nilnil // nil is the system's pool
	}
	content, _, err := readFile(t.CAFile)
	if err != nil {
		return nil, wrong("tls_config.ca_file", err.Error())
	}
	return poolOf(content, "tls_config.ca_file", safe.Clean(t.CAFile, 0))
}

func poolOf(content []byte, field, name string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if pool.AppendCertsFromPEM(content) {
		return pool, nil
	}
	if block, _ := pem.Decode(content); block != nil && block.Type != "CERTIFICATE" {
		return nil, wrong(field, name+" holds no certificate but a "+safe.Clean(block.Type, 40))
	}
	return nil, wrong(field, name+" holds no certificate in PEM form")
}

// setCertificate lets c show the certificate, if one is given. Files are read
// again at each handshake, since short-lived certificates are rotated.
func (t TLS) setCertificate(c *tls.Config) error {
	cert, key := t.Cert != "" || t.CertFile != "", t.Key.Reveal() != "" || t.KeyFile != ""
	switch {
	case t.Cert != "" && t.CertFile != "":
		return wrong("tls_config.cert_file", "give either it or cert")
	case t.Key.Reveal() != "" && t.KeyFile != "":
		return wrong("tls_config.key_file", "give either it or key")
	case cert && !key:
		return wrong("tls_config", "cert_file needs key_file")
	case key && !cert:
		return wrong("tls_config", "key_file needs cert_file")
	case !cert:
		return nil
	}
	if _, err := t.certificate(); err != nil {
		return err
	}
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return t.certificate() }
	return nil
}

func (t TLS) certificate() (*tls.Certificate, error) {
	cert, err := pemOf(t.Cert, "tls_config.cert_file", t.CertFile)
	if err != nil {
		return nil, err
	}
	key, err := pemOf(t.Key.Reveal(), "tls_config.key_file", t.KeyFile)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil { // its text can tell of the key: ours tells enough
		return nil, wrong("tls_config", "certificate and key do not belong together, or one of them is not PEM")
	}
	return &pair, nil
}

func pemOf(given, field, path string) ([]byte, error) {
	if path == "" {
		return []byte(given), nil
	}
	content, _, err := readFile(path)
	if err != nil {
		return nil, wrong(field, err.Error())
	}
	return content, nil
}
