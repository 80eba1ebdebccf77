package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// A SealKey seals for one reader, under its one algorithm. Made of a public key
// it opens nothing. It never prints, and may be used by many goroutines.
type SealKey struct {
	id, alg string
	key     any // *ecdsa.PublicKey, *rsa.PublicKey, or a secret of 32 bytes
}

// An OpenKey opens what was sealed for it, under its one algorithm. It never
// prints, and may be used by many goroutines.
type OpenKey struct {
	seal *SealKey
	key  any // *ecdsa.PrivateKey, *rsa.PrivateKey, or a secret of 32 bytes
}

// secretSize is what A256KW takes, and both content encryptions: 32 bytes.
const secretSize = 32

// GenerateOpenKey makes a key for dir, A256KW, ECDH-ES, ECDH-ES+A256KW (both on
// P-256) or RSA-OAEP-256 (2048 bits).
func GenerateOpenKey(alg string) (*OpenKey, error) {
	switch alg {
	case algDirect, algWrap:
		secret := make([]byte, secretSize)
		rand.Read(secret) // never fails: crypto/rand
		return newOpenKey(secret, alg, "")
	case algAgree, algAgreedKW:
		key, err := ecdsa.GenerateKey(elliptic.P256(), random)
		if err != nil {
			return nil, badKey("%v", err)
		}
		return newOpenKey(key, alg, "")
	case algOAEP:
		key, err := rsa.GenerateKey(random, minRSA)
		if err != nil {
			return nil, badKey("%v", err)
		}
		return newOpenKey(key, alg, "")
	}
	return nil, noSealAlgorithm(alg)
}

func noSealAlgorithm(alg string) error {
	return badKey("%q does not seal; use %s", alg, strings.Join(sealAlgorithms, ", "))
}

func newOpenKey(key any, alg, id string) (*OpenKey, error) {
	var public any
	switch key := key.(type) {
	case []byte:
		public = key
	case *ecdsa.PrivateKey:
		if !halves(key) {
			return nil, badKey("an EC key whose halves do not belong together")
		}
		public = &key.PublicKey
	case *rsa.PrivateKey:
		if err := key.Validate(); err != nil {
			return nil, badKey("an RSA key whose numbers do not belong together")
		}
		public = &key.PublicKey
	default:
		return nil, badKey("a key that opens nothing: give a private key, or a secret")
	}
	seal, err := newSealKey(public, alg, id)
	if err != nil {
		return nil, err
	}
	return &OpenKey{seal, key}, nil
}

// halves reports whether the two halves of key belong together: a JWK could say
// any point beside its d.
func halves(key *ecdsa.PrivateKey) bool {
	private, err := key.ECDH()
	if err != nil {
		return false
	}
	public, err := key.PublicKey.ECDH()
	return err == nil && private.PublicKey().Equal(public)
}

// newSealKey takes key for alg; an empty id means the thumbprint.
func newSealKey(key any, alg, id string) (*SealKey, error) {
	if !slices.Contains(sealAlgorithms, alg) {
		return nil, noSealAlgorithm(alg)
	}
	if !plainID(id) {
		return nil, badKey("kid must be printable ASCII without quotes, at most %d bytes", maxKeyID)
	}
	if err := sealable(key, alg); err != nil {
		return nil, err
	}
	k := &SealKey{id, alg, key}
	if id == "" {
		k.id = k.thumbprint()
	}
	return k, nil
}

// sealable refuses a key that does not fit alg, or is too weak for it.
func sealable(key any, alg string) error {
	switch key := key.(type) {
	case []byte:
		if alg != algDirect && alg != algWrap {
			return badKey("a secret does not fit %s", alg)
		}
		if len(key) != secretSize {
			return badKey("a secret of %d bytes; %s takes %d random ones", len(key), alg, secretSize)
		}
		return nil
	case *ecdsa.PublicKey:
		if alg != algAgree && alg != algAgreedKW {
			return badKey("a key on %s does not fit %s", key.Params().Name, alg)
		}
		if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() {
			return badKey("a key on %s; use P-256 or P-384", key.Params().Name)
		}
		if _, err := key.ECDH(); err != nil {
			return badKey("the public point is not on %s", key.Params().Name)
		}
		return nil
	case *rsa.PublicKey:
		if alg != algOAEP {
			return badKey("an RSA key does not fit %s", alg)
		}
		return strongRSA(key)
	}
	return badKey("a %T does not seal", key)
}

