package store

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

const (
	hashScheme = "pbkdf2-sha256"
	// hashRounds is what Postgres takes for its own passwords (SCRAM). It is low
	// (OWASP: 600,000), because the demo logs hundreds of accounts in at its start
	// and the password is public.
	hashRounds    = 4096
	hashRoundsMax = 10_000_000
	saltBytes     = 16
)

// HashPassword returns the password in the form kept in the store:
// "pbkdf2-sha256$<rounds>$<salt>$<hash>", the last two in unpadded base64.
func HashPassword(password string) (string, error) {
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails: it ends the program instead
	key, err := pbkdf2.Key(sha256.New, password, salt, hashRounds, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("store: hash a password: %w", err)
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("%s$%d$%s$%s", hashScheme, hashRounds, b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// CheckPassword reports whether hash was made from password. A hash it cannot
// read matches nothing. The time it takes does not depend on the password.
func CheckPassword(hash, password string) bool {
	parts := strings.Split(hash, "$")
	if len(parts) != 4 || parts[0] != hashScheme {
		return false
	}
	rounds, err := strconv.Atoi(parts[1])
	if err != nil || rounds < 1 || rounds > hashRoundsMax {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[2])
	if err != nil {
		return false
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[3])
	if err != nil || len(want) != sha256.Size { // a shorter one would match too much
		return false
	}
	got, err := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1
}
