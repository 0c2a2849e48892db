package middleware

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"sync"
	"time"

	"apitop/demoapi/limit"
)

// ErrToken is returned for a token that is malformed, forged or expired; which
// of them is nobody's business.
var ErrToken = errors.New("invalid token")

const (
	tokenMost   = 256 // bytes; ours have about 70
	shortSecret = 16  // bytes
	// purpose keeps a MAC made for something else from being a token.
	purpose = "apitop demo bearer 1\n"
)

// Claims is what a token says about its bearer.
type Claims struct {
	UserID int64
	Tier   limit.Tier
}

// Signer makes and checks tokens: "<user>.<tier>.<expiry>.<MAC>", the expiry in
// unix seconds, the MAC HMAC-SHA256 in base64url. Nothing is stored, so a token
// is good until it expires, on every server that has the secret. It is safe for
// concurrent use.
type Signer struct {
	life time.Duration
	macs sync.Pool // of hash.Hash: HMACs with the secret, which takes time to set
}

// NewSigner returns a signer of tokens with that life (0: 12 hours). Without a
// secret it makes one up, so that tokens end with the process.
func NewSigner(secret []byte, life time.Duration) (*Signer, error) {
	switch {
	case len(secret) == 0:
		secret = make([]byte, sha256.Size)
		rand.Read(secret) // never fails: it ends the program instead
	case len(secret) < shortSecret:
		return nil, fmt.Errorf("middleware: a token secret of %d bytes: want at least %d", len(secret), shortSecret)
	}
	if life <= 0 {
		life = 12 * time.Hour
	}
	return &Signer{life: life, macs: sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }}}, nil
}

// Sign returns a token for c and when it expires.
func (s *Signer) Sign(c Claims) (token string, expires time.Time) {
	expires = time.Now().Add(s.life).Truncate(time.Second)
	body := fmt.Sprintf("%d.%s.%d", c.UserID, c.Tier, expires.Unix())
	return body + "." + s.mac(body), expires
}

// Verify returns what the token says, or [ErrToken].
func (s *Signer) Verify(token string) (Claims, error) {
	cut := strings.LastIndexByte(token, '.')
	if cut < 0 || len(token) > tokenMost {
		return Claims{}, ErrToken
	}
	body, mac := token[:cut], token[cut+1:]
	if !hmac.Equal([]byte(mac), []byte(s.mac(body))) {
		return Claims{}, ErrToken
	}
	parts := strings.Split(body, ".")
	if len(parts) != 3 {
		return Claims{}, ErrToken
	}
	id, err1 := strconv.ParseInt(parts[0], 10, 64)
	expires, err2 := strconv.ParseInt(parts[2], 10, 64)
	if err1 != nil || err2 != nil || id < 1 || time.Now().Unix() >= expires {
		return Claims{}, ErrToken
	}
	return Claims{UserID: id, Tier: limit.Tier(parts[1])}, nil
}

func (s *Signer) mac(body string) string {
	h := s.macs.Get().(hash.Hash)
	defer s.macs.Put(h)
	h.Reset()
	h.Write([]byte(purpose))
	h.Write([]byte(body))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
