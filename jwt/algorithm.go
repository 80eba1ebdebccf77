package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.SHA256
	_ "crypto/sha512" // for crypto.SHA384 and crypto.SHA512
)

// An Algorithm is a JWS signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1). The
// zero value is none of them, and "none" is not one of them.
type Algorithm string

// The algorithms. A key has exactly one of them for its whole life.
const (
	ES256 Algorithm = "ES256" // the default: verified by every mainstream library and KMS
	ES384 Algorithm = "ES384"
	EdDSA Algorithm = "EdDSA" // Ed25519; for fleets whose verifiers are all known to do it
	RS256 Algorithm = "RS256" // for gateways that do nothing else
	PS256 Algorithm = "PS256"
	HS256 Algorithm = "HS256" // the HMACs: whoever verifies can also mint, so one application only
	HS384 Algorithm = "HS384"
	HS512 Algorithm = "HS512"
)

// hash returns the hash that a signature of a covers; zero for EdDSA, which
// hashes for itself, and for what is not an algorithm.
func (a Algorithm) hash() crypto.Hash {
	switch a {
	case ES256, RS256, PS256, HS256:
		return crypto.SHA256
	case ES384, HS384:
		return crypto.SHA384
	case HS512:
		return crypto.SHA512
	}
	return 0
}

// curve returns the one curve that a may be used with, or nil.
func (a Algorithm) curve() elliptic.Curve {
	switch a {
	case ES256:
		return elliptic.P256()
	case ES384:
		return elliptic.P384()
	}
	return nil
}

func (a Algorithm) symmetric() bool { return a == HS256 || a == HS384 || a == HS512 }

// The sizes of RSA modulus that are accepted, in bits: below is weak (RFC 7518
// §3.3), above costs the verifier more than any issuer has a reason for.
const minRSA, maxRSA = 2048, 4096

// fit returns the check that key is good for under a, or why it is not good.
func (a Algorithm) fit(key crypto.PublicKey) (checker, error) {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		if c := a.curve(); c == nil || key.Curve != c {
			return nil, badKey("a key on %s does not fit algorithm %q", key.Params().Name, a)
		}
		if _, err := key.ECDH(); err != nil { // refuses points that are not on the curve
			return nil, badKey("the public point is not on %s", key.Params().Name)
		}
		return ecdsaKey{key, a.hash(), (key.Params().BitSize + 7) / 8}, nil
	case ed25519.PublicKey:
		if a != EdDSA {
			return nil, badKey("an Ed25519 key does not fit algorithm %q", a)
		}
		return ed25519Key(key), nil
	case *rsa.PublicKey:
		if a != RS256 && a != PS256 {
			return nil, badKey("an RSA key does not fit algorithm %q", a)
		}
		return rsaKey{key, a == PS256}, strongRSA(key)
	}
	return nil, badKey("a %T does not fit algorithm %q", key, a)
}

func strongRSA(key *rsa.PublicKey) error {
	if n := key.N.BitLen(); n < minRSA || n > maxRSA {
		return badKey("an RSA modulus of %d bits; use %d to %d", n, minRSA, maxRSA)
	}
	if key.E < 3 || key.E%2 == 0 {
		return badKey("RSA public exponent %d; use 65537", key.E)
	}
	return nil
}
