package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
)

// random is where all randomness of this package comes from.
var random = rand.Reader

// A PrivateKey signs under its one algorithm. It never prints: whatever the
// verb, it formats as its algorithm and ID. It may be used by many goroutines.
type PrivateKey struct {
	public *PublicKey
	sign   func(input []byte) ([]byte, error)
	signer crypto.Signer // nil for an HMAC key
}

// GenerateKey makes a key for alg: RSA with 2048 bits, the others with the size
// their algorithm names. HMAC secrets are not made here but handed over, see
// NewHMACKey.
func GenerateKey(alg Algorithm) (*PrivateKey, error) {
	switch alg {
	case ES256, ES384:
		key, err := ecdsa.GenerateKey(alg.curve(), random)
		return newPrivateKey(key, alg, err)
	case EdDSA:
		_, key, err := ed25519.GenerateKey(random)
		return newPrivateKey(key, alg, err)
	case RS256, PS256:
		key, err := rsa.GenerateKey(random, minRSA)
		return newPrivateKey(key, alg, err)
	}
	return nil, badKey("no key is generated for algorithm %q; use ES256, ES384, EdDSA, RS256 or PS256", alg)
}

func newPrivateKey(key crypto.Signer, alg Algorithm, err error) (*PrivateKey, error) {
	if err != nil {
		return nil, badKey("%v", err)
	}
	public, err := newPublicKey(key.Public(), alg, "")
	if err != nil {
		return nil, err
	}
	signInput := func(input []byte) ([]byte, error) { return sign(key, alg, input) }
	return &PrivateKey{public, signInput, key}, nil
}

// NewHMACKey takes a secret of at least the hash's size in random bytes (RFC
// 7518 §3.2) for HS256, HS384 or HS512. Whoever verifies with it can also mint:
// it is for one application, and a Verifier must be told so.
func NewHMACKey(alg Algorithm, secret []byte) (*PrivateKey, error) {
	if !alg.symmetric() {
		return nil, badKey("algorithm %q takes no secret", alg)
	}
	if n := alg.hash().Size(); len(secret) < n {
		return nil, badKey("a secret of %d bytes; %s takes %d random ones or more", len(secret), alg, n)
	}
	key := hmacKey{alg.hash(), append([]byte(nil), secret...)}
	name := hmac.New(crypto.SHA256.New, key.secret)
	name.Write([]byte("jotkeeper key id " + alg)) // not the RFC 7638 hash: it would let a secret be guessed
	id := base64.RawURLEncoding.EncodeToString(name.Sum(nil)[:16])
	public := &PublicKey{id: id, thumbprint: id, alg: alg, checker: key}
	return &PrivateKey{public, func(in []byte) ([]byte, error) { return key.sign(in), nil }, nil}, nil
}

// ID returns the key ID (kid).
func (k *PrivateKey) ID() string { return k.public.id }

// Algorithm returns the only algorithm that k signs under.
func (k *PrivateKey) Algorithm() Algorithm { return k.public.alg }

// Public returns the public half, the same pointer each time.
func (k *PrivateKey) Public() *PublicKey { return k.public }

// MarshalPKCS8 returns the private key in DER (RFC 5958), in the clear: seal it
// before it is written anywhere. An HMAC key has no such form: ErrKey.
func (k *PrivateKey) MarshalPKCS8() ([]byte, error) {
	if k.signer == nil {
		return nil, badKey("an HMAC key has no PKCS #8 form")
	}
	return x509.MarshalPKCS8PrivateKey(k.signer)
}

// ParsePKCS8 reads what MarshalPKCS8 wrote, for alg. A key that does not fit
// alg, or is too weak, is ErrKey.
func ParsePKCS8(der []byte, alg Algorithm) (*PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, badKey("not a PKCS #8 private key") // the cause may quote key material
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, badKey("a %T does not sign", key)
	}
	return newPrivateKey(signer, alg, nil)
}

// Format prints the algorithm and the ID of k, never the key.
func (k *PrivateKey) Format(f fmt.State, verb rune) { k.public.Format(f, verb) }

// MarshalJSON refuses: a private key is stored sealed, by MarshalPKCS8.
func (k *PrivateKey) MarshalJSON() ([]byte, error) {
	return nil, badKey("a private key is not written as JSON")
}
