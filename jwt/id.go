package jwt

import (
	"crypto/rand"
	"encoding/base64"
)

// NewID returns 128 random bits as 22 characters of canonical base64url: a
// token ID (jti), a session ID (sid).
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}
