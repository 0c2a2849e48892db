// Package web holds what sources that are asked over HTTP have in common.
//
// [Settings] are what a user may say: who asks, over which proxy, which
// certificates count. The names are those of Prometheus' configuration, so that
// a block of a prometheus.yml can be pasted. [Address] is where a source answers,
// [Client] asks there, and why no answer came is explained in words that hold no
// secret.
// Source: prometheus.io, Configuration, <http_config> and <tls_config>.
package web

import (
	"path/filepath"

	"apitop/collectors/safe"
)

// Settings are the HTTP settings of one source. The zero value asks as nobody,
// without a proxy, and trusts the system's authorities. It holds its secrets
// in [safe.Secret], so that printing one shows none.
type Settings struct {
	BasicAuth     *BasicAuth     `yaml:"basic_auth"`
	Authorization *Authorization `yaml:"authorization"`
	// BearerToken and BearerTokenFile are the older way to write authorization.
	BearerToken     safe.Secret[string] `yaml:"bearer_token"`
	BearerTokenFile string              `yaml:"bearer_token_file"`
	TLS             TLS                 `yaml:"tls_config"`
	// Headers are sent with each request, such as X-Scope-OrgID.
	Headers map[string]safe.Secret[string] `yaml:"headers"`
	// HTTPHeaders are the same with several values each, or values from files.
	HTTPHeaders map[string]HeaderValues `yaml:"http_headers"`
	// ProxyURL is http://, https:// or socks5://, with user and password if need
	// be; empty: none, whatever the environment says.
	ProxyURL safe.Secret[string] `yaml:"proxy_url"`
	// ProxyFromEnvironment takes HTTP_PROXY, HTTPS_PROXY and NO_PROXY.
	ProxyFromEnvironment bool `yaml:"proxy_from_environment"`
	// FollowRedirects follows redirects within the same host; false: none.
	FollowRedirects bool `yaml:"follow_redirects"`
}

// BasicAuth is user and password. Giving a value and a file for it is an error.
type BasicAuth struct {
	Username     string              `yaml:"username"`
	UsernameFile string              `yaml:"username_file"`
	Password     safe.Secret[string] `yaml:"password"`
	PasswordFile string              `yaml:"password_file"`
}

// Authorization is an Authorization header.
type Authorization struct {
	Type            string              `yaml:"type"` // empty: Bearer
	Credentials     safe.Secret[string] `yaml:"credentials"`
	CredentialsFile string              `yaml:"credentials_file"`
}

// TLS says which certificates count and which one is shown.
type TLS struct {
	CA                 string              `yaml:"ca"`      // PEM text
	CAFile             string              `yaml:"ca_file"` // read once, at [Settings.Open]
	Cert               string              `yaml:"cert"`    // PEM text
	CertFile           string              `yaml:"cert_file"`
	Key                safe.Secret[string] `yaml:"key"` // PEM text
	KeyFile            string              `yaml:"key_file"`
	ServerName         string              `yaml:"server_name"`
	InsecureSkipVerify bool                `yaml:"insecure_skip_verify"`
	MinVersion         string              `yaml:"min_version"` // TLS10 to TLS13; empty: TLS12
	MaxVersion         string              `yaml:"max_version"` // the same; empty: the highest
}

// HeaderValues are the values of one header; all three are sent.
type HeaderValues struct {
	Values  []string              `yaml:"values"`
	Secrets []safe.Secret[string] `yaml:"secrets"`
	Files   []string              `yaml:"files"`
}

// FieldError is a setting that cannot be used. It holds no secret.
type FieldError struct {
	Field string // as in the file, with dots: "tls_config.ca_file"
	Why   string
}

// Error implements error.
func (e *FieldError) Error() string { return e.Field + ": " + e.Why }

func wrong(field, why string) error { return &FieldError{Field: field, Why: why} }

// authorization is what goes into the Authorization header, from whichever of
// the ways was used, and what its file is called; nil: none.
func (s Settings) authorization() (a *Authorization, file string, err error) {
	ways := map[string]bool{
		"basic_auth":        s.BasicAuth != nil,
		"authorization":     s.Authorization != nil,
		"bearer_token":      s.BearerToken.Reveal() != "",
		"bearer_token_file": s.BearerTokenFile != "",
	}
	given := ""
	for _, name := range []string{"basic_auth", "authorization", "bearer_token", "bearer_token_file"} {
		switch {
		case !ways[name]:
		case given != "":
			return nil, "", wrong(name, "give either it or "+given)
		default:
			given = name
		}
	}
	switch given {
	case "authorization":
		return s.Authorization, "authorization.credentials_file", nil
	case "bearer_token", "bearer_token_file":
		return &Authorization{Credentials: s.BearerToken, CredentialsFile: s.BearerTokenFile}, "bearer_token_file", nil
	}
	return nil, "", nil
}

// InDir makes relative paths start at dir, the folder of the file that names
// them.
func (s *Settings) InDir(dir string) {
	at := func(path *string) {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	at(&s.BearerTokenFile)
	if s.BasicAuth != nil {
		at(&s.BasicAuth.UsernameFile)
		at(&s.BasicAuth.PasswordFile)
	}
	if s.Authorization != nil {
		at(&s.Authorization.CredentialsFile)
	}
	at(&s.TLS.CAFile)
	at(&s.TLS.CertFile)
	at(&s.TLS.KeyFile)
	for _, h := range s.HTTPHeaders {
		for i := range h.Files {
			at(&h.Files[i])
		}
	}
}
