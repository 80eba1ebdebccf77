package jwt

import (
	"cmp"
	"crypto"
	"encoding/base64"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/go-jose/go-jose/v4"
)

// A PublicKey checks signatures under its one algorithm. It never changes,
// except that it can be withdrawn. It may be used by many goroutines.
type PublicKey struct {
	id, thumbprint string
	alg            Algorithm
	key            crypto.PublicKey // nil for an HMAC key
	checker        checker
	withdrawn      atomic.Bool
}

// newPublicKey takes key for alg; an empty id means the thumbprint.
func newPublicKey(key crypto.PublicKey, alg Algorithm, id string) (*PublicKey, error) {
	c, err := alg.fit(key)
	if err != nil {
		return nil, err
	}
	jwk := jose.JSONWebKey{Key: key}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, badKey("no thumbprint: %v", err)
	}
	thumbprint := base64.RawURLEncoding.EncodeToString(sum)
	return &PublicKey{id: cmp.Or(id, thumbprint), thumbprint: thumbprint, alg: alg, key: key, checker: c}, nil
}

// ID returns the key ID (kid): what its JWK says, else its thumbprint.
func (k *PublicKey) ID() string { return k.id }

// Algorithm returns the only algorithm that k is used with.
func (k *PublicKey) Algorithm() Algorithm { return k.alg }

// Thumbprint returns the key's SHA-256 thumbprint in base64url (RFC 7638). It
// tells key material from key material, whatever the key IDs say. That of an
// HMAC key is not an RFC 7638 thumbprint: it tells nothing of the secret.
func (k *PublicKey) Thumbprint() string { return k.thumbprint }

// Equal reports whether k and other are the same key material under the same ID
// and algorithm.
func (k *PublicKey) Equal(other *PublicKey) bool {
	return k == other || other != nil && k.id == other.id && k.alg == other.alg && k.thumbprint == other.thumbprint
}

// Withdraw makes verifiers refuse k for good, with reason key. What they
// remember of tokens it signed is forgotten with it, at once. A key that comes
// back must be a new PublicKey.
func (k *PublicKey) Withdraw() { k.withdrawn.Store(true) }

// Withdrawn reports whether k was withdrawn.
func (k *PublicKey) Withdrawn() bool { return k.withdrawn.Load() }

// Format prints what may be seen of a key, whatever the verb: its algorithm and
// ID. An HMAC key is a secret on both sides.
func (k *PublicKey) Format(f fmt.State, _ rune) { io.WriteString(f, string(k.alg)+" key "+k.id) }