// thumbprint names a key by RFC 7638; a secret by an HMAC with it, because a
// hash of it would let it be guessed.
func (k *SealKey) thumbprint() string {
	if secret, ok := k.key.([]byte); ok {
		name := hmac.New(crypto.SHA256.New, secret)
		name.Write([]byte("jotkeeper seal key id " + k.alg))
		return base64.RawURLEncoding.EncodeToString(name.Sum(nil)[:16])
	}
	sum, err := (&jose.JSONWebKey{Key: k.key}).Thumbprint(crypto.SHA256)
	if err != nil {
		panic(err) // sealable has let only curves and RSA pass
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// wraps reports whether the content key travels encrypted, so that others can
// have it as well.
func (k *SealKey) wraps() bool { return k.alg != algDirect && k.alg != algAgree }

// wrapped is the length of an encrypted content key, in bytes.
func (k *SealKey) wrapped() int {
	if pub, ok := k.key.(*rsa.PublicKey); ok {
		return pub.Size()
	}
	if k.wraps() {
		return secretSize + 8 // RFC 3394 §2.2.1
	}
	return 0
}

// ID returns the key ID (kid): what its JWK says, else its thumbprint.
func (k *SealKey) ID() string { return k.id }

// Algorithm returns the only algorithm that k seals under.
func (k *SealKey) Algorithm() string { return k.alg }

// Format prints the algorithm and the ID of k, whatever the verb: it may be a
// secret.
func (k *SealKey) Format(f fmt.State, _ rune) { io.WriteString(f, k.alg+" seal key "+k.id) }

// ID returns the key ID (kid), that of its SealKey.
func (k *OpenKey) ID() string { return k.seal.id }

// SealKey returns what seals for k: the public half, or the secret itself.
func (k *OpenKey) SealKey() *SealKey { return k.seal }

// Format prints the algorithm and the ID of k, never the key.
func (k *OpenKey) Format(f fmt.State, _ rune) { io.WriteString(f, k.seal.alg+" open key "+k.seal.id) }

// MarshalJSON refuses: where a private key is kept is not decided by what
// prints it.
func (k *OpenKey) MarshalJSON() ([]byte, error) {
	return nil, badKey("an open key is not written as JSON")
}

// MarshalJSON writes a public k as a JSON Web Key with use, alg and kid, for
// whoever shall seal. A secret has no public half: ErrKey.
func (k *SealKey) MarshalJSON() ([]byte, error) {
	if _, secret := k.key.([]byte); secret {
		return nil, badKey("a secret is never published")
	}
	return (&jose.JSONWebKey{Key: k.key, KeyID: k.id, Algorithm: k.alg, Use: "enc"}).MarshalJSON()
}

// A sealPoint is the ephemeral public key of an agreement (RFC 7518 §4.6.1.1).
type sealPoint struct {
	Type  string `json:"kty"`
	Curve string `json:"crv"`
	X     string `json:"x"`
	Y     string `json:"y"`
}

// fits reports whether the ephemeral key of h is a point of the key's own
// curve, spelt in its one way: a point elsewhere would draw the private key out
// bit by bit (RFC 8725 §2.4).
func (h *sealHead) fits(key *OpenKey) bool {
	private, ok := key.key.(*ecdsa.PrivateKey)
	if !ok {
		return h.Epk == nil
	}
	own, err := private.ECDH()
	if err != nil || h.Epk == nil || h.Epk.Type != "EC" || h.Epk.Curve != private.Params().Name {
		return false
	}
	x, errX := base64url.DecodeString(h.Epk.X)
	y, errY := base64url.DecodeString(h.Epk.Y)
	width := (private.Params().BitSize + 7) / 8
	if errX != nil || errY != nil || len(x) != width || len(y) != width {
		return false
	}
	_, err = own.Curve().NewPublicKey(slices.Concat([]byte{4}, x, y)) // SEC 1 §2.3.3: uncompressed
	return err == nil
}
