package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Params are the costs of Argon2id (RFC 9106).
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// DefaultParams are what OWASP asks for at least: 19 MiB, two passes, one thread.
var DefaultParams = Params{Memory: 19 * 1024, Time: 2, Threads: 1}

const (
	saltSize = 16
	keySize  = 32
)

// bounded tells whether p may be run at all: a row that somebody has written
// into the database must not take a gigabyte for a guess.
func (p Params) bounded() bool {
	return p.Time >= 1 && p.Time <= 64 && p.Threads >= 1 && p.Threads <= 16 &&
		p.Memory >= 8*uint32(p.Threads) && p.Memory <= 256*1024
}

// A hashed password, as a PHC string spells it:
// $argon2id$v=19$m=19456,t=2,p=1$salt$key, base64 without padding.
type hashed struct {
	params    Params
	salt, key []byte
}

func (h hashed) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, h.params.Memory, h.params.Time, h.params.Threads, b64(h.salt), b64(h.key))
}

// parseHash reads what String writes and nothing else. The error never shows
// the hash.
func parseHash(phc string) (hashed, error) {
	var h hashed
	parts := strings.Split(phc, "$")
	if len(parts) != 6 {
		return h, ErrHash
	}
	_, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.params.Memory, &h.params.Time, &h.params.Threads)
	salt, errSalt := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	key, errKey := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	h.salt, h.key = salt, key
	if err != nil || errSalt != nil || errKey != nil || h.String() != phc {
		return h, ErrHash
	}
	if !h.params.bounded() || len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 {
		return h, ErrHash
	}
	return h, nil
}

// hash returns the PHC string of a new password, in its normal form.
func (t *ticket) hash(ctx context.Context, p Params, password string) (string, error) {
	h := hashed{params: p, salt: random(saltSize)}
	var err error
	if h.key, err = t.run(ctx, h.params, password, h.salt, keySize); err != nil {
		return "", err
	}
	return h.String(), nil
}

// verify tells whether a password is the hashed one. It costs one run of
// Argon2id whatever the answer, for what can be nobody's password too.
func (t *ticket) verify(ctx context.Context, h hashed, password string) (bool, error) {
	password, possible := normal(password)
	key, err := t.run(ctx, h.params, password, h.salt, len(h.key))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, h.key) == 1 && possible, nil
}

// decoy is compared for those who have no password here. Nothing hashes to it.
func decoy(p Params) hashed {
	return hashed{params: p, salt: random(saltSize), key: random(keySize)}
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
