package web

import (
	"net/http"
	"slices"
	"strings"

	"apitop/collectors/safe"
	"apitop/collectors/snapshot"
)

// signer puts what the settings say into a request.
type signer struct {
	scheme         string // before credentials: "Bearer"
	credentials    *text  // nil: none
	user, password *text  // basic auth; nil: none
	headers        []header
}

// header is one value of a header.
type header struct {
	name  string // canonical
	value *text
}

// authorized tells whether requests carry credentials.
func (s *signer) authorized() bool {
	return s.credentials != nil || s.user != nil ||
		slices.ContainsFunc(s.headers, func(h header) bool { return h.name == "Authorization" })
}

// signer checks who asks; nil: nobody in particular.
func (s Settings) signer() (*signer, error) {
	auth, file, err := s.authorization()
	if err != nil {
		return nil, err
	}
	sig := &signer{}
	if err := sig.setBasic(s.BasicAuth); err != nil {
		return nil, err
	}
	if err := sig.setAuthorization(auth, file); err != nil {
		return nil, err
	}
	for name, value := range s.Headers {
		sig.add(name, newText(value, "headers", ""))
	}
	for name, h := range s.HTTPHeaders {
		for _, v := range h.Values {
			sig.add(name, newText(safe.Hide(v), "http_headers", ""))
		}
		for _, v := range h.Secrets {
			sig.add(name, newText(v, "http_headers", ""))
		}
		for _, path := range h.Files {
			sig.add(name, newText(safe.Secret[string]{}, "http_headers.files", path))
		}
	}
	if err := sig.checkHeaders(auth != nil || s.BasicAuth != nil); err != nil {
		return nil, err
	}
	if sig.credentials == nil && sig.user == nil && len(sig.headers) == 0 {
		return nil, nil //nolint:nilnil // nothing to sign is fine
	}
	return sig, nil
}

func (s *signer) add(name string, value *text) {
	s.headers = append(s.headers, header{name: http.CanonicalHeaderKey(name), value: value})
}

func (s *signer) setBasic(b *BasicAuth) error {
	switch {
	case b == nil:
		return nil
	case b.Username != "" && b.UsernameFile != "":
		return wrong("basic_auth.username_file", "give either it or username")
	case b.Password.Reveal() != "" && b.PasswordFile != "":
		return wrong("basic_auth.password_file", "give either it or password")
	case b.Username == "" && b.UsernameFile == "":
		return wrong("basic_auth", "it has no username")
	}
	s.user = newText(safe.Hide(b.Username), "basic_auth.username_file", b.UsernameFile)
	s.password = newText(b.Password, "basic_auth.password_file", b.PasswordFile)
	return nil
}

func (s *signer) setAuthorization(a *Authorization, field string) error {
	if a == nil {
		return nil
	}
	s.scheme = a.Type
	if s.scheme == "" {
		s.scheme = "Bearer"
	}
	given, file := a.Credentials.Reveal(), a.CredentialsFile
	switch {
	case strings.EqualFold(s.scheme, "basic"):
		return wrong("authorization.type", "use basic_auth for it")
	case !token(s.scheme):
		return wrong("authorization.type", "want a word such as Bearer")
	case given != "" && file != "":
		return wrong("authorization.credentials_file", "give either it or credentials")
	case given == "" && file == "":
		return wrong("authorization", "it has no credentials")
	case !printable(given):
		return wrong("authorization.credentials", "there is a line end or a control character in it")
	}
	s.credentials = newText(a.Credentials, field, file)
	return nil
}

// ours are headers that the client itself decides.
var ours = []string{
	"Accept", "Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type",
	"Keep-Alive", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// checkHeaders also puts them in order, so that requests are alike.
func (s *signer) checkHeaders(authorized bool) error {
	slices.SortStableFunc(s.headers, func(a, b header) int { return strings.Compare(a.name, b.name) })
	for _, h := range s.headers {
		given := h.value.given.Reveal()
		switch {
		case !token(h.name):
			return wrong(h.value.field, "a header's name is made of letters, digits and -")
		case slices.Contains(ours, h.name):
			return wrong(h.value.field, h.name+" cannot be set")
		case h.name == "Authorization" && authorized:
			return wrong(h.value.field, "Authorization is set by basic_auth or authorization")
		case !printable(given):
			return wrong(h.value.field, "there is a line end or a control character in "+h.name)
		}
	}
	return nil
}

// token tells whether s may be a header's name.
func token(s string) bool {
	const signs = "!#$%&'*+-.^_`|~"
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		alnum := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !alnum && !strings.ContainsRune(signs, r)
	})
}

// printable tells whether s may be a header's value.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// sign is [Client.sign]; its error is a *FieldError.
func (s *signer) sign(r *http.Request) error {
	fresh := map[string]bool{}
	for _, h := range s.headers {
		v, err := h.value.header()
		switch {
		case err != nil:
			return err
		case h.name == "Host":
			r.Host = v
		case fresh[h.name]:
			r.Header.Add(h.name, v)
		default:
			fresh[h.name] = true
			r.Header.Set(h.name, v)
		}
	}
	if s.credentials != nil {
		v, err := s.credentials.header()
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", s.scheme+" "+v)
	}
	if s.user == nil {
		return nil
	}
	user, err := s.user.value()
	if err != nil {
		return err
	}
	password, err := s.password.value()
	if err != nil {
		return err
	}
	r.SetBasicAuth(user, password)
	return nil
}

// header is value, when it may stand in a header.
func (t *text) header() (string, error) {
	v, err := t.value()
	if err == nil && !printable(v) {
		return "", wrong(t.field, "there is a line end or a control character in "+safe.Clean(t.path, 0))
	}
	return v, err
}

func (s *signer) notes() []snapshot.Note {
	var notes []snapshot.Note
	all := []*text{s.credentials, s.user, s.password}
	for _, h := range s.headers {
		all = append(all, h.value)
	}
	for _, t := range all {
		if t == nil {
			continue
		}
		if n, ok := t.note(); ok {
			notes = append(notes, n)
		}
	}
	return notes
}
